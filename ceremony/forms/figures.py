"""Times, counts and hashes as a transcript prints them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ceremony import spoken
from ceremony.forms.record import Digest
from ceremony.run.journal import Entry
from escrow.manifest import group_hex

_DIGITS = 8


def time(entry: Entry) -> str:
    """When an entry was written, to the second, UTC."""
    return entry.utc.replace("T", " ").removesuffix("Z")


def short(digits: str) -> str:
    """A hash's first three words and its last."""
    return spoken.first_three_and_last(spoken.words_of(bytes.fromhex(digits)))


def grouped(digits: str) -> str:
    """A hash's digits in groups, in two rows."""
    return "\n".join(_rows(digits))


def digest(label: str, digits: str) -> Digest:
    """A hash in full."""
    return Digest(label, spoken.rows_of(spoken.words_of(bytes.fromhex(digits))), _rows(digits))


def counts(checks: Sequence[Mapping[str, Any]]) -> str:
    """How many checks ended how."""
    return ", ".join(f"{number} {status}" for status, number in Counter(check["status"] for check in checks).items())


def key_fingerprint(facts: Mapping[str, Any]) -> str:
    """The fingerprint of the ceremony's key, from what its opening found."""
    import hashlib

    return hashlib.sha256(bytes.fromhex(facts["key"])).hexdigest()


def set_name(facts: Mapping[str, Any]) -> str:
    """A set's id in groups of digits."""
    return group_hex(bytes.fromhex(facts["set_id"]))


def _rows(digits: str) -> tuple[str, ...]:
    groups = [digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS)]
    return tuple(" ".join(groups[start : start + 4]) for start in range(0, len(groups), 4))
