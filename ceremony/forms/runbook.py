"""The part of RUNBOOK.md that repeats the list of steps: made from the list, so that it cannot differ from it."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from ceremony.forms.words import numbers_of
from ceremony.planning import draft
from ceremony.planning.plan import parse
from ceremony.rules.loss import Rule
from ceremony.rules.steps import Action, Step
from ceremony.rules.wording import Wording

_ONLINE: Mapping[str, draft.Value] = {
    "dns": ("ca.example.com",),
    "site": "Data Centre",
    "medium": "USB stick, bag of its own",
}

_A_DAY = dt.date(2030, 1, 1)  # no step says when

BEGIN, END = "<!-- steps: made by ceremony/runbook.py -->", "<!-- end of steps -->"


def with_steps(runbook: str) -> str:
    """The runbook with its section of steps as the list says. Raises ValueError if it has no such section."""
    before, _, rest = runbook.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        message = f"The runbook lacks {BEGIN} or {END}."
        raise ValueError(message)
    return f"{before}{BEGIN}\n\n{section()}\n{END}{after}"


def section() -> str:
    """The steps of the example plan's ceremony, of one share and one copy each; and the table of crashes."""
    wording = _wording(draft.fill({}, {}))
    online = _wording(draft.fill({"online": _ONLINE}, {}))
    refresh = _wording(draft.refresh(_A_DAY))
    return "\n".join(
        [
            *_acts(wording.listing.steps, wording),
            *_online(online),
            *_contingencies(wording),
            *_refresh(refresh, wording),
        ]
    )


def _wording(plan: str) -> Wording:
    return Wording(parse(plan.encode(), Path("ceremony.toml")))


def _acts(listed: Sequence[Step], wording: Wording) -> Iterator[str]:
    for act, of_act in groupby(listed, key=lambda step: step.act):
        own = list(of_act)
        shown = [step for step in own if _is_first(step)]
        minutes = sum(wording.of(step).minutes for step in own)
        yield f"### Act {wording.number_of(act)}: {wording.acts[act]} ({minutes:g} minutes)\n"
        yield from _table(shown, own, wording)


def _online(wording: Wording) -> Iterator[str]:
    """The steps that only a plan with an online CA has, and what a loss before their end means."""
    listed = wording.listing.steps
    own = [step for step in listed if step.action in {Action.MAKE_ONLINE, Action.HAND_OVER, Action.BAG_HANDOVER}]
    yield "### Where the plan has an online CA\n"
    yield "These steps come before the copies of the package, whose numbers follow:\n"
    yield from _table(own, own, wording)
    yield "If the machine fails between the proof of the quorum and the handover sheet's:\n"
    yield f"- {wording.loss(Rule.PROVE_AGAIN)}\n"


def _refresh(wording: Wording, usual: Wording) -> Iterator[str]:
    """The steps that only a refresh has, and what a loss means there alone."""
    known = {step.verb for step in (*usual.listing.steps, *usual.listing.contingencies)}
    own = [step for step in (*wording.listing.steps, *wording.listing.contingencies) if step.verb not in known]
    yield "### A refresh\n"
    yield "It has these steps instead of those that make the keys, and before zeroizing and after it:\n"
    yield from _table(own, own, wording)
    yield "If the machine fails before the new set is sealed:\n"
    yield f"- {wording.loss(Rule.OLD_AGAIN)}\n"


def _is_first(step: Step) -> bool:
    """Whether a step is not one more of the same, for another share or copy."""
    return step.position in {None, (1, 1)} and step.copy in {None, 1}


def _table(shown: Sequence[Step], listed: Sequence[Step], wording: Wording) -> Iterator[str]:
    yield "| step | who | what is done | what is then seen |"
    yield "|---|---|---|---|"
    for step in shown:
        words = wording.of(step)
        done = f"**Point of no return.** {words.do}" if step.irreversible else words.do
        yield f"| {numbers_of(step.verb, listed)} | {words.who} | {done} | {words.expect} |"
    yield ""


def _contingencies(wording: Wording) -> Iterator[str]:
    yield "### If the machine fails\n"
    yield "The program is started again with the same plan and the same folder, and says which of these holds:\n"
    yield from (f"- {wording.loss(rule)}" for rule in wording.listing.losses)
    yield ""
    yield from _table(wording.listing.contingencies, wording.listing.contingencies, wording)
