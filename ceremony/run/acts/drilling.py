"""A drill's acts: what is supposed, who and what is there, what sheets and bags say, and what comes of it all.

Nothing is exported: of what a quorum opens, every key is proved and wiped in the same step, but for those that a
scratch CA is made of; they end with it.
"""

from collections.abc import Set as AbstractSet
from dataclasses import asdict
from pathlib import Path

from ceremony.planning.plan import Plan, parse
from ceremony.rules.bags import bag_number
from ceremony.rules.drilling.rules import Drilling
from ceremony.rules.drilling.steps import Level
from ceremony.rules.lists import listing_of
from ceremony.rules.state import State
from ceremony.rules.steps import Step, key_of
from ceremony.run.acts.reading import read_sheets
from ceremony.run.before import SET_PLAN, facts_of
from ceremony.run.drilled import minutes_of
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import recovery, scratch
from escrow.gather import Collection
from escrow.manifest import Manifest
from escrow.package import Package
from escrow.policy import Position
from escrow.scratch import Tried

_BAD = "bad"
_REASONS = {
    "no-copy": "No copy of the package could be had.",
    "no-quorum": "Those who were there are no quorum.",
    "other-bag": "A bag is not the one that was noted.",
    "no-sheet": "No sheet was read.",
    "not-started": "step-ca did not start from what was restored.",
    "not-issued": "step-ca started, and issued no certificate that verifies.",
    "bad-sheet": "A sheet that was opened cannot be used.",
}


