"""Show sheets to a camera: each is named when it is seen, and what is still missing. `escrow.watch` does the seeing."""

import sys
from pathlib import Path

from ceremony.terminal.console import Progress, enter_pressed, say
from ceremony.terminal.screen import standing
from escrow.errors import EscrowError, WorkerError
from escrow.gather import Collection
from escrow.judge import Verdict
from escrow.paper.camera import is_live
from escrow.watch import Ending, Glance

_ADVICE = {
    Ending.NEWS: "Show the next sheet.",
    Ending.KNOWN: "What is before the camera was seen already. Show the next sheet.",
    Ending.NOTHING: "No code is seen. Fill the picture with the sheet, give it light, and hold it flat and still.",
}


def show_shares(collection: Collection, camera: Path, *, until_quorum: bool) -> None:
    """Let the person show sheets to a camera, or to one that filmed them before, until Enter or the video's end.

    For a quorum, that is the end too, and what was wrong is said and no more; otherwise it is among the collection's
    verdicts. Without a keyboard the end is when a camera has seen every share of the set.
    """
    Progress.make_room()
    live, keyboard = is_live(camera), sys.stdin.isatty()
    say(f"Show the sheets to {camera}, one after the other." if live else f"Reading {camera}.")
    if keyboard:
        say("Enter ends.")
    everything = set(collection.manifest.policy.positions)
    told: list[Verdict] = []
    at = 0
    while True:
        glance = _watch(collection, camera, at, told)
        at = glance.frame
        told += [verdict for verdict in glance.verdicts if not verdict.valid]
        for verdict in glance.verdicts:
            say(str(verdict))
        if glance.ending in {Ending.STOPPED, Ending.OVER}:
            break
        complete = (
            not collection.missing if until_quorum else live and not keyboard and not everything - collection.present
        )
        say(f"{standing(collection).capitalize()}. {_ADVICE[glance.ending] if live and not complete else ''}".rstrip())
        if complete:
            break
    if not until_quorum:
        collection.verdicts += told


def _watch(collection: Collection, camera: Path, at: int, told: list[Verdict]) -> Glance:
    """The next glance; a camera or video that cannot be read any more is over, and costs nothing that was seen."""
    try:
        return collection.add_camera(camera, at, told, enter_pressed)
    except EscrowError as error:
        broken = isinstance(error, WorkerError)
        reason = "its pictures are damaged beyond reading. Film the sheets again." if broken else str(error)
        return Glance(Ending.OVER, at, (Verdict(str(camera), reason),))
