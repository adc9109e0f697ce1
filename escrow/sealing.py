"""Seal a CA: keys -> package, wrapping key -> shares -> sheets. The inverse is `recovery`."""

import datetime as dt
import json
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from escrow import certificates, documents, package, shamir, standalone
from escrow.authority import Authority
from escrow.contents import certificates_of, key_fingerprint, prove_contents
from escrow.errors import PageError
from escrow.files import NewFiles, write_all
from escrow.judge import judge_file
from escrow.manifest import TIME, CertificateEntry, KeyEntry, Manifest, Superseded
from escrow.memory import Secret, isolate
from escrow.package import Package
from escrow.paper import page, parts, scan, sheet
from escrow.paper.fonts import check_printable
from escrow.paper.public import Keeping
from escrow.paper.stationery import PLAIN, Stationery
from escrow.policy import Policy, Position
from escrow.printing import Destination, Files
from escrow.progress import Progress
from escrow.share import VALUE_LENGTH, Kind, commitment, key_check

PACKAGE_FILE = "package.escrow"


@dataclass(frozen=True)
class Order:
    """What set to make of an authority: the policy, whose shares they are, and when."""

    kind: Kind
    policy: Policy
    custodians: tuple[str, ...]
    created: dt.datetime
    stationery: Stationery = PLAIN
    epoch: int = 1
    supersedes: tuple[Superseded, ...] = ()
    keeping: tuple[Keeping, ...] = ()
    """How each share will be kept, for its receipt."""

    def __post_init__(self) -> None:
        documents.check_custodians(self.policy, self.custodians)

    def check_papers(self, ca: str) -> None:
        """Try every template out, as far as can be before the CA is known. Raises TemplateError."""
        made_up = documents.made_up(self.kind, self.policy, ca)
        documents.try_out(made_up, self.custodians, self.stationery, self.keeping)


@dataclass(frozen=True)
class Sealed:
    """A package that was opened again, and the shares of its wrapping key, which is gone. Close it to wipe them."""

    package: Package
    text: bytes
    shares: Mapping[Position, Secret]

    @property
    def manifest(self) -> Manifest:
        """The public description of the set."""
        return self.package.manifest

    def close(self) -> None:
        """Wipe every share."""
        for share in self.shares.values():
            share.close()


def seal(
    authority: Authority, order: Order, out: NewFiles, progress: Progress, sheets: Destination | None = None
) -> Manifest:
    """Seal an authority: write the package into `out`, one sheet per share to `sheets` (or else into `out`, too).

    Beside the package go what `write_public` writes. Nothing appears unless each sheet was read back from its own
    picture. Returns the manifest.
    """
    sheets = sheets or Files(out)
    sealed = seal_package(authority, order, progress)
    with closing(sealed):
        write_public(sealed, order, out, progress)
        for number, (position, value) in enumerate(sealed.shares.items()):  # late: paper cannot be taken back
            progress("Making share sheets", number, len(sealed.shares))
            custodian = order.custodians[number]
            label = f"Share {order.policy.name_of(position)} for {custodian}"
            write = partial(write_sheet, sealed.manifest, position, value, custodian, order.stationery)
            sheets.put(sheet_file(order.policy, position), label, write)
        progress("Making share sheets", len(sealed.shares), len(sealed.shares))
        out.write(PACKAGE_FILE, sealed.text)  # last: a package says that all its sheets are there
    return sealed.manifest


def seal_package(authority: Authority, order: Order, progress: Progress) -> Sealed:
    """Encrypt an authority under a new wrapping key, and split that key.

    The shares were proved to fit each other, and the package was opened again, before this returns.
    """
    check_printable(authority.name, "CA's name")
    with ExitStack() as shares_undo, ExitStack() as undo:
        wrapping_key = undo.enter_context(Secret.random(shamir.LENGTH))
        shares = {position: shares_undo.enter_context(Secret(VALUE_LENGTH)) for position in order.policy.positions}
        progress("Splitting the wrapping key", 0, 1)
        facts = _split(wrapping_key, order.policy, shares)
        manifest = _describe(authority, order, facts)
        progress("Splitting the wrapping key", 1, 1)
        members = {**{entry.file: entry.key.pem for entry in authority.keys}, **authority.files}
        sealed = package.seal(manifest, wrapping_key, members)
        text = sealed.encode()
        opened = package.open_package(Package.decode(text), wrapping_key)  # what will be read, not what was meant
        for content in opened.values():
            undo.callback(content.close)
        prove_contents(manifest, opened)
        shares_undo.pop_all()
    return Sealed(sealed, text, shares)


