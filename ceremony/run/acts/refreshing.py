"""A refresh's own acts: the old set is shown, its keys are taken over; it is superseded, and what is here destroyed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from ceremony.planning.plan import parse
from ceremony.rules.refreshing.rules import held_here, left, old_policy, who_could_still
from ceremony.rules.state import State
from ceremony.rules.steps import Step, key_of
from ceremony.run.acts import papers
from ceremony.run.before import SET_PLAN, facts_of
from ceremony.run.pile import Pile, Stack
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import recovery
from escrow.authority import from_package
from escrow.contents import key_fingerprint
from escrow.gather import Collection
from escrow.label import set_words
from escrow.manifest import group_hex
from escrow.package import Package
from escrow.policy import Policy, Position
from escrow.share import SHORT_SET_ID_LENGTH

T = TypeVar("T")


def show_old(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show the set that is to be superseded: its shares, bags, and everybody who has or had one."""
    last, plan = shop.last(), shop.plan
    if not plan.refresh:
        message = "This ceremony supersedes no set."
        raise StepError(message)
    made = parse(last.files[SET_PLAN], Path(SET_PLAN))
    old = last.manifest
    ask.say(f"The set {group_hex(old.short_set_id)}, epoch {old.epoch}: {old.policy}. Its words:")
    ask.say(f"  {set_words(old.set_id)}")
    rows = [
        f"Share {old.policy.name_of(position)}: {told(last.holders[position])}; bag {last.bags[position][-1]}"
        f"{'; a sheet may be in unknown hands' if position in last.strays else ''}"
        for position in old.policy.positions
    ]
    ask.page([f"The old set, epoch {old.epoch}", "", *rows, ""])
    ask.enter(Asked.READY)
    ask.say(f"The new set, epoch {old.epoch + 1}: {plan.policy}. Why: {plan.refresh.reason}")
    ask.say("A refresh is no revocation: a quorum of old sheets opens any old copy of the package.")
    ask.say("If somebody may have the keys, abort: the CA needs new keys, and no new set.")
    return {
        **facts_of(last),
        "policy": _policy_facts(old.policy),
        "bags": {key_of(position): numbers[-1] for position, numbers in last.bags.items()},
        "holders": {key_of(position): list(names) for position, names in last.holders.items()},
        "strays": [key_of(position) for position in sorted(last.strays)],
        "copies": [f"{each.site}, {each.medium}" for each in made.packages],
        "reason": plan.refresh.reason,
    }


def told(holders: Sequence[str]) -> str:
    """Who has a share, and who had it before."""
    has, *had = holders
    return f"{has} (before: {', '.join(had)})" if had else has


def _policy_facts(policy: Policy) -> dict[str, object]:
    return {"threshold": policy.threshold, "groups": [[group.threshold, group.shares] for group in policy.groups]}


def take_keys(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Recombine, open the old package, prove all of it, and keep all of it: it is what the new one will have."""
    package = Package.decode(shop.last().package)
    collection = Collection(package.manifest, keep=True)
    collection.shares = shop.shares
    with recovery.recombine(collection) as wrapping_key:
        members = recovery.open_checked(package, wrapping_key)
    shop.authority = from_package(package.manifest, members)
    shop.forget_shares()
    named = [
        {"name": entry.name, "algorithm": entry.key.algorithm, "public_key": key_fingerprint(entry.key.public)}
        for entry in shop.authority.keys
    ]
    for entry in named:
        ask.say(f"{entry['name']}, {entry['algorithm']}: {entry['public_key']}")
    return {"generated": False, "keys": named, "notes": []}


def supersede(_shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Note which set counts from now on."""
    old, new = (state.done[name]["set_id"] for name in ("old-set", "seal"))
    ask.say(f"From now on the set {_short(new)} counts. The set {_short(old)} is superseded.")
    return {"old": old, "new": new}


def destroy_old(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Have the old sheets and copies that are here destroyed, each with a certificate; list what is left elsewhere."""
    from ceremony.forms.old_set import FILE, certificates

    policy, noted = old_policy(state), state.done["old-set"]
    here = sorted(held_here(state))
    rest = {policy.short_name_of(position): position for position in policy.positions if position not in here}
    sheets = sorted([*here, *_chosen(Asked.OLD_SHEETS, rest, ask)])
    for number, copy in enumerate(noted["copies"], 1):
        ask.say(f"Old copy {number} of the package: {copy}")
    numbers = {str(number): number for number in range(1, len(noted["copies"]) + 1)}
    copies = sorted(_chosen(Asked.OLD_COPIES, numbers, ask))
    gone = {"sheets": [list(each) for each in sheets], "copies": copies}
    could_still = who_could_still(gone, state)
    facts = {**gone, "could_still": could_still}
    shop.carry({FILE: certificates(shop.plan, state, facts, shop.equipment.now().date())})
    pile = Pile()
    papers.print_stack(shop, Stack("Certificates of destruction", "the ceremony's file", (FILE,)), pile, ask)
    ask.say(f"To be shredded: the sheets of shares {policy.names_of(sheets)} of the old set.")
    if copies:
        ask.say(f"To be destroyed: old copy {', '.join(map(str, copies))} of the package.")
    while ask.line(Asked.DESTROYED, sheets=len(sheets)) != str(len(sheets)):
        ask.say(f"{len(sheets)} old sheets are to be shredded: count again.")
    for line in _left(policy, [*left(facts, state)], could_still):
        ask.say(line)
    return {**facts, **pile.facts}


def _chosen(asked: Asked, known: dict[str, T], ask: Questions) -> list[T]:
    """Those of the known ones that are named; nobody is asked where there are none."""
    if not known:
        return []
    while not set(names := ask.line(asked, known=" ".join(known)).replace(",", " ").split()) <= set(known):
        ask.say(f"They are {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)]


def _left(policy: Policy, positions: list[Position], could_still: list[str]) -> list[str]:
    if not positions:
        return ["No sheet of the old set is left."]
    lines = [f"Left elsewhere, to be destroyed: the sheets of shares {policy.names_of(positions)}."]
    if could_still:
        lines.append(f"Together these could still open an old package: {', '.join(could_still)}.")
    return lines


def _short(set_id: str) -> str:
    return group_hex(bytes.fromhex(set_id)[:SHORT_SET_ID_LENGTH])
