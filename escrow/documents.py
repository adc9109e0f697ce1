"""What of a set is public, onto paper: labels, receipts, the recovery card, and the sheets of the package itself."""

from collections.abc import Iterator, Sequence

from escrow.errors import PageError, TemplateError, UsageError
from escrow.manifest import KeyEntry, Manifest
from escrow.memory import isolate
from escrow.package import Package
from escrow.paper import documents, package_sheet, parts, scan, sheet
from escrow.paper.fonts import check_printable
from escrow.paper.parts import Part
from escrow.paper.stationery import Stationery
from escrow.policy import Policy
from escrow.progress import Progress
from escrow.share import VALUE_LENGTH, Kind, Record

FOLDER = "documents"
PACKAGE_SHEETS_FILE = "package-sheets.pdf"
CARD_FILE = "recovery-card.pdf"


def files(policy: Policy) -> list[str]:
    """The names of all that `make` makes."""
    names = [policy.short_name_of(position) for position in policy.positions]
    return [*(f"{kind}-{name}.pdf" for name in names for kind in ("label", "receipt")), CARD_FILE]


def make(
    manifest: Manifest, custodians: Sequence[str], stationery: Stationery, progress: Progress
) -> Iterator[tuple[str, bytes]]:
    """A label and a receipt for each share and the recovery card, one by one: name of the file, and PDF.

    Without custodians their names are left to be filled in by hand. Raises UsageError, TemplateError.
    """
    positions = manifest.policy.positions
    if custodians:
        check_custodians(manifest.policy, custodians)
    for done, position in enumerate(positions):
        progress("Making labels and receipts", done, len(positions))
        name, custodian = manifest.policy.short_name_of(position), custodians[done] if custodians else None
        yield f"label-{name}.pdf", documents.label(manifest, position, custodian, stationery)
        yield f"receipt-{name}.pdf", documents.receipt(manifest, position, custodian, stationery)
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


def try_out(kind: Kind, policy: Policy, custodians: Sequence[str], stationery: Stationery, ca: str) -> None:
    """Make each document once from made-up hashes and a share of zeros, before any key is touched.

    Raises TemplateError for whatever is wrong with a template, and for what does not fit where it wants it.
    """
    blank = "00" * 32
    manifest = Manifest(
        kind=kind,
        ca=ca,
        created="2000-01-01T00:00:00Z",
        epoch=1,
        supersedes=(),
        policy=policy,
        commitments=tuple((blank,) * group.shares for group in policy.groups),
        key_check=blank,
        certificates=(),
        keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", blank, None),),
        files=(),
    )
    longest = max(custodians, key=len)
    last = policy.positions[-1]
    k = policy.threshold_of(last.group)
    record = Record(kind, manifest.short_set_id, last.group, last.x, k, bytes(VALUE_LENGTH))
    sheet.render(record, manifest, longest, stationery)
    documents.label(manifest, last, longest, stationery)
    documents.receipt(manifest, last, longest, stationery)
    documents.recovery_card(manifest, stationery)
    package_sheet.render(Package(manifest, bytes(1)), stationery, try_out=True)
