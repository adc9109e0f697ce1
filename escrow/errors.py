"""Every error this project raises on purpose.

A message says what is wrong, which share, field or file, and what to do next. It never contains a secret.
The class decides the program's exit status, nothing else.
"""

from pathlib import Path
from traceback import extract_tb


class EscrowError(Exception):
    """Root of all errors raised on purpose: a check or an operation failed (exit status 1)."""

    exit_status = 1


class UsageError(EscrowError):
    """The request itself cannot be carried out as written (exit status 2)."""

    exit_status = 2


class RefusedError(EscrowError):
    """The machine, a gate or the state of a directory does not allow it (exit status 3)."""

    exit_status = 3


class PolicyError(UsageError):
    """A threshold, a number of shares or a group is outside what can be split."""


class PlanError(UsageError):
    """The plan of a ceremony cannot be read, or says something that cannot be."""


class FileError(EscrowError):
    """A file or directory cannot be read or written."""


class KeyFileError(EscrowError):
    """A private key cannot be read, or does not belong to its certificate."""


class PasswordRequiredError(KeyFileError):
    """A private key is encrypted and no password was given for it."""


class CertificateError(EscrowError):
    """A certificate cannot be read, or a chain does not hold."""


class TreeError(EscrowError):
    """A STEPPATH lacks something, or names something this toolkit cannot escrow."""


class ManifestError(EscrowError):
    """The public description of a share set is damaged or not understood."""


class PackageError(EscrowError):
    """A package is damaged, or belongs to another share set."""


class ShareError(EscrowError):
    """A share is wrong: mistyped, foreign, stale, forged, or in conflict with another."""


class PageError(EscrowError):
    """A page cannot be read, or no share is on it."""


class QuorumError(ShareError):
    """Too few shares were given."""


class TemplateError(EscrowError):
    """A template lacks a field, or has one that nobody knows."""


class SignatureError(EscrowError):
    """A signature does not fit what it stands beside."""


class InventoryError(EscrowError):
    """The inventory of a root was changed, or does not allow what is wanted."""


class PrintError(EscrowError):
    """A printer did not print a whole sheet: what came out is spoilt."""


class SpoolError(EscrowError):
    """A print job could not be removed, so the print system may keep a copy of a sheet."""


class TokenError(EscrowError):
    """A PKCS#11 token cannot be opened, or does not take a key."""


class LockedMemoryError(EscrowError):
    """No page could be had that cannot be swapped or dumped."""


class SelfTestError(EscrowError):
    """A library or the machine gives a wrong answer where the right one is known."""


class WorkerError(EscrowError):
    """A one-shot worker process died, or failed in a way nobody foresaw."""


def place(error: BaseException) -> str:
    """The type of an error that nobody foresaw, and where it arose; not its text, which may quote a secret."""
    frames = extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.name}, {Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:]))
    return f"{type(error).__name__} in {where}"
