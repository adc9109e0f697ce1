"""The documents beside the share sheet: complete, right for every name and policy, and without anything secret."""

import base64
import datetime as dt
import itertools
import re
import signal
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import escrow, need, run
from papers import codes, metadata, streams, text_by_pdfium, text_by_poppler
from sheets import GROUPS, NAMES, make

from escrow import documents as writing
from escrow import recovery, sealing, standalone
from escrow.errors import TemplateError, UsageError
from escrow.files import NewFiles
from escrow.issuing.make import generate
from escrow.label import Label, set_words, share_words
from escrow.manifest import Manifest, group_hex
from escrow.package import Package
from escrow.paper import documents, handover, package_sheet, sheet, source
from escrow.paper.block import Area, Block
from escrow.paper.layout import TAKEN
from escrow.paper.public import Keeping
from escrow.paper.raster import pictures
from escrow.paper.stationery import PageSize, Stationery
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record
from escrow.words import to_words

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
PLAIN = Policy.plain(2, 3)
SMALL_GROUPS = Policy(2, (Group(2, 3), Group(1, 1), Group(2, 2)))
POLICIES = {"plain": PLAIN, "groups": SMALL_GROUPS}
ORGANISATION, CONTACT = "Beispiel GmbH", "Security desk, +49 30 555 0100"
CUSTODIANS = ("Nguyễn Thị Hồng Đặng", "Александра Щукина", "Αλέξανδρος Παπαδόπουλος", "Zoë", "Bo Li", "Eva")


@dataclass(frozen=True)
class Sealed:
    """A sealed throw-away CA, and everything of it that is secret."""

    directory: Path
    manifest: Manifest
    shares: Mapping[Position, Record]
    wrapping_key: bytes
    keys: tuple[bytes, ...]

    @property
    def public(self) -> list[Path]:
        """All that is not a share sheet."""
        return sorted([*(self.directory / "documents").iterdir(), self.directory / "package-sheets.pdf"])


@pytest.fixture(scope="module", params=list(POLICIES))
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    policy, directory = POLICIES[request.param], tmp_path_factory.mktemp(request.param)
    made = generate("Vorführ-CA", NOW, lambda *_: None)
    stationery = Stationery(organisation=ORGANISATION, contact=CONTACT)
    order = sealing.Order(Kind.SPECIMEN, policy, CUSTODIANS[: len(policy.positions)], NOW, stationery)
    with NewFiles(directory) as out:
        manifest = sealing.seal(made, order, out, lambda *_: None)
        out.publish()
    keys = tuple(bytes(entry.key.pem.view) for entry in made.keys)
    made.close()
    shares = {}
    for position in policy.positions:
        (text,) = codes((directory / sealing.sheet_file(policy, position)).read_bytes())
        shares[position] = Record.from_text(text)
    wrapping_key = recovery.combine(policy, {position: record.value for position, record in shares.items()})
    return Sealed(directory, manifest, shares, wrapping_key, keys)


