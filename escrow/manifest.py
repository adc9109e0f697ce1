"""The manifest: the public description of a share set. `encode` and `decode` are inverses on canonical text.

Layout and rules stand in FORMAT.md, section "Manifest". The set id is the hash of these bytes, so nothing in a
manifest can change without every share of the set disagreeing. It names no custodian, and commits to nothing
that could be guessed.
"""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any, Self

from escrow.errors import EscrowError, ManifestError
from escrow.policy import Group, Policy, Position
from escrow.share import SET_ID_LENGTH, SHORT_SET_ID_LENGTH, Kind, Record, commitment

FORMAT = "step-ca escrow manifest"
VERSION = 1
MAX_LENGTH = 1 << 20
MAX_EPOCH = 9999
MAX_FILES = 998  # of a package's 1000 members two are its own
DIRECTORIES = frozenset({"certs", "secrets", "config", "templates"})
TIME = "%Y-%m-%dT%H:%M:%SZ"

_HASH = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_SET_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class KeyEntry:
    """One escrowed private key: its name, its file in the tree, and its public half.

    `public_key` is the SHA-256 of the SubjectPublicKeyInfo (DER), `public_file` the certificate or the .pub
    file that the key belongs to, if the tree has one.
    """

    name: str
    file: str
    algorithm: str
    public_key: str
    public_file: str | None


@dataclass(frozen=True)
class CertificateEntry:
    """One certificate of the CA: its file in the tree, its subject (RFC 4514), the SHA-256 of its DER."""

    file: str
    subject: str
    sha256: str


@dataclass(frozen=True)
class Superseded:
    """An earlier share set of the same CA."""

    epoch: int
    set_id: str


