"""What `recover` costs, in units of reading one page."""

import io
from collections.abc import Iterator
from pathlib import Path

from measure import ESCROW, Line, job, median_of_jobs, medians, program, ratio, scratch

from escrow.paper.raster import pictures

_DPI = 200
_THRESHOLD, _SHARES, _KEYS = 3, 5, 2


def lines(*, quick: bool) -> Iterator[Line]:
    """`recover` from three pages of a 3 of 5 set, by its parts and as a program."""
    repeats = 3 if quick else 11
    with scratch() as directory:
        base = Path(directory)
        job("seal", base / "set", _THRESHOLD, _SHARES, _KEYS)
        package = base / "set/package.escrow"
        pages = [_picture(base / f"set/shares/share-{x}.pdf") for x in range(1, _THRESHOLD + 1)]
        password = base / "password"
        password.write_text("benchmark")
        targets = (base / f"restored-{number}" for number in range(repeats))

        def recover() -> float:
            return program(ESCROW, "recover", package, *pages, "--to", next(targets), "--password-file", password)()

        whole, check = medians(repeats, recover, program(ESCROW, "check", package, pages[0]))
        parts = median_of_jobs(job("recover", package, *pages) for _ in range(repeats))
    page = parts["one page"]
    work = parts["all pages"] + parts["open"] + parts["restore"]
    yield ratio(work, page, "recover in the library: all of it / reading one page")
    yield ratio(parts["all pages"], page, "  of which reading three pages")
    yield ratio(parts["open"], page, "  of which recombining, opening and proving")
    yield ratio(parts["restore"], page, "  of which encrypting and writing two keys (PBKDF2)")
    yield ratio(whole, page, "escrow recover, the protected program / reading one page in the library")
    yield ratio(whole, check, "escrow recover, three pages / escrow check, one page: both programs")


def _picture(sheet: Path) -> Path:
    """The picture of a sheet that a scanner would make, as a PNG file beside it."""
    picture = io.BytesIO()
    next(pictures(sheet.read_bytes(), _DPI)).save(picture, "PNG")
    target = sheet.with_suffix(".png")
    target.write_bytes(picture.getvalue())
    return target
