"""Templates: what an organisation may change, and how a mistake in one is answered."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers import escrow, practice
from papers import streams, text_by_pdfium
from PIL import Image
from sheets import make

from ceremony.forms import destruction
from escrow.errors import TemplateError, UsageError
from escrow.package import Package
from escrow.paper import block, documents, handover, package_sheet, sheet, source, template
from escrow.paper.parts import split
from escrow.paper.raster import pictures
from escrow.paper.stationery import Stationery
from escrow.policy import Group, Policy, Position
from escrow.wordlist import WORDS

GIVEN: dict[str, Any] = {"organisation": "Example Ltd", "contact": "Security desk, 555 0100"}
PLAIN = Policy.plain(3, 5)
OURS = sorted(path.name for path in source.directory().glob("*.toml"))
POSITION = Position(1, 2)


def papers(stationery: Stationery, policy: Policy = PLAIN) -> dict[str, Callable[[], bytes]]:
    """How each document is made, by the name of its template."""
    record, manifest = make(policy, POSITION)
    package = Package(manifest, bytes(2000))
    return {
        "share": lambda: sheet.render(record, manifest, "Anna", stationery),
        "label": lambda: documents.label(manifest, POSITION, "Anna", stationery),
        "receipt": lambda: documents.receipt(manifest, POSITION, "Anna", stationery),
        "recovery-card": lambda: documents.recovery_card(manifest, stationery),
        "package-contents": lambda: package_sheet.render(package, stationery, try_out=True),
        "package-codes": lambda: package_sheet.render(package, stationery, try_out=True),
        "package-decoding": lambda: package_sheet.render(package, stationery, try_out=True),
        "common": lambda: documents.recovery_card(manifest, stationery),
    }


def changed(directory: Path, name: str, *changes: tuple[str, str]) -> Path:
    """A directory with one template, ours but for some changes."""
    text = (source.directory() / f"{name}.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (directory / f"{name}.toml").write_text(text, "utf-8")
    return directory


def line_of(path: Path, text: str) -> int:
    return path.read_text("utf-8").partition(text)[0].count("\n") + 1


MISTAKES = [
    ("share", [("for {custodian}", "for {custodain}")], "uses {custodain}"),
    ("share", [('kind = "words"', 'kind = "wards"')], "kind is 'wards'"),
    ("share", [("at = [58, 13]", "at = [58]")], "at is [58] and must be two numbers"),
    ("share", [("width = 94", "wide = 94")], "lacks width"),
    ("share", [("at = [58, 13]", "at = [50, 13]")], "lies over the code or mark at 8, 8"),
    ("share", [("size = 20.5", "size = 20.5\nsice = 3")], "has the unknown sice"),
    ("share", [('title = "Share sheet"\n', "")], "line 1: the template lacks 'title'"),
    ("share", [("[[block]]", "[[block]")], "this is not TOML"),
    (
        "share",
        [('kind = "words"\nat = [18, 108]', 'kind = "text"\ntext = "?"\nat = [18, 108]')],
        "line 1: no block is of the kind 'words'",
    ),
    ("share", [("{left}", ""), ("{right}", "")], "line 1: no block shows {left}"),
    ("share", [("Share {share}", "Share")], "line 1: no block shows {share}"),
    ("share", [("{share_words}", "")], "line 1: no block shows {share_words}"),
    ("share", [("{set_words}", "")], "line 1: no block shows {set_words}"),
    ("share", [("Set {set_id}, epoch", "Epoch")], "line 1: no block shows {set_id}"),
    ("share", [('kind = "field"', 'kind = "qr"\nat = [60, 228]\nwidth = 9\n[[block]]\nkind = "field"')], "'qr'"),
    ("share", [('group_note = "This', 'group_notes = "This')], "has no phrase 'group_notes'"),
    ("share", [("with -t {threshold}.", "")], "the phrase 'group_note' must show {threshold}"),
    ("share", [("group_note_of_one = ", "# ")], "the phrase 'group_note_of_one' is missing"),
    ("share", [('title = "', 'page = [150, 200]\ntitle = "')], "with room for all"),
    ("label", [('kind = "qr"', 'kind = "box"\nheight = 2')], "no block is of the kind 'qr'"),
    ("label", [("{share_words}", "____")], "no block shows {share_words}"),
    ("label", [('when = "discreet"', 'when = "discrete"')], "when is 'discrete'"),
    ("label", [("at = [31, 28]", "at = [80, 28]")], "outside the paper"),
    ("label", [('title = "', 'page = "A5"\ntitle = "')], "page is 'A4', 'Letter' or"),
    ("label", [('title = "', 'colour = "red"\ntitle = "')], "a template has no 'colour'"),
    ("label", [('kind = "qr"', 'kind = "image"\nfile = "../logo.png"\nheight = 9')], "the name of a file beside"),
    ("receipt", [('value = "{contact}"', 'value = "{contact"')], "braces stand in pairs"),
    ("receipt", [('value = "{contact}"', 'value = "{contact!r}"')], "braces stand in pairs around the name"),
    ("receipt", [('value = "{contact}"', 'value = "{contact.real}"')], "stand in pairs around the name"),
    ("receipt", [('value = "{contact}"', "value = 3")], "value is 3 and must be a text"),
    ("receipt", [("box = 16", "box = -16")], "box is -16 and must be a number above 0"),
    ("receipt", [("height = 13", "height = nan")], "height is nan"),
    ("receipt", [("copy_manager =", "copy_menager =")], "no phrase 'copy_menager'"),
    ("receipt", [("Receipt for share {share}", "Receipt for share 安 {share}")], "the fonts lack '安'"),
    ("receipt", [("Receipt for share {share}", "Receipt for share {share}" + " and so on" * 30)], "does not fit into"),
    ("recovery-card", [("{decoder_hash}", "")], "no block shows {decoder_hash}"),
    ("recovery-card", [('kind = "page"', 'kind = "page"\nwidth = 3')], "has the unknown width"),
    ("package-contents", [('keys = "Private', 'kees = "Private')], "no phrase 'kees'"),
    ("package-contents", [("{contents}", "")], "no block shows {contents}"),
    ("package-codes", [("{label_1}", "")], "no block shows {label_1}"),
    ("package-decoding", [("{vector_codes}", "")], "no block shows {vector_codes}"),
    ("common", [('blank = "', 'blink = "')], "no phrase 'blink'"),
    ("common", [("{k} of {n} shares", "{k} shares")], "the phrase 'policy' must show {n}"),
    (
        "common",
        [('when = "ceremony"\ntext = "Plan', 'text = "Plan')],
        "{plan_words}, which a set's document leaves out",
    ),
    ("common", [("{secrecy}", "SECRET")], "no block shows {secrecy}"),
]


@pytest.mark.parametrize(("name", "mistakes", "expected"), MISTAKES, ids=[f"{m[0]}: {m[2]}" for m in MISTAKES])
def test_a_template_with_a_mistake_is_refused_with_its_name_and_line(
    name: str, mistakes: Sequence[tuple[str, str]], expected: str, tmp_path: Path
) -> None:
    stationery = Stationery(changed(tmp_path, name, *mistakes), **GIVEN)
    with pytest.raises(TemplateError) as error:
        papers(stationery)[name]()
    assert re.match(rf"{re.escape(str(tmp_path))}/{name}\.toml, line \d+: ", str(error.value)), error.value
    assert expected in str(error.value)


@pytest.mark.parametrize("field", ["custodian", "ca", "policy", "organisation", "contact", "k"])
def test_a_template_that_names_somebody_on_a_discreet_sheet_is_refused(field: str, tmp_path: Path) -> None:
    changed(tmp_path, "share", ('when = "discreet"\ntext = "Set {set_id}"', f'text = "Set {{set_id}} {{{field}}}"'))
    Stationery(tmp_path).design(sheet.FORM)
    with pytest.raises(TemplateError, match=rf"share\.toml, line \d+: the text shows {{{field}}}, which a discreet"):
        papers(Stationery(tmp_path, discreet=True))["share"]()


def test_the_line_that_is_named_is_the_one_with_the_mistake(tmp_path: Path) -> None:
    """Also after texts of several lines that look like tables and keys."""
    trap = 'copy_custodian = """\n[[block]]\n[phrases]\ntitle = 3\n"""'
    changed(tmp_path, "receipt", ('copy_custodian = "Copy for the custodian"', trap), ("{contact}", "{contakt}"))
    with pytest.raises(TemplateError) as error:
        papers(Stationery(tmp_path))["receipt"]()
    block = (tmp_path / "receipt.toml").read_text().partition("{contakt}")[0].rpartition("[[block]]")[0]
    assert f"line {block.count(chr(10)) + 1}: the text uses {{contakt}}" in str(error.value)
    changed(tmp_path, "receipt", ("copy_manager", "copy_boss"))
    with pytest.raises(TemplateError, match=f"line {line_of(tmp_path / 'receipt.toml', 'copy_boss')}: "):
        papers(Stationery(tmp_path))["receipt"]()


@pytest.mark.parametrize("name", [name for name in OURS if b"[[block]]" in (source.directory() / name).read_bytes()])
def test_whatever_line_is_lost_the_template_is_refused_with_its_name_and_a_line_or_it_works(
    name: str, tmp_path: Path
) -> None:
    stem = name.removesuffix(".toml")
    lines = (source.directory() / name).read_text("utf-8").splitlines()
    forms = {form.name: form for form in ALL_FORMS}
    refused = 0
    for number in range(len(lines)):
        (tmp_path / name).write_text("\n".join(lines[:number] + lines[number + 1 :]), "utf-8")
        try:
            Stationery(tmp_path).design(forms.get(stem, documents.CARD))
        except TemplateError as error:
            assert re.match(rf"{re.escape(str(tmp_path / name))}, line \d+: ", str(error)), error  # noqa: PT017
            refused += 1
    assert refused > len(lines) / 3


ALL_FORMS = (
    *(sheet.FORM, documents.LABEL, documents.RECEIPT, documents.CARD),
    *(package_sheet.CONTENTS, package_sheet.CODES, package_sheet.DECODING, handover.FORM, destruction.FORM),
)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = [" * 5000, b"block = 3", b'title = "x"', b"", b"x" * 2_000_000])
def test_a_file_that_is_no_template_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "label.toml").write_bytes(content)
    with pytest.raises(TemplateError, match=rf"{re.escape(str(tmp_path))}/label\.toml, line \d+: "):
        papers(Stationery(tmp_path))["label"]()


def test_a_template_in_the_directory_replaces_ours_and_the_others_stay(tmp_path: Path) -> None:
    stationery = Stationery(changed(tmp_path, "receipt", ("Receipt for share {share}", "Quittung für Anteil {share}")))
    assert "Quittung für Anteil 2 of 5" in text_by_pdfium(papers(stationery)["receipt"]())
    assert papers(stationery)["label"]() == papers(Stationery())["label"]()


@pytest.mark.parametrize(
    ("page", "size"), [('"A4"', (210, 297)), ('"Letter"', (215.9, 279.4)), ("[220, 300]", (220, 300))]
)
def test_the_page_of_a_template_wins_over_the_option(page: str, size: tuple[float, float], tmp_path: Path) -> None:
    import pypdfium2

    for name in ("share", "receipt", "package-codes"):
        title = "title = "
        stationery = Stationery(changed(tmp_path, name, (title, f"page = {page}\n{title}")), size="Letter")
        with pypdfium2.PdfDocument(papers(stationery)[name]()) as document:
            number = 1 if name == "package-codes" else 0
            assert [round(side / 72 * 25.4, 1) for side in document[number].get_size()] == list(size)


def picture(mode: str = "RGB", fmt: str = "PNG", side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (side, side), (0, 0, 0, 255)[: len(mode)]).save(file, fmt)
    return file.getvalue()


LOGO = '[[block]]\nkind = "image"\nfile = "logo.png"\nat = [150, 150]\nwidth = 20\nheight = 10\n\n'


@pytest.mark.parametrize("content", [picture(), picture("RGBA"), picture(fmt="JPEG")])
def test_a_logo_is_drawn_where_the_template_wants_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(content)
    stationery = Stationery(changed(tmp_path, "label", ("[[block]]", LOGO + "[[block]]")))
    with_logo, without = (next(pictures(papers(paper)["label"](), 72 * 4)) for paper in (stationery, Stationery()))
    dots = 72 * 4 / 25.4
    y = int((150 + 5 + (297 - 279.4) / 2) * dots)  # the middle of the block; what is drawn stands in the middle of A4
    inside, beside = (int(155 * dots), y), (int(165 * dots), y)
    assert with_logo.getpixel(inside) == 0
    assert without.getpixel(inside) == 255
    assert with_logo.getpixel(beside) == 255  # it keeps its shape


def test_nothing_else_of_a_picture_gets_into_the_document(tmp_path: Path) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home by Anna"
    Image.new("RGB", (40, 40)).save(file, "JPEG", exif=exif)
    assert b"taken at home" in file.getvalue()
    (tmp_path / "logo.png").write_bytes(file.getvalue())
    pdf = papers(Stationery(changed(tmp_path, "label", ("[[block]]", LOGO + "[[block]]"))))["label"]()
    assert not any(b"taken at home" in stream for stream in streams(pdf))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "No such file"),
        (b"", "neither PNG nor JPEG"),
        (b"GIF89a", "neither PNG nor JPEG"),
        (picture()[:60], "damaged"),
        (picture()[:-30], "damaged"),
        (picture(side=2100), "more than 4 million pixels"),
    ],
)
def test_a_missing_or_damaged_logo_is_refused_with_the_place_that_asks_for_it(
    content: bytes | None, expected: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "logo.png").write_bytes(content)
    changed(tmp_path, "label", ("[[block]]", LOGO + "[[block]]"))
    line = line_of(tmp_path / "label.toml", "[[block]]")
    with pytest.raises(TemplateError, match=rf"label\.toml, line {line}: .*logo\.png.*{expected}"):
        papers(Stationery(tmp_path))["label"]()


def without_wording(text: str) -> str:
    """A template of which only the fields are left in all texts."""
    parts = re.split(r'("""(?s:.*?)"""|"(?:[^"\\\n]|\\.)*")', text)
    for number in range(1, len(parts), 2):
        key = re.search(r"(\w+) = $", parts[number - 1])
        if key and key[1] not in {"kind", "font", "align", "when", "page"}:
            parts[number] = '"§' + " ".join(re.findall(r"\{\w+\}|_", parts[number])) + '"'
    return "".join(parts)


@pytest.mark.parametrize("discreet", [False, True], ids=["named", "discreet"])
@pytest.mark.parametrize("policy", [PLAIN, Policy(2, (Group(2, 3), Group(1, 1)))], ids=["plain", "groups"])
def test_no_sentence_on_paper_is_made_anywhere_but_in_templates(
    policy: Policy, tmp_path: Path, *, discreet: bool
) -> None:
    """All wording is taken out of the templates. What then is left on paper are values, and nothing else."""
    for name in OURS:
        (tmp_path / name).write_text(without_wording((source.directory() / name).read_text("utf-8")), "utf-8")
    _, manifest = make(policy, POSITION)
    values = [manifest.ca, "Anna", "decode.py", "PKG", package_sheet.VECTOR_TEXT.decode(), *GIVEN.values()]
    values += [*manifest.keys[0].file.split("/"), "root", "EC P", *(word.upper() for word in WORDS), *WORDS]
    values += [part.to_text() for part in split(package_sheet.VECTOR_TEXT, 25)]
    known = {word for value in values for word in re.findall(r"[^\W_]+", value)}
    made = papers(Stationery(tmp_path, discreet=discreet, **GIVEN), policy)
    for name in ("share", "label", "receipt", "recovery-card", "package-contents"):
        text = text_by_pdfium(made[name]())
        words = set(re.findall(r"[^\W_]{2,}", text))
        assert {word for word in words - known if not re.fullmatch("[0-9a-fA-F]+", word)} == set(), name
        assert "§" in text, name


def test_seal_refuses_a_bad_template_before_any_key_is_touched(tmp_path: Path, shm: Path) -> None:
    for name, old in (
        ("recovery-card", "{decoder_hash}"),
        ("label", "{share_words}"),
        ("share", "{left}"),
        ("package-decoding", "{package_hash}"),
        ("common", "{secrecy}"),
    ):
        directory = tmp_path / name
        directory.mkdir()
        changed(directory, name, (old, ""))
        order = ["--threshold", "2", "--custodian", "A", "--custodian", "B", "--out", shm / "out", *practice()]
        # There is no such CA: its absence would be the next thing to be said.
        done = escrow("seal", tmp_path / "no-ca", *order, "--templates", directory).expect(1)
        assert f"{directory / name}.toml, line 1: no block shows {old}" in done.err
        assert list(shm.iterdir()) == []


def test_a_name_that_never_fits_is_refused_before_any_key_is_touched(tmp_path: Path, shm: Path) -> None:
    order = ["--threshold", "2", "--custodian", "A", "--custodian", "W" * 300, "--out", shm / "out", *practice()]
    done = escrow("seal", tmp_path / "no-ca", *order).expect(1)
    assert "does not fit into" in done.err
    assert list(shm.iterdir()) == []


@pytest.mark.parametrize("text", ["安娜", "a\nb", " ", "\u200b"])
@pytest.mark.parametrize("what", ["organisation", "contact"])
def test_what_the_fonts_cannot_show_is_refused_at_once(what: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"The {what} .* cannot be printed"):
        Stationery(**{what: text})  # type: ignore[arg-type]  # two of its texts


def test_a_ca_whose_name_the_fonts_cannot_show_is_refused(shm: Path) -> None:
    order = ["--threshold", "2", "--custodian", "A", "--custodian", "B", "--out", shm / "out", *practice()]
    done = escrow("seal", "--generate", "安全", *order).expect(1)
    assert "the fonts lack '全'" in done.err
    assert list(shm.iterdir()) == []


def test_every_kind_and_key_of_a_block_stands_in_the_readme_of_templates() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", (source.directory() / "README.md").read_text(), re.MULTILINE))
    for kind, (must, may) in block.KEYS.items():
        for key in (must | may) - {"at", "width"}:
            assert f"`{key}`" in rows[kind], f"{key} of {kind}"
    assert set(rows) == set(block.KEYS)


def test_every_template_and_condition_stands_in_the_readme_of_templates() -> None:
    text = (source.directory() / "README.md").read_text("utf-8")
    for name in (*OURS, *template.CONDITIONS):
        assert re.search(rf'[`"]{re.escape(name)}["`]', text), name
    assert set(re.findall(r"`([\w-]+\.toml)`", text)) == set(OURS)


def test_our_templates_can_be_copied_changed_and_used(tmp_path: Path) -> None:
    escrow("templates", "--out", tmp_path / "own").expect()
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["README.md", *OURS]
    assert papers(Stationery(tmp_path / "own"))["receipt"]() == papers(Stationery())["receipt"]()
    assert "never overwritten" in escrow("templates", "--out", tmp_path / "own").expect(3).err
    with pytest.raises(UsageError, match="is not a directory"):
        Stationery(tmp_path / "absent")
