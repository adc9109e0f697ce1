"""The share sheet: readable by two independent readers, complete in its text, right for every name and policy."""

import itertools
import re
from pathlib import Path

import pytest
from helpers import need, rasterise, run
from sheets import GROUPS, NAMES, make

from escrow.errors import TemplateError
from escrow.paper import sheet
from escrow.paper.block import overlap
from escrow.paper.fonts import check_printable
from escrow.paper.layout import CODES, MARK_WIDTH, RING_OUTSIDE, TAKEN
from escrow.paper.raster import pictures
from escrow.paper.scan import read_codes
from escrow.paper.stationery import PageSize, Stationery
from escrow.policy import Policy, Position
from escrow.share import Kind
from escrow.words import to_words


@pytest.mark.parametrize("size", ["A4", "Letter"])
@pytest.mark.parametrize("kind", list(Kind))
def test_zbar_and_zxing_read_the_sheet_at_150_dpi(kind: Kind, size: PageSize, tmp_path: Path) -> None:
    need("zbarimg", "pdftoppm")
    record, manifest = make(Policy.plain(3, 5), Position(1, 2), kind)
    pdf = tmp_path / "sheet.pdf"
    pdf.write_bytes(sheet.render(record, manifest, "Anna", Stationery(size=size)))
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
    pdf = sheet.render(record, manifest, name, Stationery(size=size))
    (page,) = pictures(pdf, 150)
    assert read_codes(page) == (record.to_text(),)


@pytest.mark.parametrize("name", ["安娜", "Anna\n", "", " ", "\u200b\u0007", "🙂"])
def test_a_name_that_cannot_be_printed_is_an_error_before_printing(name: str) -> None:
    with pytest.raises(TemplateError):
        check_printable(name)


def test_codes_and_marks_lie_apart_and_inside_what_every_printer_prints_on() -> None:
    margin, width, height = 6.0, 210.0, 279.4  # the narrower of A4 and Letter, and the lower
    for one, other in itertools.combinations(TAKEN, 2):
        assert not overlap(one, other)
    for x, y, wide, high in TAKEN:
        free = (MARK_WIDTH - RING_OUTSIDE) / 2 if wide == MARK_WIDTH else 0
        assert min(x, y) + free >= margin
        assert x + wide - free <= width - margin
        assert y + high - free <= height - margin
