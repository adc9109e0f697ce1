"""Seal a CA: keys -> package, wrapping key -> shares -> sheets. The inverse is `recovery`."""

import datetime as dt
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from escrow import certificates, documents, package, shamir, standalone
from escrow.authority import Authority
from escrow.contents import certificates_of, key_fingerprint, prove_contents
from escrow.errors import PageError
from escrow.files import NewFiles, write_all
from escrow.gather import judge_file
from escrow.manifest import TIME, CertificateEntry, KeyEntry, Manifest, Superseded
from escrow.memory import Secret, isolate
from escrow.package import Package
from escrow.paper import page, parts, scan, sheet
from escrow.paper.fonts import check_printable
from escrow.paper.stationery import PLAIN, Stationery
from escrow.policy import Policy, Position
from escrow.printing import Destination, Files
from escrow.progress import Progress
from escrow.share import VALUE_LENGTH, Kind, Record, commitment, key_check

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

    def __post_init__(self) -> None:
        documents.check_custodians(self.policy, self.custodians)

    def check_papers(self, ca: str) -> None:
        """Try every template out, as far as can be before the CA is known. Raises TemplateError."""
        documents.try_out(self.kind, self.policy, self.custodians, self.stationery, ca)


def seal(
    authority: Authority, order: Order, out: NewFiles, progress: Progress, sheets: Destination | None = None
) -> Manifest:
    """Seal an authority: write the package into `out`, one sheet per share to `sheets` (or else into `out`, too).

    Beside the package go its decoder and its own sheets; no sheets of a package that is too large for paper.
    Nothing appears unless the shares were proved to fit each other, the package was opened again, and each
    sheet was read back from its own picture. Labels, receipts and the recovery card go into a folder of their own.
    Returns the manifest.
    """
    check_printable(authority.name, "CA's name")
    sheets = sheets or Files(out)
    with ExitStack() as undo:
        wrapping_key = undo.enter_context(Secret.random(shamir.LENGTH))
        shares = {position: undo.enter_context(Secret(VALUE_LENGTH)) for position in order.policy.positions}
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
        page.prepare()
        scan.prepare()
        progress("Making package sheets", 0, 1)
        if parts.fits(text):
            out.write(documents.PACKAGE_SHEETS_FILE, documents.make_package_sheets(sealed, order.stationery))
        out.write(standalone.FILE, standalone.source())
        progress("Making package sheets", 1, 1)
        for name, pdf in documents.make(manifest, order.custodians, order.stationery, progress):
            out.write(f"{documents.FOLDER}/{name}", pdf)
        for number, (position, value) in enumerate(shares.items()):  # late: paper cannot be taken back
            progress("Making share sheets", number, len(shares))
            _make_sheet(manifest, position, value, order, sheets)
        progress("Making share sheets", len(shares), len(shares))
        out.write(PACKAGE_FILE, text)  # last: a package says that all its sheets are there
    return manifest


def sheet_file(policy: Policy, position: Position) -> str:
    """The name of a share's PDF: share-X.pdf, or share-GROUP-X.pdf where there are groups."""
    return f"shares/share-{documents.number_of(policy, position)}.pdf"


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


def _make_sheet(manifest: Manifest, position: Position, value: Secret, order: Order, sheets: Destination) -> None:
    name = sheet_file(manifest.policy, position)
    number = order.policy.positions.index(position)
    custodian = order.custodians[number]

    def write(descriptor: int, path: Path) -> None:
        def in_worker() -> bytes:
            record = Record(
                manifest.kind,
                manifest.short_set_id,
                position.group,
                position.x,
                manifest.policy.threshold_of(position.group),
                bytes(value.view),
            )
            pdf = sheet.render(record, manifest, custodian, order.stationery)
            read_back = [found for found, _ in judge_file(manifest, name, pdf)]
            if read_back != [record]:
                message = f"The sheet of share {position.x} cannot be read back from its own picture: report this."
                raise PageError(message)
            write_all(descriptor, pdf, path)
            return b""

        isolate(in_worker, value)

    sheets.put(name, f"Sheet {number + 1} of {len(order.custodians)} for {custodian}", write)


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
