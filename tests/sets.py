"""Specimen sets as texts, as tests of decoders need them. `tests/golden` was made by `write` once and is kept."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from escrow import cms, recovery, sealing
from escrow.files import NewFiles
from escrow.issuing.make import generate
from escrow.package import Package
from escrow.paper.parts import split
from escrow.paper.scan import scan
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record
from escrow.words import to_words

POLICIES = {"plain": Policy.plain(3, 5), "groups": Policy(2, (Group(2, 3), Group(1, 1), Group(3, 4)))}
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@dataclass(frozen=True)
class TextSet:
    """A package and every share of its set, as texts, and the SHA-256 of the archive that they give."""

    package: bytes
    records: Mapping[Position, Record]
    archive_hash: str

    def codes(self) -> list[str]:
        return [part.to_text() for part in split(self.package)]


def qr(record: Record) -> str:
    return record.to_text() + "\n"


def lines(record: Record) -> str:
    value = record.value.hex()
    return f"left   {record.x}-{value[:32]}\nright  {record.x}-{value[32:]}\n"


def words(record: Record) -> str:
    return "".join(f"{n}  {' '.join(row)}\n" for n, row in enumerate(to_words(record.encode()), 1))


def bare_words(record: Record) -> str:
    """Upper case, no check words, no rows."""
    return " ".join(word for row in to_words(record.encode()) for word in row[:8]).upper() + "\n"


FORMS = {"qr": qr, "lines": lines, "words": words, "bare": bare_words}


def make(directory: Path, policy: Policy) -> TextSet:
    """Seal a throw-away CA, and read its shares from their sheets."""
    authority = generate("Golden", NOW, lambda *_: None)
    custodians = tuple(f"Custodian {n}" for n in range(len(policy.positions)))
    with NewFiles(directory) as out:
        sealing.seal(authority, sealing.Order(Kind.SPECIMEN, policy, custodians, NOW), out, lambda *_: None)
        out.publish()
    authority.close()
    records = {}
    for position in policy.positions:
        (page,) = scan((directory / sealing.sheet_file(policy, position)).read_bytes())
        records[position] = Record.from_text(page.texts[0])
    text = (directory / sealing.PACKAGE_FILE).read_bytes()
    package = Package.decode(text)
    wrapping_key = recovery.combine(policy, {position: record.value for position, record in records.items()})
    archive = cms.decrypt(wrapping_key, package.manifest.set_id, package.cms)
    return TextSet(text, records, hashlib.sha256(archive).hexdigest())


def write(directory: Path, made: TextSet) -> None:
    """Write a set as a golden one: package, codes, each share in each form, and the archive's hash."""
    directory.mkdir(parents=True)
    (directory / "package.escrow").write_bytes(made.package)
    (directory / "codes.txt").write_text("".join(f"{code}\n" for code in made.codes()))
    (directory / "keys.zip.sha256").write_text(made.archive_hash + "\n")
    for position, record in made.records.items():
        for name, form in FORMS.items():
            (directory / f"share-{position.group}-{position.x}.{name}.txt").write_text(form(record))