def forms(secret: bytes) -> Iterator[bytes]:
    """How bytes may stand somewhere: raw, hex, base32 and base64, the last two however they are shifted."""
    yield secret
    yield secret.hex().encode()
    for shift in range(5):
        padded = bytes(shift) + secret
        for encode, digits in ((base64.b32encode, 8 / 5), (base64.b64encode, 8 / 6)):
            skipped, kept = -(-int(shift * digits * 10) // 10) + 1, int(len(padded) * digits) - 1
            yield encode(padded)[skipped:kept].lower()


def needles(sealed: Sealed) -> dict[str, list[bytes]]:
    """What must be found nowhere but on share sheets: pieces of every secret, in lower case, without white space."""
    found: dict[str, list[bytes]] = {"value": [], "words": [], "W": [], "key": []}
    for record in sealed.shares.values():
        for lane in (record.value[:16], record.value[16:]):
            found["value"] += forms(lane)
        found["value"].append(record.to_text()[-40:].lower().encode())
        flat = [word for row in to_words(record.encode()) for word in row[:8]]
        # The first 12 words are version, set id, group, x and k, which are public.
        found["words"] += ["".join(flat[start : start + 3]).encode() for start in range(12, len(flat) - 2)]
    for half in (sealed.wrapping_key[:16], sealed.wrapping_key[16:]):
        found["W"] += forms(half)
    for pem in sealed.keys:
        der = base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")))
        found["key"] += forms(der[36:68])  # the private number of an EC P-256 key in PKCS#8
        found["key"] += [line.lower() for line in pem.splitlines()[1:-1] if len(line) > 40]
    return found


def everything_in(path: Path) -> list[bytes]:
    """All that can be got out of a PDF, in lower case, as it is and without white space."""
    pdf = path.read_bytes()
    texts = [text_by_pdfium(pdf), text_by_poppler(path), metadata(path), *codes(pdf)]
    raw = [*streams(pdf), *(text.encode() for text in texts)]
    raw += [re.sub(r"\d", "", text).encode() for text in texts]  # the numbers of the rows of words
    return [form for content in raw for form in (content, content.lower(), re.sub(rb"\s", b"", content.lower()))]


def leaks(path: Path, secrets: Mapping[str, list[bytes]]) -> set[str]:
    haystacks = everything_in(path)
    return {name for name, wanted in secrets.items() if any(n in hay for n in wanted for hay in haystacks)}


def test_nothing_secret_is_in_any_document_but_the_share_sheets(sealed: Sealed) -> None:
    secrets = needles(sealed)
    assert all(secrets.values())
    for path in sealed.public:
        assert leaks(path, secrets) == set(), path.name
    policy = sealed.manifest.policy
    first = sealed.directory / sealing.sheet_file(policy, policy.positions[0])
    assert leaks(first, secrets) == {"value", "words"}  # so the search finds what is there
    others = {
        "value": [n for n in secrets["value"] if n in sealed.shares[policy.positions[1]].to_text().lower().encode()]
    }
    assert leaks(first, others) == set()


@pytest.mark.parametrize("hidden", ["value", "words", "W", "key"])
def test_the_search_finds_a_secret_wherever_it_is_hidden(hidden: str, sealed: Sealed, tmp_path: Path) -> None:
    need("pdfinfo", "pdftotext")
    record = sealed.shares[sealed.manifest.policy.positions[0]]
    text = {
        "value": record.value[:16].hex().upper(),
        "words": " ".join(to_words(record.encode())[3]),
        "W": base64.b64encode(b"W" + sealed.wrapping_key).decode(),
        "key": sealed.keys[0].splitlines()[1].decode(),
    }[hidden]
    parts = " ".join(text[start : start + 9] for start in range(0, 66, 9))
    pdf = documents.recovery_card(sealed.manifest, Stationery(contact=parts))
    (tmp_path / "card.pdf").write_bytes(pdf)
    assert leaks(tmp_path / "card.pdf", needles(sealed)) == {hidden}
    clean = documents.recovery_card(sealed.manifest, Stationery())
    (tmp_path / "card.pdf").write_bytes(clean.replace(b"/Producer (", b"/Producer (" + text.encode()))
    assert leaks(tmp_path / "card.pdf", needles(sealed)) == {hidden}


def test_no_document_has_a_time_or_a_name_in_its_metadata(sealed: Sealed) -> None:
    need("pdfinfo")
    for path in [*sealed.public, *(sealed.directory / "shares").iterdir()]:
        shown = metadata(path)
        for absent in (*CUSTODIANS, ORGANISATION, CONTACT, sealed.manifest.ca):
            assert absent not in shown
        dates = set(re.findall(rb"Date \(D:(\d{8})", path.read_bytes()))
        assert dates == {b"20000101"}  # whenever it was made


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_every_document_says_what_it_must(sealed: Sealed) -> None:
    need("pdftotext")
    manifest, policy = sealed.manifest, sealed.manifest.policy
    assert {path.name for path in sealed.public} == {*writing.files(policy), "package-sheets.pdf"}
    words = set_words(manifest.set_id)
    common = [manifest.ca, ORGANISATION, group_hex(manifest.short_set_id), words, "SPECIMEN", "Date", "Initials"]
    secrecy = "CONFIDENTIAL - NOT SECRET"
    expected: dict[str, list[str]] = {
        "recovery-card.pdf": [
            *(*common, secrecy, CONTACT, "Recovery card, page 1 of 2", "page 2 of 2"),
            *("Who may call a recovery", "Seven steps", "Stop", "openssl cms -decrypt -binary -inform PEM"),
            *("unzip keys.zip", "sha256sum manifest.json", "decode.py", standalone.fingerprint()),
            *(f"-secretkeyid {manifest.set_id.hex()}", "Drills"),
        ],
        "package-sheets.pdf": [*common, secrecy, "Package sheets, page 1 of", standalone.fingerprint()],
    }
    if policy is PLAIN:
        expected["recovery-card.pdf"] += ["2 of 3 shares", "ssss-combine -t 2 -x -D"]
    else:
        expected["recovery-card.pdf"] += ["2 of 3 groups (2 of 3, 1 of 1, 2 of 2)", "ssss-combine -t K -x -D"]
        expected["recovery-card.pdf"] += ["Then both commands once more, with -t 2"]
    for position, custodian in zip(policy.positions, CUSTODIANS, strict=False):
        number = policy.short_name_of(position)
        share = f"{position.x} of {policy.groups[position.group - 1].shares}"
        share += f", group {position.group}" if policy is not PLAIN else ""
        own = [*common, custodian, share_words(manifest.commitment_at(position)), f"hare {share}"]
        expected[f"label-{number}.pdf"] = [*own, secrecy, "Label, page 1 of 1", "Open only under", "bag"]
        copies = [f"Receipt, page {n} of 3" for n in (1, 2, 3)]
        copies += [f"Copy for the {whose}" for whose in ("custodian", "ceremony file", "manager")]
        expected[f"receipt-{number}.pdf"] = [*own, secrecy, CONTACT, *copies, "Transfer", "Attestation", "24 hours"]
        name = sealing.sheet_file(policy, position)
        expected[f"../{name}"] = [*own, "SECRET - CUSTODIAN EYES ONLY", CONTACT, "Number of the bag", "Read back"]
    for name, parts in expected.items():
        path = sealed.directory / "documents" / name
        path = path if path.exists() else sealed.directory / name
        texts = [squeeze(text_by_poppler(path)), squeeze(text_by_pdfium(path.read_bytes()))]
        for part in parts:
            # The watermark is one word across the page, which poppler gives letter by letter.
            assert any(squeeze(part) in text for text in texts), f"{part!r} in {name}"


def test_the_receipt_is_three_pages_that_differ_in_whose_they_are_and_who_countersigns(sealed: Sealed) -> None:
    import pypdfium2

    (receipt, *_) = sorted((sealed.directory / "documents").glob("receipt-*.pdf"))
    with pypdfium2.PdfDocument(receipt.read_bytes()) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    for whose, page in zip(("custodian", "ceremony file", "manager"), pages, strict=True):
        assert page.count(f"Copy for the {whose}") == 2
        assert ("Manager, after the ceremony: signature" in page) == (whose != "custodian"), (
            "it stays with the custodian"
        )
        assert ("Manager: signs the two other copies" in page) == (whose == "custodian")
    neutral = {re.sub(r"Copy for the \w+( file)?|page \d|Manager[,:] [\w :]+", "", page) for page in pages}
    assert len(neutral) == 1


def test_a_receipt_says_how_the_share_is_kept_as_far_as_that_is_known(sealed: Sealed) -> None:
    manifest, position = sealed.manifest, sealed.manifest.policy.positions[0]
    known = Keeping("Engineering", "Charles Babbage", None, "Head Office")
    with_all = text_by_pdfium(documents.receipt(manifest, position, "Anna", Stationery(), known))
    without = text_by_pdfium(documents.receipt(manifest, position, "Anna", Stationery()))
    for text in ("Engineering", "Charles Babbage", "Head Office"):
        assert with_all.count(text) == 3
        assert text not in without
    for caption in ("Unit", "Manager", "Deputy", "Kept at (site, safe)"):
        assert with_all.count(caption) >= 3
        assert without.count(caption) >= 3, "a field to fill in"
    for said in ("Custodian: signature, date", "Witness: name, signature, date"):
        assert with_all.count(said) == 3
    assert with_all.count("Manager, after the ceremony: signature") == 2
    assert with_all.count("The manager gets one after the ceremony") == 3


def test_how_shares_are_kept_is_tried_out_before_any_key_is_touched() -> None:
    manifest = writing.made_up(Kind.PRODUCTION, PLAIN, "A CA")
    longest = [Keeping("W" * 60, "W" * 60, "W" * 60, "W" * 60), Keeping(manager="Bo")]
    writing.try_out(manifest, ["Anna", "Bert", "Cleo"], Stationery(), longest)
    with pytest.raises(TemplateError, match="custodian's site '安' cannot be printed: the fonts lack"):
        writing.try_out(manifest, ["Anna", "Bert", "Cleo"], Stationery(), [*longest, Keeping(site="安")])
    with pytest.raises(TemplateError, match="does not fit"):
        writing.try_out(manifest, ["Anna", "Bert", "Cleo"], Stationery(), [Keeping(deputy="W" * 200), *longest])


def test_label_receipt_and_ceremony_say_the_same_of_bags_and_signatures(sealed: Sealed) -> None:
    """One witness signs across the label's edge; label and receipt both have the number."""
    manifest, position = sealed.manifest, sealed.manifest.policy.positions[0]
    label = text_by_pdfium(documents.label(manifest, position, "Anna", Stationery()))
    assert (label.count("Custodian, across the edge"), label.count("Witness, across the edge")) == (1, 1)
    said = " ".join(label.split())
    for part in (
        "and the number onto the share sheet before it is folded, and onto all copies of the receipt",
        "Fold the share sheet with the print inside. Put it into an opaque envelope, and the envelope into the bag.",
        "it covers neither the closure nor the number",
        "The custodian and a witness sign across its lower edge, half on the label and half on the bag.",
        "a new bag, a new label",
    ):
        assert part in said
    steps = (source.directory() / "steps.toml").read_text("utf-8")
    for part in (
        "folds the sheet with the print inside, puts it into an opaque envelope and the envelope into the bag",
        "over neither closure nor number",
        "Custodian and witness sign across the label's lower edge, half on the bag",
        "written onto the sheet, the label and the three receipts",
    ):
        assert part in steps


def test_the_label_has_one_code_and_it_attests_the_share(sealed: Sealed) -> None:
    policy = sealed.manifest.policy
    for position in policy.positions:
        path = sealed.directory / f"documents/label-{policy.short_name_of(position)}.pdf"
        (text,) = codes(path.read_bytes())
        label = Label.from_text(text)
        label.check(sealed.manifest)
        assert (label.group, label.x) == position


def test_a_discreet_sheet_and_label_name_nobody_and_no_threshold(tmp_path: Path) -> None:
    for policy, position in ((Policy.plain(3, 5), Position(1, 2)), (SMALL_GROUPS, Position(1, 2))):
        record, manifest = make(policy, position)
        named, discreet = (
            Stationery(organisation=ORGANISATION, contact=CONTACT, discreet=hidden) for hidden in (False, True)
        )
        for stationery, absent in ((named, False), (discreet, True)):
            for pdf in (
                sheet.render(record, manifest, "Anna Schmidt", stationery),
                documents.label(manifest, position, "Anna Schmidt", stationery),
            ):
                (tmp_path / "paper.pdf").write_bytes(pdf)
                content = b"\n".join(everything_in(tmp_path / "paper.pdf")).decode(errors="replace")
                for name in (manifest.ca[:24], ORGANISATION, "Anna Schmidt"):
                    assert (name not in content) == absent, name
                assert (re.search(r"\d+ of \d+", content.replace("page 1 of 1", "")) is None) == absent
                assert not (absent and re.search(r"-t \d", content))
                assert not (absent and (CONTACT in content or "quorum" in content))
        assert documents.receipt(manifest, position, "Anna", discreet) == documents.receipt(
            manifest, position, "Anna", named
        )


def test_an_interrupt_is_not_lost_in_the_library_that_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """It catches whatever is raised in some places; so signals wait until a page is done."""
    from reportlab.pdfgen.canvas import Canvas

    swallowed = []

    def interrupted_drawing(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException as error:  # noqa: BLE001 - as the library does
            swallowed.append(error)

    monkeypatch.setattr(Canvas, "drawString", interrupted_drawing)
    _, manifest = make(PLAIN, Position(1, 1))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a worker of the tests ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            documents.label(manifest, Position(1, 1), "Anna", Stationery())
    finally:
        signal.signal(signal.SIGINT, before)
    assert swallowed == []


# Layout.

FORMS = {
    form.name: form
    for form in (
        *(sheet.FORM, documents.LABEL, documents.RECEIPT, documents.CARD),
        *(package_sheet.CONTENTS, package_sheet.CODES, package_sheet.DECODING, handover.FORM),
    )
}


def lies_over(one: Area, other: Area) -> bool:
    """Whether two areas overlap by more than two frames that share a line."""
    return all(one[i] + 0.01 < other[i] + other[i + 2] and other[i] + 0.01 < one[i] + one[i + 2] for i in (0, 1))


@pytest.mark.parametrize("discreet", [False, True], ids=["named", "discreet"])
@pytest.mark.parametrize("groups", [False, True], ids=["plain", "groups"])
@pytest.mark.parametrize("name", list(FORMS))
def test_no_block_lies_over_another_and_all_are_inside_the_page(name: str, *, groups: bool, discreet: bool) -> None:
    """What is drawn stays inside its block (it is made smaller, or refused), so this is about geometry alone."""
    sizes: tuple[PageSize, ...] = ("A4", "Letter")
    for size in sizes:
        taken = TAKEN if name == "share" else ()
        design = Stationery(size=size).design(FORMS[name], groups=groups, discreet=discreet, taken=taken)
        for page in design.body.pages:
            blocks: list[Block] = [*page, *(design.common.blocks if design.body.frame else ())]
            around = [block for block in blocks if block.kind != "box"]  # a box stands around others
            for one, other in itertools.combinations(around, 2):
                assert not lies_over(one.area, other.area), f"{one.where} and {other.where}"
            for block in blocks:
                x, y, width, height = block.area
                left, top = design.origin
                assert x + left >= 7
                assert y + top >= 7
                assert x + left + width <= design.size[0] - 8, block.where
                assert y + top + height <= design.size[1] - 8, block.where


@pytest.mark.parametrize("size", ["A4", "Letter"])
@pytest.mark.parametrize("name", [*NAMES, "Nguyễn Thị Hồng Đặng", "Nguyễn " * 8 + "Thị", "Bo"])
def test_every_name_fits_and_is_printed_as_it_is_written(name: str, size: PageSize) -> None:
    for policy, position in ((Policy.plain(200, 255), Position(1, 255)), (GROUPS, Position(3, 255))):
        record, manifest = make(policy, position)
        stationery = Stationery(size=size, organisation=name, contact=name[:50])
        for pdf, times in (
            (documents.label(manifest, position, name, stationery), 3),
            (documents.receipt(manifest, position, name, stationery), 6),
            (documents.recovery_card(manifest, stationery), 2),
            (sheet.render(record, manifest, name, stationery), 2),
        ):
            found = squeeze(text_by_pdfium(pdf)).count(squeeze(name))
            assert found >= times, f"{name} stands there {found} times and not {times}"


@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_the_margin_of_every_page_is_white(size: PageSize) -> None:
    record, manifest = make(GROUPS, Position(3, 255), Kind.SPECIMEN)
    stationery = Stationery(size=size, organisation="W" * 60, contact="W" * 50)
    for pdf in (
        documents.label(manifest, record.position, "W" * 60, stationery),
        documents.receipt(manifest, record.position, "W" * 60, stationery, Keeping(*["W" * 60] * 4)),
        documents.recovery_card(manifest, stationery),
        sheet.render(record, manifest, "W" * 60, stationery),
        package_sheet.render(Package(manifest, bytes(9)), stationery, try_out=True),
    ):
        for image in pictures(pdf, 50):
            margin = int(5.5 / 25.4 * 50)
            image.paste(255, (margin, margin, image.width - margin, image.height - margin))
            assert image.getextrema() == (255, 255)


def test_nothing_is_printed_smaller_than_eight_and_a_half_points_and_every_font_is_embedded(
    sealed: Sealed,
) -> None:
    need("pdffonts")
    for path in [*sealed.public, *(sealed.directory / "shares").iterdir()]:
        drawn = b"\n".join(streams(path.read_bytes()))
        sizes = {float(size) for size in re.findall(rb"/F\d+\S* ([\d.]+) Tf", drawn)}
        assert min(sizes) >= 8.5, path.name
        assert len(sizes) > 2
        fonts = run("pdffonts", path).expect().out.splitlines()[2:]
        assert fonts
        for line in fonts:  # name, type, encoding, emb, sub, uni, object
            assert re.search(r" yes +yes +yes +\d+ +\d+$", line), line
        colours = set(re.findall(rb"[\d.]+ [\d.]+ [\d.]+ (?:rg|RG)\b", drawn))
        assert all(len(set(colour.split()[:3])) == 1 for colour in colours), "only black, white and grey"


def test_a_name_whose_accents_are_written_apart_is_printed_in_one() -> None:
    _, manifest = make(PLAIN, Position(1, 1))
    apart = unicodedata.normalize("NFD", "Nguyễn Thị Đặng")
    text = text_by_pdfium(documents.label(manifest, Position(1, 1), apart, Stationery()))
    assert "Nguyễn Thị Đặng" in text


# The command.


def test_documents_are_made_again_from_the_package_alone(sealed: Sealed, tmp_path: Path) -> None:
    package = sealed.directory / "package.escrow"
    people = [part for name in CUSTODIANS[: len(sealed.shares)] for part in ("--custodian", name)]
    paper = ["--organisation", ORGANISATION, "--contact", CONTACT]
    escrow("documents", package, *people, *paper, "--out", tmp_path / "again").expect()
    for path in (sealed.directory / "documents").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "again").iterdir())) == 2 * len(sealed.shares) + 1
    assert "never overwritten" in escrow("documents", package, "--out", tmp_path / "again").expect(3).err


def test_without_names_there_is_room_to_fill_them_in(sealed: Sealed, tmp_path: Path) -> None:
    escrow("documents", sealed.directory / "package.escrow", "--out", tmp_path / "blank").expect()
    for path in (tmp_path / "blank").iterdir():
        text = text_by_pdfium(path.read_bytes())
        assert "None" not in text
        assert "Organisation: ____" in text
        assert not any(name in text for name in (*CUSTODIANS, ORGANISATION, CONTACT))


def test_the_number_of_custodians_must_be_that_of_the_shares(sealed: Sealed) -> None:
    with pytest.raises(UsageError, match="There are 1 custodians for"):
        list(writing.make(sealed.manifest, ["Anna"], Stationery(), lambda *_: None))
