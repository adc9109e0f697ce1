"""The share sheet: readable by two independent readers, complete in its text, right for every name and policy."""

import datetime as dt
import itertools
import re
from pathlib import Path

import pytest
from helpers import need, rasterise, run

from escrow.errors import TemplateError
from escrow.manifest import KeyEntry, Manifest
from escrow.paper import sheet, template
from escrow.paper.layout import CODES, MARK_WIDTH, RING_OUTSIDE, TAKEN
from escrow.paper.page import PageSize, check_printable
from escrow.paper.raster import pictures
from escrow.paper.scan import read_codes
from escrow.policy import Group, Policy, Position
from escrow.share import Kind, Record, commitment, key_check
from escrow.words import to_words

GROUPS = Policy(2, (Group(2, 3), Group(1, 1), Group(3, 255)))
NAMES = ["Ann", "Zoë Müller-Łukasiewicz", "Αλέξανδρος Παπαδόπουλος", "Александра Щукина", "W" * 60, "Ŵ " * 30]


def make(policy: Policy, position: Position, kind: Kind = Kind.PRODUCTION) -> tuple[Record, Manifest]:
    """A manifest with made-up commitments, but for one share."""
    value = bytes(range(32))
    k = policy.threshold_of(position.group)
    hashes = {position: commitment(position, k, value).hex()}
    commitments = tuple(
        tuple(hashes.get(Position(g, x), "ab" * 32) for x in range(1, group.shares + 1))
        for g, group in enumerate(policy.groups, 1)
    )
    manifest = Manifest(
        kind=kind,
        ca="A certificate authority with quite a long name, Example Organisation",
        created=dt.datetime(2026, 1, 2, tzinfo=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        epoch=1,
        supersedes=(),
        policy=policy,
        commitments=commitments,
        key_check=key_check(value).hex(),
        certificates=(),
        keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", "cd" * 32, None),),
        files=(),
    )
    return Record(kind, manifest.short_set_id, position.group, position.x, k, value), manifest


@pytest.mark.parametrize("size", ["A4", "Letter"])
@pytest.mark.parametrize("kind", list(Kind))
def test_zbar_and_zxing_read_the_sheet_at_150_dpi(kind: Kind, size: PageSize, tmp_path: Path) -> None:
    need("zbarimg", "pdftoppm")
    record, manifest = make(Policy.plain(3, 5), Position(1, 2), kind)
    pdf = tmp_path / "sheet.pdf"
    pdf.write_bytes(sheet.render(record, manifest, "Anna", size))
    picture = rasterise(pdf, 150)
    assert run("zbarimg", "--quiet", "--raw", picture).expect().out.split() == [record.to_text()] * len(CODES)
    assert [read_codes(image) for image in pictures(pdf.read_bytes(), 150)] == [(record.to_text(),)]


def test_the_text_of_the_sheet_has_all_that_is_needed_without_this_program(tmp_path: Path) -> None:
    need("pdftotext")
    record, manifest = make(Policy.plain(3, 5), Position(1, 2))
    (tmp_path / "sheet.pdf").write_bytes(sheet.render(record, manifest, "Anna"))
    text = run("pdftotext", "-layout", tmp_path / "sheet.pdf", "-").expect().out
    assert re.search(rf"^left +2-{record.value[:16].hex()}$", text, re.MULTILINE)
    assert re.search(rf"^right +2-{record.value[16:].hex()}$", text, re.MULTILINE)
    for number, row in enumerate(to_words(record.encode()), 1):
        assert re.search(rf"^ *{number} +" + " +".join(row), text, re.MULTILINE)
    for part in ("Share 2 of 5", "3 of 5", "Anna", "ssss-combine -t 3 -x -D", "openssl cms -decrypt", "unzip"):
        assert part in text
    assert f"-secretkeyid {manifest.set_id.hex()}" in text


def test_nothing_secret_is_in_the_metadata_and_the_file_depends_on_nothing_else(tmp_path: Path) -> None:
    need("pdfinfo", "pdffonts")
    record, manifest = make(Policy.plain(3, 5), Position(1, 2))
    (tmp_path / "sheet.pdf").write_bytes(sheet.render(record, manifest, "Anna"))
    shown = run("pdfinfo", tmp_path / "sheet.pdf").expect().out
    assert record.value.hex()[:8] not in shown
    assert "Anna" not in shown
    assert sheet.render(record, manifest, "Anna") == (tmp_path / "sheet.pdf").read_bytes()
    fonts = run("pdffonts", tmp_path / "sheet.pdf").expect().out.splitlines()[2:]
    assert fonts
    for line in fonts:  # name, type, encoding, emb, sub, uni, object
        assert re.search(r" yes +yes +yes +\d+ +\d+$", line), line


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("position", [Position(1, 2), Position(2, 1), Position(3, 255)], ids=str)
@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_every_name_and_policy_fits_on_one_page(name: str, position: Position, size: PageSize) -> None:
    check_printable(name)
    record, manifest = make(GROUPS, position)
    pdf = sheet.render(record, manifest, name, size)
    (page,) = pictures(pdf, 150)
    assert read_codes(page) == (record.to_text(),)


@pytest.mark.parametrize("name", ["安娜", "Anna\n", "", " ", "\u200b\u0007", "🙂"])
def test_a_name_that_cannot_be_printed_is_an_error_before_printing(name: str) -> None:
    with pytest.raises(TemplateError):
        check_printable(name)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (("{custodian}", "{custodain}"), "line 52: the text uses {custodain}"),
        (('kind = "words"', 'kind = "wards"'), "kind is 'wards'"),
        (("at = [58, 13]", "at = [58]"), "line 10: at is two numbers"),
        (("width = 94", "wide = 94"), "line 10: the block lacks width"),
        (("at = [58, 13]", "at = [50, 13]"), "line 10: the block lies over the code or mark at 8, 8"),
        (("height = 48.8", "height = 60"), "the block lies over the code or mark at 133, 167"),
        (("size = 26", "size = 26\nsice = 3"), "the block has the unknown sice"),
        (('title = "Share sheet"', ""), "a title and blocks"),
        (("[[block]]", "[[block]"), "line 10"),
    ],
)
def test_a_template_with_a_mistake_is_refused_with_its_name_and_line(
    damage: tuple[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (template.directory() / "share.toml").read_text()
    (tmp_path / "share.toml").write_text(text.replace(*damage, 1))
    assert (tmp_path / "share.toml").read_text() != text
    monkeypatch.setattr(template, "directory", lambda: tmp_path)
    with pytest.raises(TemplateError) as error:
        template.load("share", sheet._FIELDS, TAKEN)
    assert str(tmp_path / "share.toml") in str(error.value)
    assert expected in str(error.value)


def test_no_block_of_the_sheet_lies_over_another() -> None:
    """What is drawn stays inside its block (it is made smaller, or refused), so this is about geometry alone."""
    blocks = template.load("share", sheet._FIELDS, TAKEN).blocks
    for one, other in itertools.combinations(blocks, 2):
        assert not template.overlap(one.area, other.area), f"{one.text[:30]!r} and {other.text[:30]!r}"


def test_codes_and_marks_lie_apart_and_inside_what_every_printer_prints_on() -> None:
    margin, width, height = 6.0, 210.0, 279.4  # the narrower of A4 and Letter, and the lower
    for one, other in itertools.combinations(TAKEN, 2):
        assert not template.overlap(one, other)
    for x, y, wide, high in TAKEN:
        free = (MARK_WIDTH - RING_OUTSIDE) / 2 if wide == MARK_WIDTH else 0
        assert min(x, y) + free >= margin
        assert x + wide - free <= width - margin
        assert y + high - free <= height - margin
