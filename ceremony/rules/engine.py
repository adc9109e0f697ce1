"""The ceremony's rules: given the journal so far, what comes next. No input, no output, no clock, no secret.

The state is the fold of the journal's entries. The rules, each tested over every prefix of a journal and over random
walks:

- Steps are done in their order; what a step requires holds when it begins.
- A new session of the program means that its memory was lost: the list says what is done again, what is void, and
  which contingency comes first.
- Nothing irreversible begins while its gate is shut, and nothing is closed while an exception has no disposition.
- Every bag that is opened is followed by a new one, and a bag's number is used once.
- A ceremony is closed by its last step, or aborted: then what the list owes comes before it ends.

What is true of one kind of ceremony alone stands with its list: see `listing`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ceremony.rules.bags import new_bags
from ceremony.rules.listing import Listing, held_after, without
from ceremony.rules.loss import Loss
from ceremony.rules.state import ABORT, DISPOSITIONS, TOUCHES, Incident, State, numbers_text, with_incident
from ceremony.rules.steps import Action, Step
from ceremony.run.journal import Entry, JournalError
from escrow.policy import Policy, Position


class Engine:
    """The rules over one list of steps."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps, in order."""
        return self.listing.steps

    @property
    def policy(self) -> Policy:
        """The policy of the shares."""
        return self.listing.policy

    def replay(self, entries: Iterable[Entry]) -> State:
        """The state after a journal. Raises JournalError, with the line, for an entry that the rules forbid."""
        state = State()
        for entry in entries:
            try:
                state = self.after(state, entry)
            except JournalError as error:
                message = f"Line {entry.n + 1} of the journal: {error}"
                raise JournalError(message) from None
        return state

    def next(self, state: State) -> Step | None:
        """The step that comes next; None after the end."""
        if state.ended:
            return None
        if state.owed:
            return state.owed
        if state.aborting:
            return self.steps[-1]
        return next(step for step in self.steps if step.id not in state.done)

    def shut(self, state: State, step: Step) -> tuple[str, ...]:
        """Why a step may not begin now: empty if it may."""
        if step is self.steps[-1] and state.open_incidents:
            return (f"exception {numbers_text(state.open_incidents)} has no disposition",)
        return tuple(self.listing.shut(state, step))

    def loss(self, state: State) -> Loss:
        """What it would mean if the program's memory were lost now."""
        return self.listing.loss(state)

    def after(self, state: State, entry: Entry) -> State:
        """The state after one more entry. Raises JournalError for one that may not come now."""
        if not state.sessions and entry.event != "session":
            message = "a journal begins with a session"
            raise JournalError(message)
        if state.ended:
            message = "the ceremony has ended: nothing comes after it"
            raise JournalError(message)
        events: dict[str, Callable[[State, Mapping[str, Any]], State]] = {
            "session": self._session,
            "begin": self._begin,
            "end": self._end,
            "fail": self._fail,
            "note": lambda state, _: state,
            "pause": lambda state, _: state,
            "exception": self._exception,
            "settle": self._settle,
            "abort": self._abort,
        }
        handle = events.get(entry.event)
        if not handle:
            message = f"the event {entry.event!r} is not known"
            raise JournalError(message)
        try:
            return handle(state, entry.fields)
        except (KeyError, TypeError, ValueError, AttributeError):
            message = f"the entry {entry.event!r} lacks something or has it wrong"
            raise JournalError(message) from None

    def _session(self, state: State, fields: Mapping[str, Any]) -> State:
        if not state.sessions:
            return replace(state, sessions=1, plan=fields["plan"], kind=fields["kind"])
        if fields["plan"] != state.plan:
            message = "this ceremony was begun with another plan"
            raise JournalError(message)
        if fields["kind"] != state.kind:
            message = f"this ceremony was begun with {state.kind} material, and is not gone on with as {fields['kind']}"
            raise JournalError(message)
        if state.aborting:
            return replace(state, sessions=state.sessions + 1, begun=None)
        loss = self.loss(state)
        if fields["loss"] != loss.rule.name:
            message = f"the session says {fields['loss']}, and the rule is {loss.rule.name}"
            raise JournalError(message)
        lost = replace(
            state,
            sessions=state.sessions + 1,
            done=without(state.done, loss.undone),
            begun=None,
            held=frozenset(),
            owed=loss.owed,
            losses=(*state.losses, loss.rule),
        )
        return self.listing.lost(state, lost, loss.rule)

    def _begin(self, state: State, fields: Mapping[str, Any]) -> State:
        step = self._due(state, fields["step"])
        if state.begun:
            message = f"the step {state.begun} has not ended"
            raise JournalError(message)
        if reasons := self.shut(state, step):
            message = f"the step {step.id} may not begin: {'; '.join(reasons)}"
            raise JournalError(message)
        return self.listing.begun(replace(state, begun=step.id), step)

    def _end(self, state: State, fields: Mapping[str, Any]) -> State:
        step = self._due(state, fields["step"])
        self._require_begun(state, step)
        facts: Mapping[str, Any] = fields["facts"]
        state = replace(state, begun=None, held=held_after(state, step))
        if step.action in {Action.BAG, Action.BAG_AGAIN, Action.BAG_OLD}:
            state = _with_bags(state, step, new_bags(self.listing.policy_of(state, step), state, step, facts))
        state = replace(state, opened=_opened(state, step, facts))
        if step is state.owed:
            return self.listing.after_contingency(replace(state, owed=None), step, facts)
        if step.action is Action.SETTLE and state.open_incidents:
            message = f"exception {numbers_text(state.open_incidents)} has no disposition"
            raise JournalError(message)
        for message in self.listing.wrong(state, step, facts):
            raise JournalError(message)
        done = {**state.done, step.id: facts}
        return replace(state, done=done, ended=step is self.steps[-1])

    def _fail(self, state: State, fields: Mapping[str, Any]) -> State:
        step = self._due(state, fields["step"])
        self._require_begun(state, step)
        state = replace(state, begun=None)
        again = fields["again"]
        return state if again is None else self.listing.again(state, step, again)

    def _exception(self, state: State, fields: Mapping[str, Any]) -> State:
        touches = tuple(fields["touches"])
        if unknown := set(touches) - set(TOUCHES):
            message = f"an exception touches {', '.join(TOUCHES)}, and not {', '.join(map(str, unknown))}"
            raise JournalError(message)
        found = Incident(fields["expected"], fields["happened"], fields["done"], touches, state.begun)
        return with_incident(state, found)

    def _settle(self, state: State, fields: Mapping[str, Any]) -> State:
        number, disposition, reason = fields["exception"], fields["disposition"], fields["reason"]
        if number not in state.open_incidents or disposition not in DISPOSITIONS or not reason.strip():
            message = f"exception {number} is not there, or is settled, or its disposition or the reason is missing"
            raise JournalError(message)
        if disposition == ABORT and not state.aborting:
            message = f"exception {number} is said to have ended the ceremony, and the ceremony is not being aborted"
            raise JournalError(message)
        settled = list(state.incidents)
        settled[number - 1] = replace(settled[number - 1], disposition=disposition, reason=reason)
        return replace(state, incidents=tuple(settled))

    def _abort(self, state: State, fields: Mapping[str, Any]) -> State:
        if not fields["reason"].strip() or state.aborting or self.listing.last_abort in state.done:
            message = f"a ceremony is aborted once, with a reason, before the step {self.listing.last_abort}"
            raise JournalError(message)
        state = self.listing.aborted(state)
        return replace(state, aborting=True, abort_reason=fields["reason"], begun=None, held=frozenset())

    def _due(self, state: State, name: str) -> Step:
        step = self.next(state)
        if not step or step.id != name:
            message = f"the step {name} is not due: {step.id if step else 'nothing'} is"
            raise JournalError(message)
        return step

    def _require_begun(self, state: State, step: Step) -> None:
        if state.begun != step.id:
            message = f"the step {step.id} has not begun"
            raise JournalError(message)


def _opened(state: State, step: Step, facts: Mapping[str, Any]) -> frozenset[Position]:
    """The sheets that are out of their bags after a step."""
    if step.action in {Action.BAG_AGAIN, Action.BAG_OLD}:
        return frozenset()
    if step.action in {Action.PROVE_QUORUM, Action.READ_QUORUM, Action.READ_GROUP, Action.READ_ONE}:
        return state.opened | {Position(*pair) for pair in facts["positions"]}
    return state.opened


def _with_bags(state: State, step: Step, bags: Mapping[str, Position]) -> State:
    if step.action is Action.BAG_OLD:
        return replace(state, old_bags={**state.old_bags, **bags})
    return replace(state, bags={**state.bags, **bags}, bagged=state.bagged | set(bags.values()))
