"""`escrow rehearse`: the whole way onto paper and back, with a throw-away CA."""

import datetime as dt
import io
import itertools
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from ceremony import options
from ceremony.console import Passwords, Progress, say
from escrow import recovery, sealing
from escrow.authority import generate, import_tree
from escrow.errors import KeyFileError
from escrow.files import NewFiles, is_memory_backed, write_all
from escrow.memory import Secret, isolate
from escrow.paper.raster import pictures
from escrow.policy import Policy
from escrow.progress import Progress as Report
from escrow.share import Kind

THRESHOLD = 3
CUSTODIANS = ("Ada Lovelace", "Blaise Pascal", "Chien-Shiung Wu", "David Blackwell", "Emmy Noether")
_DPI = 200


@click.command(name="rehearse")
@click.option("--out", "out_directory", type=options.PATH, metavar="DIR", help="Keep everything that was made here.")
def command(out_directory: Path | None) -> None:
    """Rehearse with a throw-away CA: generate, seal 3 of 5, print to pictures, read back, restore, compare.

    Needs no other software and no preparation. Works where memory cannot be locked, and says so.
    """
    options.protect_process(Kind.SPECIMEN)
    with ExitStack() as cleanup:
        directory = out_directory
        if directory is None:
            where = Path("/dev/shm") if is_memory_backed(Path("/dev/shm")) else None  # noqa: S108 - memory is what is wanted
            directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(dir=where)))
        with Progress() as progress:
            proved = rehearse(directory, progress)
    say("Rehearsal complete. Proved:")
    for line in proved:
        say(f"  * {line}")
    if out_directory is not None:
        say(f"Everything was kept in {out_directory}: look at the sheets in shares/.")
    say("All of this was SPECIMEN material: production refuses it.")


def rehearse(directory: Path, progress: Report) -> list[str]:
    """Carry the rehearsal out in a directory and return what was proved. Raises EscrowError."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    policy = Policy.plain(THRESHOLD, len(CUSTODIANS))
    authority = generate("Rehearsal", now, progress)
    with NewFiles(directory) as out:
        sealing.seal(authority, sealing.Order(Kind.SPECIMEN, policy, CUSTODIANS, now), out, progress)
        out.publish()
    pages = _take_pictures(directory, [sealing.sheet_file(policy, p) for p in policy.positions], progress)
    sealed = recovery.read_package(directory / sealing.PACKAGE_FILE, progress)
    collection = recovery.gather(sealed.manifest, pages, keep=True, progress=progress)
    recovery.require_quorum(collection)
    quorums = list(itertools.combinations(sorted(collection.shares), THRESHOLD))
    for number, quorum in enumerate(quorums):
        progress("Recombining every quorum", number, len(quorums))
        with recovery.recombine(collection.only(quorum)):
            pass
    progress("Recombining every quorum", len(quorums), len(quorums))
    with recovery.recombine(collection.only(quorums[0])) as wrapping_key:
        members = recovery.open_checked(sealed, wrapping_key)
    restored = directory / "restored"
    with Secret.of(b"rehearsal") as password:
        with NewFiles(restored) as out:
            recovery.restore(sealed.manifest, members, (), password, out=out, progress=progress)
            out.publish()
        again = import_tree(restored, Passwords({None: password}), progress)
    same = all(one.key.pem.matches(other.key.pem) for one, other in zip(authority.keys, again.keys, strict=True))
    if not same:
        message = "The restored keys are not the generated ones."
        raise KeyFileError(message)
    return [
        f"{len(authority.keys)} keys were generated, sealed and split {policy}; the package opens.",
        f"{len(pages)} sheets were printed to pictures at {_DPI} dpi, and every share was read back from its picture.",
        f"All {len(quorums)} quorums of {THRESHOLD} recombine to the same wrapping key.",
        "The restored keys are the generated ones, bit for bit, and fit their certificates.",
    ]


def _take_pictures(directory: Path, sheets: Sequence[str], progress: Report) -> list[Path]:
    """Rasterise the sheets: what a scanner would make of them. One worker a sheet: no process sees two shares."""
    with NewFiles(directory) as out:
        for number, name in enumerate(sheets):
            progress("Taking pictures of the sheets", number, len(sheets))
            _take_picture(directory / name, out, _picture_file(name))
        out.publish()
    progress("Taking pictures of the sheets", len(sheets), len(sheets))
    return [directory / _picture_file(name) for name in sheets]


def _take_picture(sheet: Path, out: NewFiles, name: str) -> None:
    descriptor = out.open(name)

    def in_worker() -> bytes:
        picture = io.BytesIO()
        next(pictures(sheet.read_bytes(), _DPI)).save(picture, "PNG")
        write_all(descriptor, picture.getbuffer(), out.root / name)
        return b""

    with open(descriptor, "wb", buffering=0):  # noqa: PTH123 - a descriptor, not a path
        isolate(in_worker)


def _picture_file(sheet: str) -> str:
    return f"pictures/{Path(sheet).stem}.png"