def brief(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Say what is supposed to have happened; carry on what the archive takes over. From here on time counts."""
    last, drill = shop.last(), shop.drill()
    made = parse(last.files[SET_PLAN], Path(SET_PLAN))
    shop.carry(last.files)
    ask.say(f"Level {drill.level}: {Level[drill.level].value}. It should take {drill.minutes} minutes.")
    ask.say(f"What is supposed to have happened: {drill.scenario}")
    step_ca = shop.equipment.step_ca if drill.level == Level.T4.name else None
    program = scratch.digest(step_ca) if step_ca else ""
    if program:
        ask.say(f"{step_ca} will get the CA's keys. Compare its SHA-256 with that of the step-ca that you trust:")
        ask.say(f"  {program}")
    return {
        **facts_of(last),
        "level": drill.level,
        "scenario": drill.scenario,
        "target": drill.minutes,
        "program": program,
        "bags": {key_of(position): numbers[-1] for position, numbers in last.bags.items()},
        "copies": [f"{each.site}, {each.medium}" for each in made.packages],
    }


def which_copy(_shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Note which copy of the package would be fetched, or is used."""
    copies = state.done["brief"]["copies"]
    for number, copy in enumerate(copies, 1):
        ask.say(f"Copy {number}: {copy}")
    known = {str(number): number for number in range(1, len(copies) + 1)}
    while (typed := ask.line(Asked.COPY)) not in {"", *known}:
        ask.say(f"The copies have the numbers 1 to {len(copies)}.")
    return {"copy": known.get(typed)}


def call(shop: Workshop, step: Step, _state: State, ask: Questions) -> Facts:
    """Note whether a custodian was reached."""
    position = _position(step)
    fields = {"custodian": shop.plan.custodian_at(position).name, "share": shop.plan.policy.name_of(position)}
    while (answer := ask.line(Asked.REACHED, **fields).lower()) not in {"yes", "no"}:
        ask.say("Type yes or no.")
    return {"reached": answer == "yes"}


def show_bag(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Compare the number of a closed bag with the one that was noted."""
    return _shown(shop, _position(step), state, ask)


def _shown(shop: Workshop, position: Position, state: State, ask: Questions) -> Facts:
    """The number of a bag as it was read from it, and whether it is the one that was noted; a slip may happen once."""
    name, expected = shop.plan.policy.name_of(position), state.done["brief"]["bags"][key_of(position)]
    typed = ask.line(Asked.SHOWN, share=name)
    if typed and not _same(typed, expected):
        ask.say(f"The bag that was noted for share {name} is {expected}. Read the number again.")
        typed = ask.line(Asked.SHOWN, share=name)
    same = _same(typed, expected)
    if same:
        ask.say(f"It is the bag that was noted for share {name}.")
    elif typed:
        ask.say("It is another bag: the sheet may have been taken out. It stays closed, and is looked into together.")
    return {"bag": typed, "same": same}


def _same(typed: str, expected: str) -> bool:
    return bag_number(typed) == bag_number(expected)


def read_one(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Have one sheet taken out of its bag and read; it is judged, and its share kept nowhere."""
    position = _position(step)
    shown = _shown(shop, position, state, ask)
    if not shown["same"]:
        return {**shown, "positions": [], "read": False, "problems": []}
    manifest, name = Package.decode(shop.last().package).manifest, shop.plan.policy.name_of(position)
    problems: list[str] = []
    while True:
        collection = Collection(manifest, keep=False)
        for line in read_sheets(shop, collection, f"the sheet of share {name}", name, ask):
            ask.say(line)
        if collection.present == {position} and not collection.problems:
            ask.say(f"Share {name} is good.")
            return {**shown, "positions": [position], "read": True, "problems": problems}
        problems += [each.problem or f"this is share {each.name}" for each in collection.verdicts]
        while (answer := ask.line(Asked.NOT_GOOD).lower()) not in {"again", _BAD}:
            pass
        if answer == _BAD:
            return {**shown, "positions": [position], "read": False, "problems": problems}


def prove_keys(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Recombine, open the package, prove every key against its certificate, and wipe all of it."""
    package = Package.decode(shop.last().package)
    collection = Collection(package.manifest, keep=True)
    collection.shares = shop.shares
    with recovery.recombine(collection) as wrapping_key:
        members = recovery.open_checked(package, wrapping_key)
    shop.forget_proved()
    wanted = _kept(shop.plan, package.manifest)
    for name in members.keys() - wanted:
        members[name].close()
    shop.proved = {name: members[name] for name in members.keys() & wanted}
    shop.forget_shares()
    keys = [{"name": entry.name, "algorithm": entry.algorithm} for entry in package.manifest.keys]
    ask.say(f"The package opens, and each key fits its certificate: {', '.join(each['name'] for each in keys)}.")
    kept = ", but for what is needed next" if wanted else ""
    ask.say(f"Nothing of it was written anywhere, and all of it is wiped{kept}.")
    return {"keys": keys}


def _kept(plan: Plan, manifest: Manifest) -> AbstractSet[str]:
    """What of a package is needed after its keys were proved: for a scratch CA, or for what a recovery restores."""
    if plan.recovery:
        return {*manifest.files, *(entry.file for entry in manifest.keys if entry.name in plan.recovery.only)}
    return scratch.needed(manifest) if plan.drill and plan.drill.level == Level.T4.name else frozenset()


def try_ca(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Have the real step-ca start from what was restored, and issue; what goes wrong is a finding."""
    manifest, program = Package.decode(shop.last().package).manifest, shop.equipment.step_ca
    if program:
        ask.say("step-ca is started from what was restored, at an address of this machine alone.")
        tried = scratch.try_out(
            program,
            state.done["brief"]["program"],
            scratch.new_folder(),
            manifest,
            shop.proved,
            shop.equipment.progress,
        )
    else:
        tried = Tried(problem="there is no step-ca on this machine: name it with --step-ca")
    shop.forget_proved()
    if tried.issued:
        ask.say("The scratch CA started, and issued a certificate, which verifies.")
    else:
        ask.say(f"The scratch CA {'started, and did NOT issue' if tried.started else 'did NOT start'}: {tried.problem}")
    ask.say("It is ended, and nothing of it is left.")
    return asdict(tried)


def judge(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Say whether the drill has passed, and how long it took."""
    listing, drill = listing_of(shop.plan), shop.drill()
    if not isinstance(listing, Drilling):
        message = "This ceremony is no drill."
        raise StepError(message)
    reasons = [*listing.reasons(state)]
    minutes = minutes_of(shop.equipment.entries())
    ask.say("The drill has NOT passed." if reasons else "The drill has passed.")
    for reason in reasons:
        ask.say(_REASONS[reason])
    ask.say(f"It took {minutes:g} minutes; planned were {drill.minutes}.")
    return {
        "passed": not reasons,
        "reasons": reasons,
        "minutes": minutes,
        "target": drill.minutes,
        "shares": listing.answered(state),
    }


def _position(step: Step) -> Position:
    if not step.position:
        message = f"The step {step.id} is of no share."
        raise StepError(message)
    return step.position
