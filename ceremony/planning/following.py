"""What a plan says of a ceremony that follows another: what is signed, tried or brought back, and what it follows."""

from dataclasses import dataclass
from pathlib import Path

from ceremony.planning.session_tables import Crl, CrossSign, Revoke, SignIntermediate


@dataclass(frozen=True)
class Session:
    """What a session signs: one of the three, what it revokes, and the hash (hex) of the archive that it follows.

    `folder` is that of the plan: a file that is certified is looked for from there.
    """

    task: SignIntermediate | Crl | CrossSign
    revoke: tuple[Revoke, ...]
    before: str
    folder: Path

    @property
    def file(self) -> Path | None:
        """Where the file lies that is certified, or the list that was published before; None without one."""
        match self.task:
            case SignIntermediate():
                named: Path | None = self.task.csr
            case Crl():
                named = self.task.previous
            case _:
                named = self.task.certificate
        return self.folder / named if named else None

    @property
    def pinned(self) -> str | None:
        """The SHA-256 (hex) of that file."""
        return self.task.previous_sha256 if isinstance(self.task, Crl) else self.task.sha256


@dataclass(frozen=True)
class Drill:
    """What a drill tries, its time in minutes, and the hash (hex) of the archive that it follows."""

    level: str
    scenario: str
    minutes: int
    before: str


@dataclass(frozen=True)
class Refresh:
    """Why there is to be a new set, and the hash (hex) of the archive with the old one."""

    reason: str
    before: str


@dataclass(frozen=True)
class Recovery:
    """Why keys are brought back, on whose word, which, and to which public key (PEM) or token (its label) if to one.

    `before` is the hash (hex) of what it follows: of an archive, or `of_package` alone.
    """

    incident: str
    called_by: str
    agreed: tuple[str, ...]
    only: tuple[str, ...]
    recipient: str | None
    token: str | None
    before: str
    of_package: bool