@dataclass(frozen=True)
class Manifest:
    """What everybody may know of a share set. Hashes are lower-case hex, times UTC."""

    kind: Kind
    ca: str
    created: str
    epoch: int
    supersedes: tuple[Superseded, ...]
    policy: Policy
    commitments: tuple[tuple[str, ...], ...]
    key_check: str
    certificates: tuple[CertificateEntry, ...]
    keys: tuple[KeyEntry, ...]
    files: tuple[str, ...]

    def encode(self) -> bytes:
        """The canonical text: JSON, keys sorted, indented by one space, UTF-8, one newline at the end."""
        fields = asdict(self) | {"format": FORMAT, "version": VERSION, "kind": self.kind.value}
        text = json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False)
        return text.encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The manifest in canonical text. Raises ManifestError for anything else."""
        if len(data) > MAX_LENGTH:
            message = f"The manifest is longer than {MAX_LENGTH} bytes: this toolkit did not make it."
            raise ManifestError(message)
        try:
            manifest = cls._from_fields(json.loads(data.decode()))
        except ManifestError:
            raise
        except EscrowError as error:
            message = f"The manifest is not valid: {error}"
            raise ManifestError(message) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            message = f"The manifest cannot be read ({type(error).__name__}): it is damaged. Use another copy."
            raise ManifestError(message) from None
        if manifest.encode() != data:
            message = "The manifest is not in its canonical form: it was changed. Use another copy."
            raise ManifestError(message)
        return manifest

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        if fields["format"] != FORMAT or fields["version"] != VERSION:
            message = (
                f"The manifest has format version {fields['version']!r}; this program reads {VERSION}. Use a newer one."
            )
            raise ManifestError(message)
        policy = fields["policy"]
        manifest = cls(
            kind=Kind(fields["kind"]),
            ca=fields["ca"],
            created=fields["created"],
            epoch=fields["epoch"],
            supersedes=tuple(Superseded(**entry) for entry in fields["supersedes"]),
            policy=Policy(policy["threshold"], tuple(Group(**group) for group in policy["groups"])),
            commitments=tuple(tuple(group) for group in fields["commitments"]),
            key_check=fields["key_check"],
            certificates=tuple(CertificateEntry(**entry) for entry in fields["certificates"]),
            keys=tuple(KeyEntry(**entry) for entry in fields["keys"]),
            files=tuple(fields["files"]),
        )
        manifest._check()
        return manifest

    def _check(self) -> None:
        if len(self.keys) + len(self.files) + len(self.certificates) > MAX_FILES:  # before work that grows with them
            message = f"The manifest names more than {MAX_FILES} files: this toolkit did not make it."
            raise ManifestError(message)
        key_files = [entry.file for entry in self.keys]
        paths = [*key_files, *self.files]
        hashes = [h for group in self.commitments for h in group]
        hashes += [self.key_check, *(c.sha256 for c in self.certificates), *(k.public_key for k in self.keys)]
        epochs = [*(entry.epoch for entry in self.supersedes), self.epoch]
        numbers = [*epochs, self.policy.threshold]
        numbers += [number for group in self.policy.groups for number in (group.threshold, group.shares)]
        whole = all(type(number) is int and 1 <= number <= MAX_EPOCH for number in numbers)
        checks = {
            "ca": is_printable(self.ca),
            "created": _is_time(self.created),
            "epoch": whole,
            "supersedes": all(_SET_ID.fullmatch(entry.set_id) for entry in self.supersedes)
            and whole
            and epochs == sorted(set(epochs)),
            "commitments": [len(group) for group in self.commitments] == [g.shares for g in self.policy.groups]
            and all(_HASH.fullmatch(value) for value in hashes),
            "keys": bool(self.keys) and len({entry.name for entry in self.keys}) == len(self.keys),
            "files": all(is_tree_path(file, {"secrets"}) for file in key_files)
            and all(is_tree_path(file, DIRECTORIES - {"secrets"}) for file in self.files)
            and len(set(paths)) == len(paths)
            and not any(path.startswith(f"{other}/") for path in paths for other in paths),
            "certificates": all(
                c.file in self.files and c.file.startswith("certs/") and is_printable(c.subject)
                for c in self.certificates
            ),
            "public_file": all(
                entry.public_file is None
                or (entry.public_file in self.files and entry.public_file.startswith("certs/"))
                for entry in self.keys
            ),
            "names": all(is_printable(entry.name) and is_printable(entry.algorithm) for entry in self.keys),
        }
        for name, holds in checks.items():
            if not holds:
                message = f"The manifest's field {name!r} is not valid: the package is damaged. Use another copy."
                raise ManifestError(message)

    @property
    def set_id(self) -> bytes:
        """SHA-256 of the canonical text, the first 16 bytes."""
        return hashlib.sha256(self.encode()).digest()[:SET_ID_LENGTH]

    @property
    def short_set_id(self) -> bytes:
        """The first 8 bytes of the set id: what a share carries."""
        return self.set_id[:SHORT_SET_ID_LENGTH]

    def commitment_at(self, position: Position) -> bytes:
        """The commitment to the share at a position of the policy."""
        return bytes.fromhex(self.commitments[position.group - 1][position.x - 1])

    def record(self, position: Position, value: bytes) -> Record:
        """The record of the share with this value at a position of the policy. Call in a worker."""
        k = self.policy.threshold_of(position.group)
        return Record(self.kind, self.short_set_id, position.group, position.x, k, value)

    def problem_with(self, record: Record) -> str | None:  # noqa: PLR0911 - one return a check, in order
        """Say what is wrong with a share that claims to belong to this set; None when it does belong.

        Hashes the share's value: call in a worker.
        """
        if record.kind is not self.kind:
            return (
                f"it is a {record.kind.value} share and the package is {self.kind.value}: the two never mix. "
                "Look for the right sheet."
            )
        if record.set_id != self.short_set_id:
            for old in self.supersedes:
                if old.set_id.startswith(record.set_id.hex()):
                    return (
                        f"it belongs to epoch {old.epoch}, which this set of epoch {self.epoch} superseded. "
                        "Look for the newer sheet, or for the older package."
                    )
            return (
                f"it belongs to another share set ({group_hex(record.set_id)}), not to this package's "
                f"({group_hex(self.short_set_id)}). Look for the sheet with this package's set id."
            )
        if record.group == 0 or record.group > len(self.policy.groups):
            return f"its group is {record.group} and the policy has {len(self.policy.groups)}."
        group = self.policy.groups[record.group - 1]
        if record.x == 0 or record.x > group.shares:
            return f"its number is {record.x} and shares are numbered from 1 to {group.shares}."
        if record.k != group.threshold:
            return f"it says that {record.k} shares are needed and the package says {group.threshold}: it was changed."
        if commitment(record.position, record.k, record.value) != self.commitment_at(record.position):
            return "its value does not fit the commitment in the package: it is misread, mistyped or forged."
        return None


def group_hex(data: bytes) -> str:
    """Bytes as upper-case hex in groups of four digits, for people to compare."""
    digits = data.hex().upper()
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def is_printable(text: object) -> bool:
    """Whether this is a short line of text without control characters."""
    return isinstance(text, str) and 0 < len(text) <= 500 and text.isprintable()  # noqa: PLR2004


def is_tree_path(path: object, directories: AbstractSet[str] = DIRECTORIES) -> bool:
    """Whether this names a file below one of these directories of a STEPPATH, and nothing outside."""
    if not is_printable(path):
        return False
    parts = str(path).split("/")
    return len(parts) > 1 and parts[0] in directories and not {"", ".", ".."} & set(parts)


def _is_time(text: str) -> bool:
    """Whether this is a time of the calendar, UTC, in the one form that a manifest has."""
    try:
        dt.datetime.strptime(text, TIME)  # noqa: DTZ007 - the Z says UTC
    except ValueError:
        return False
    return _TIME.fullmatch(text) is not None
