"""Act 8: a quorum from paper opens the package, and copies of the package are written and read back."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.reading import read_sheets
from ceremony.run.archive import MAX_FILE
from ceremony.run.copying import ONLINE, PACKAGE, Copying, Load
from ceremony.run.identity import Identity
from ceremony.run.questions import Facts, Questions
from ceremony.run.work import Workshop
from escrow import documents, recovery, standalone
from escrow.files import read_public
from escrow.gather import Collection
from escrow.memory import Secret
from escrow.online.tree import needed
from escrow.policy import Position
from escrow.sealing import PACKAGE_FILE
from escrow.share import SHORT_SET_ID_LENGTH


def prove_quorum(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Read a quorum, drawn by lot, from paper; recombine; open the package and prove what is in it."""
    package = shop.package(state)
    policy = shop.plan.policy
    drawn_by_lot = shop.equipment.lots.sample(policy.positions, len(policy.positions))
    wanted = _quorum_of(drawn_by_lot, policy.missing)
    collection = Collection(package.manifest, keep=True)
    try:
        for position in wanted:
            name = policy.name_of(position)
            custodian = shop.plan.custodian_at(position).name
            what = f"{custodian}, the sheet of share {name}"
            while position not in collection.present:  # a wrong sheet in between costs nothing
                for line in read_sheets(shop, collection, what, name, ask):
                    ask.say(line)
        with recovery.recombine(collection) as wrapping_key:
            _keep_needed(shop, recovery.open_checked(package, wrapping_key))
    finally:
        collection.close()
    ask.say("A quorum from paper opens the package, and every key in it is the right one.")
    return {"positions": sorted(collection.present)}


def _keep_needed(shop: Workshop, members: Mapping[str, Secret]) -> None:
    """Keep what the online CA is made of, if there is to be one, and wipe everything else: above all the root's key."""
    shop.forget_proved()
    wanted = needed() if shop.plan.online else frozenset()
    for name in members.keys() - wanted:
        members[name].close()
    shop.proved = {name: members[name] for name in members.keys() & wanted}


def copy_package(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Write a copy of the package to a medium, and read it back after it was taken out."""
    copy = step.copy or 1
    planned = shop.plan.packages[copy - 1]
    own = _folder(state.done["seal"]["set_id"])
    load = Load(
        what=f"copy {copy} of the package",
        of=PACKAGE,
        copy=copy,
        folder=f"{own}-copy-{copy}",
        files=_papers(shop, state),
        avoid={
            own: "another copy of this package. Each copy needs a medium of its own.",
            f"{ONLINE}-": "the tree of the online CA. The package needs a medium of its own.",
            **{
                _folder(void): "a package that is void. Destroy it, or take another medium." for void in state.void_sets
            },
        },
        taken=dict(media_of_others(step, state)),
    )
    copied = Copying(ask, shop.equipment.machine, shop.equipment.out, shop.plan.ceremony.kind).copy(load)
    ask.say(
        f"Copy {copy} is the same byte for byte: {len(load.files)} files, read back from {copied.place}. Unmount it."
    )
    return {
        "site": planned.site,
        "medium": planned.medium,
        "sha256": hashlib.sha256(load.files[PACKAGE_FILE]).hexdigest(),
        "files": sorted(load.files),
        "proof": copied.proof.value,
        "identity": copied.identity.facts if copied.identity else None,
    }


def media_of_others(step: Step, state: State) -> Iterator[tuple[str, Identity]]:
    """Which media have the other copies of this package, or the online CA, as the journal says."""
    for name, facts in state.done.items():
        if name != step.id and facts.get("identity"):
            what = "the online CA" if name == "online" else f"{name} of the package"
            yield what, Identity.from_facts(facts["identity"])


def _folder(set_id: str) -> str:
    """The name of a set's folder on a medium: with the digits that stand on its sheets."""
    return f"{PACKAGE}-{set_id[: 2 * SHORT_SET_ID_LENGTH].upper()}"


def _papers(shop: Workshop, state: State) -> Mapping[str, bytes]:
    """What somebody needs who finds this medium and nothing else but sheets of shares."""
    files = {PACKAGE_FILE: shop.package(state).encode(), standalone.FILE: standalone.source()}
    for name in (f"{documents.FOLDER}/{documents.CARD_FILE}", documents.PACKAGE_SHEETS_FILE):
        path = shop.equipment.out / name
        if path.exists():  # a package that is too large for paper has no sheets
            files[path.name] = read_public(path, MAX_FILE)
    return files


def _quorum_of(ordered: Sequence[Position], missing: Callable[[list[Position]], int]) -> list[Position]:
    """The first of these that bring a quorum nearer, until it is there."""
    chosen: list[Position] = []
    for position in ordered:
        if missing([*chosen, position]) < missing(chosen):
            chosen.append(position)
    return chosen
