"""What of a set is public, onto paper: labels, receipts, the recovery card, and the sheets of the package itself."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from escrow.errors import PageError, TemplateError, UsageError
from escrow.manifest import KeyEntry, Manifest
from escrow.memory import isolate
from escrow.package import Package
from escrow.paper import documents, package_sheet, parts, scan, sheet
from escrow.paper.fonts import check_printable
from escrow.paper.parts import Part
from escrow.paper.public import UNKNOWN, Keeping
from escrow.paper.stationery import Stationery
from escrow.policy import Policy, Position
from escrow.progress import Progress
from escrow.share import VALUE_LENGTH, Kind, commitment

FOLDER = "documents"
PACKAGE_SHEETS_FILE = "package-sheets.pdf"
CARD_FILE = "recovery-card.pdf"

MADE_UP = bytes(range(VALUE_LENGTH))
"""The value of every share of a set that is made up: each of its words is another."""


def files(policy: Policy) -> list[str]:
    """The names of all that `make` makes."""
    return [
        *(file(policy, position) for position in policy.positions for file in (label_file, receipt_file)),
        CARD_FILE,
    ]


def label_file(policy: Policy, position: Position) -> str:
    """The name of the label of a share."""
    return f"label-{policy.short_name_of(position)}.pdf"


def receipt_file(policy: Policy, position: Position) -> str:
    """The name of the receipt for a share."""
    return f"receipt-{policy.short_name_of(position)}.pdf"


def make(
    manifest: Manifest,
    custodians: Sequence[str],
    stationery: Stationery,
    progress: Progress,
    keeping: Sequence[Keeping] = (),
) -> Iterator[tuple[str, bytes]]:
    """A label and a receipt for each share and the recovery card, one by one: name of the file, and PDF.

    Without custodians their names are left to be filled in by hand, and without `keeping`, one for each share, how
    they are kept. Raises UsageError, TemplateError.
    """
    policy, positions = manifest.policy, manifest.policy.positions
    if custodians:
        check_custodians(manifest.policy, custodians)
    for done, position in enumerate(positions):
        progress("Making labels and receipts", done, len(positions))
        custodian = custodians[done] if custodians else None
        kept = keeping[done] if keeping else UNKNOWN
        yield label_file(policy, position), documents.label(manifest, position, custodian, stationery)
        yield receipt_file(policy, position), documents.receipt(manifest, position, custodian, stationery, kept)
    yield CARD_FILE, documents.recovery_card(manifest, stationery)
    progress("Making labels and receipts", len(positions), len(positions))


def make_package_sheets(sealed: Package, stationery: Stationery) -> bytes:
    """The sheets of a package as PDF, read back from their own picture.

    Raises PackageError for a package that is too large, PageError if they cannot be read back.
    """
    pdf = package_sheet.render(sealed, stationery)

    def in_worker() -> bytes:
        texts = [text for scanned in scan.scan(pdf) for text in scanned.texts]
        return parts.join([Part.from_text(text) for text in texts if parts.is_part_text(text)])

    scan.prepare()
    if isolate(in_worker) != sealed.encode():
        message = "The sheets of the package cannot be read back from their own picture: report this."
        raise PageError(message)
    return pdf


def check_custodians(policy: Policy, custodians: Sequence[str]) -> None:
    """Raise UsageError unless there is one custodian for each share, each another, with a name that can be printed."""
    if len(custodians) != len(policy.positions):
        message = f"There are {len(custodians)} custodians for {len(policy.positions)} shares: name one for each."
        raise UsageError(message)
    for custodian in custodians:
        try:
            check_printable(custodian)
        except TemplateError as error:
            raise UsageError(str(error)) from None
    known = [" ".join(name.split()).casefold() for name in custodians]
    twice = {name for name, same in zip(custodians, known, strict=True) if known.count(same) > 1}
    if twice:
        message = f"{', '.join(sorted(twice))} would hold more than one share: name each custodian once."
        raise UsageError(message)


def made_up(kind: Kind, policy: Policy, ca: str) -> Manifest:
    """The manifest of a set that there is not: the value of each of its shares is MADE_UP, which is no secret."""
    blank = "00" * 32
    return Manifest(
        kind=kind,
        ca=ca,
        created="2000-01-01T00:00:00Z",
        epoch=1,
        supersedes=(),
        policy=policy,
        commitments=tuple(
            tuple(commitment(Position(number, x), group.threshold, MADE_UP).hex() for x in range(1, group.shares + 1))
            for number, group in enumerate(policy.groups, 1)
        ),
        key_check=blank,
        certificates=(),
        keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", blank, None),),
        files=(),
    )


def try_out(
    manifest: Manifest, custodians: Sequence[str], stationery: Stationery, keeping: Sequence[Keeping] = ()
) -> None:
    """Make each document once for a set that is made up, before any key is touched.

    Raises TemplateError for whatever is wrong with a template, and for what does not fit where it wants it.
    """
    longest = max(custodians, key=len)
    last = manifest.policy.positions[-1]
    sheet.render(manifest.record(last, MADE_UP), manifest, longest, stationery)
    documents.label(manifest, last, longest, stationery)
    documents.receipt(manifest, last, longest, stationery, _longest(keeping))
    documents.recovery_card(manifest, stationery)
    package_sheet.render(Package(manifest, bytes(1)), stationery, try_out=True)


def _longest(keeping: Sequence[Keeping]) -> Keeping:
    """The longest of each field, all of which can be printed. Raises TemplateError."""
    fields: dict[str, str] = {}
    for kept in keeping:
        for name, text in asdict(kept).items():
            if text:
                check_printable(text, f"custodian's {name}")
                fields[name] = max(fields.get(name, ""), text, key=len)
    return Keeping(**fields)