def write_public(sealed: Sealed, order: Order, out: NewFiles, progress: Progress) -> None:
    """Write what goes with a package and is no secret.

    Its own sheets, unless it is too large for paper; its decoder; labels, receipts and the recovery card.
    """
    page.prepare()
    scan.prepare()
    progress("Making package sheets", 0, 1)
    if parts.fits(sealed.text):
        package_sheets = documents.make_package_sheets(sealed.package, order.stationery)
        out.write(documents.PACKAGE_SHEETS_FILE, package_sheets)
    out.write(standalone.FILE, standalone.source())
    progress("Making package sheets", 1, 1)
    for name, pdf in documents.make(sealed.manifest, order.custodians, order.stationery, progress, order.keeping):
        out.write(f"{documents.FOLDER}/{name}", pdf)


def write_sheet(  # noqa: PLR0913, PLR0917 - a share, whose, how, and where to
    manifest: Manifest,
    position: Position,
    value: Secret,
    custodian: str,
    stationery: Stationery,
    descriptor: int,
    path: Path,
) -> None:
    """Have one share's sheet rendered, read back from its own picture, and written to a descriptor of `path`."""

    def in_worker() -> bytes:
        record = manifest.record(position, bytes(value.view))
        pdf = sheet.render(record, manifest, custodian, stationery)
        read_back = [found for found, _ in judge_file(manifest, path.name, pdf)]
        if read_back != [record]:
            share = manifest.policy.name_of(position)
            message = f"The sheet of share {share} cannot be read back from its own picture: report this."
            raise PageError(message)
        write_all(descriptor, pdf, path)
        return b""

    page.prepare()
    scan.prepare()
    isolate(in_worker, value)


def write_test_page(manifest: Manifest, stationery: Stationery, descriptor: int, path: Path) -> None:
    """Have the first sheet of a set that is made up written to a descriptor: printer and reader are tried with it."""
    name = sheet.design_of(stationery, groups=len(manifest.policy.groups) > 1).say("test_page")
    with Secret.of(documents.MADE_UP) as value:
        write_sheet(manifest, manifest.policy.positions[0], value, name, stationery, descriptor, path)


def sheet_file(policy: Policy, position: Position) -> str:
    """The name of a share's PDF: share-X.pdf, or share-GROUP-X.pdf where there are groups."""
    return f"shares/share-{policy.short_name_of(position)}.pdf"


def _split(wrapping_key: Secret, policy: Policy, shares: Mapping[Position, Secret]) -> dict[str, list[str] | str]:
    def in_worker() -> bytes:
        secret = bytes(wrapping_key.view)
        parts = shamir.split(secret, policy.threshold, len(policy.groups))
        shamir.prove_consistent(parts, policy.threshold, secret)
        commitments = []
        for number, group in enumerate(policy.groups, 1):
            values = shamir.split(parts[number], group.threshold, group.shares)
            shamir.prove_consistent(values, group.threshold, parts[number])
            for x, value in values.items():
                shares[Position(number, x)].fill(value)
            commitments.append(
                [commitment(Position(number, x), group.threshold, value).hex() for x, value in values.items()]
            )
        return json.dumps({"commitments": commitments, "key_check": key_check(secret).hex()}).encode()

    facts: dict[str, list[str] | str] = json.loads(isolate(in_worker, wrapping_key, *shares.values()))
    return facts


def _describe(authority: Authority, order: Order, facts: Mapping[str, list[str] | str]) -> Manifest:
    entries = [
        CertificateEntry(file, certificate.subject.rfc4514_string() or "(empty)", certificates.fingerprint(certificate))
        for file in authority.files
        for certificate in certificates_of(authority.files, file)
    ]
    return Manifest(
        kind=order.kind,
        ca=authority.name,
        created=order.created.astimezone(dt.UTC).strftime(TIME),
        epoch=order.epoch,
        supersedes=order.supersedes,
        policy=order.policy,
        commitments=tuple(tuple(group) for group in facts["commitments"]),
        key_check=str(facts["key_check"]),
        certificates=tuple(entries),
        keys=tuple(
            KeyEntry(
                entry.name,
                entry.file,
                entry.key.algorithm,
                key_fingerprint(entry.key.public),
                entry.public_file,
            )
            for entry in authority.keys
        ),
        files=tuple(authority.files),
    )
