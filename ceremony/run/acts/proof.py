"""Act 8: a quorum from paper opens the package, and copies of the package are written and read back."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.rules.wording import share_name
from ceremony.run.acts.reading import read_sheets
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import recovery, standalone
from escrow.files import NewFiles, read_public
from escrow.gather import Collection
from escrow.package import MAX_LENGTH
from escrow.policy import Position
from escrow.sealing import PACKAGE_FILE
from escrow.share import Kind


def prove_quorum(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Read a quorum, drawn by lot, from paper; recombine; open the package and prove what is in it."""
    package = shop.package(state)
    policy = shop.plan.policy
    drawn_by_lot = shop.equipment.lots.sample(policy.positions, len(policy.positions))
    wanted = _quorum_of(drawn_by_lot, policy.missing)
    collection = Collection(package.manifest, keep=True)
    try:
        for position in wanted:
            name = share_name(policy, position)
            custodian = shop.plan.custodian_at(position).name
            what = f"{custodian}, the sheet of share {name}"
            while position not in collection.present:  # a wrong sheet in between costs nothing
                for line in read_sheets(shop, collection, what, name, ask):
                    ask.say(line)
        with recovery.recombine(collection) as wrapping_key:
            members = recovery.open_checked(package, wrapping_key)
            for member in members.values():
                member.close()
    finally:
        collection.close()
    ask.say("A quorum from paper opens the package, and every key in it is the right one.")
    return {"positions": sorted(collection.present)}


def copy_package(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Write a copy of the package to a medium, and read it back after it was taken out."""
    package = shop.plan.packages[(step.copy or 1) - 1]
    text = shop.package(state).encode()
    decoder = standalone.source()
    wanted = {PACKAGE_FILE: text, standalone.FILE: decoder}
    folder = _medium(shop, step, ask)
    with NewFiles(folder) as out:
        out.write(standalone.FILE, decoder)
        out.write(PACKAGE_FILE, text)
        out.publish()
    ask.enter(Asked.REPLUGGED, copy=step.copy)
    if {name: read_public(folder / name, MAX_LENGTH) for name in wanted} != wanted:
        message = f"What {folder} gives back is not what was written: take another medium."
        raise StepError(message)
    ask.say(f"Copy {step.copy} is the same byte for byte.")
    return {"site": package.site, "medium": package.medium, "sha256": hashlib.sha256(text).hexdigest()}


def _medium(shop: Workshop, step: Step, ask: Questions) -> Path:
    """The folder of a medium: one that is there, and in production not on the disk of the ceremony's own folder."""
    own = shop.equipment.out.stat().st_dev
    while True:
        given = ask.line(Asked.MEDIUM, copy=step.copy)
        folder = Path(given)
        if not given or not folder.is_dir():
            ask.say(f"There is no folder {given!r}: mount the medium, and name where.")
        elif shop.plan.ceremony.kind is Kind.PRODUCTION and folder.stat().st_dev == own:
            ask.say(f"{folder} is on the same file system as the ceremony's folder: it is no medium of its own.")
        else:
            return folder


def _quorum_of(ordered: Sequence[Position], missing: Callable[[list[Position]], int]) -> list[Position]:
    """The first of these that bring a quorum nearer, until it is there."""
    chosen: list[Position] = []
    for position in ordered:
        if missing([*chosen, position]) < missing(chosen):
            chosen.append(position)
    return chosen
