"""The ceremony's rules: given the journal so far, what comes next. No input, no output, no clock, no secret.

The state is the fold of the journal's entries. The rules, each tested over every prefix of a journal and over random
walks:

- Steps are done in their order; what a step requires holds when it begins.
- A new session of the program means that its memory was lost: `loss.after_loss` says what is done again, what is void,
  and which contingency comes first.
- Nothing irreversible begins while its gate is shut. The gate of zeroizing: every sheet was read back, every bag has
  a number of its own, a quorum was proved from paper, every exception has a disposition.
- A ceremony is closed by its last step, or aborted: then sheets that came out are destroyed before it ends.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ceremony.rules.bags import new_bags
from ceremony.rules.loss import Loss, Rule, after_loss, enough_to_go_on
from ceremony.rules.state import ABORT, DISPOSITIONS, TOUCHES, Incident, State
from ceremony.rules.steps import DESTROY_SHEETS, GATHER_QUORUM, PRIVATE_KEYS, VOLATILE, Act, Action, Step, of_share
from ceremony.run.journal import Entry, JournalError
from escrow.policy import Policy, Position


class Engine:
    """The rules over one list of steps."""

    def __init__(self, listed: Sequence[Step], policy: Policy) -> None:
        self.steps = tuple(listed)
        self.policy = policy
        self._by_id = {step.id: step for step in self.steps}

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
        if step.action is Action.ZEROIZE:
            return tuple(self._not_ready_to_zeroize(state))
        if step is self.steps[-1] and state.open_incidents:
            return (f"exception {_numbers(state.open_incidents)} has no disposition",)
        return ()

    def loss(self, state: State) -> Loss:
        """What it would mean if the program's memory were lost now."""
        return after_loss(self.steps, self.policy, set(state.done), state.held, came_out=state.came_out)

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
            done={name: facts for name, facts in state.done.items() if name not in loss.undone},
            begun=None,
            held=frozenset(),
            owed=loss.owed or (state.owed if state.owed is DESTROY_SHEETS else None),
            losses=(*state.losses, loss.rule),
        )
        if loss.rule in {Rule.KEYS_GONE, Rule.VOID}:
            lost = _again_from_keys(state, lost)
        if loss.rule is Rule.ZEROIZED:
            found = Incident("", "", "", ("availability",), None, rule=Rule.ZEROIZED)
            lost = _with_incident(lost, found)
        return lost

    def _begin(self, state: State, fields: Mapping[str, Any]) -> State:
        step = self._due(state, fields["step"])
        if state.begun:
            message = f"the step {state.begun} has not ended"
            raise JournalError(message)
        if reasons := self.shut(state, step):
            message = f"the step {step.id} may not begin: {'; '.join(reasons)}"
            raise JournalError(message)
        printed = state.printed | {step.position} if step.action is Action.PRINT and step.position else state.printed
        papers = state.papers or step.action is Action.PRINT_PAPERS
        return replace(state, begun=step.id, printed=printed, papers=papers)

    def _end(self, state: State, fields: Mapping[str, Any]) -> State:
        step = self._due(state, fields["step"])
        self._require_begun(state, step)
        facts: Mapping[str, Any] = fields["facts"]
        state = replace(state, begun=None, held=(state.held | step.provides & VOLATILE) - step.wipes)
        if step is state.owed:
            return self._after_contingency(replace(state, owed=None), step, facts)
        if step.action in {Action.BAG, Action.BAG_AGAIN}:
            state = _with_bags(state, new_bags(self.policy, state, step, facts))
        if step.action is Action.SETTLE and state.open_incidents:
            message = f"exception {_numbers(state.open_incidents)} has no disposition"
            raise JournalError(message)
        self._check(state, step, facts)
        done = {**state.done, step.id: facts}
        return replace(state, done=done, ended=step is self.steps[-1])

    def _check(self, state: State, step: Step, facts: Mapping[str, Any]) -> None:
        """What the proof of a ceremony rests on is looked at, and not only that the step was done."""
        if step.action is Action.PROVE_QUORUM and self.policy.missing([Position(*pair) for pair in facts["positions"]]):
            message = "what was read from paper is no quorum"
            raise JournalError(message)
        if step.action is Action.COPY_PACKAGE and facts["sha256"] != state.done["seal"]["package"]:
            message = f"the copy {step.copy} is not of the package that was sealed"
            raise JournalError(message)

    def _fail(self, state: State, fields: Mapping[str, Any]) -> State:
        step = self._due(state, fields["step"])
        self._require_begun(state, step)
        again = fields["again"]
        if again is None:
            return replace(state, begun=None)
        if not step.position or again != of_share("print", step.position) or again not in state.done:
            message = f"after {step.id} failed, {again!r} cannot be done again"
            raise JournalError(message)
        undone = {name for name in state.done if self._by_id[name].position == step.position}
        return self._print_again(replace(state, begun=None, done=_without(state.done, undone)))

    def _print_again(self, state: State) -> State:
        """Only the session that made the keys has every share; another one makes them again from paper, if it can."""
        if PRIVATE_KEYS in state.held:
            return state
        on_paper = [p for p in self.policy.positions if of_share("print", p) in state.done]
        if enough_to_go_on(self.policy, set(state.done), on_paper):
            return replace(state, owed=GATHER_QUORUM)
        undone = {step.id for step in self.steps if Act.KEYS.value <= step.act.value <= Act.PROOF.value}
        void = replace(
            state,
            done=_without(state.done, undone),
            held=frozenset(),
            owed=DESTROY_SHEETS,
            losses=(*state.losses, Rule.VOID),
        )
        return _again_from_keys(state, void)

    def _exception(self, state: State, fields: Mapping[str, Any]) -> State:
        touches = tuple(fields["touches"])
        if unknown := set(touches) - set(TOUCHES):
            message = f"an exception touches {', '.join(TOUCHES)}, and not {', '.join(map(str, unknown))}"
            raise JournalError(message)
        found = Incident(fields["expected"], fields["happened"], fields["done"], touches, state.begun)
        return _with_incident(state, found)

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
        if not fields["reason"].strip() or state.aborting or "zeroize" in state.done:
            message = "a ceremony is aborted once, with a reason, before zeroizing"
            raise JournalError(message)
        sealed = "seal" in state.done
        return replace(
            state,
            aborting=True,
            abort_reason=fields["reason"],
            begun=None,
            held=frozenset(),
            owed=DESTROY_SHEETS if state.came_out or state.owed is DESTROY_SHEETS else None,
            void_sets=(*state.void_sets, state.done["seal"]["set_id"]) if sealed else state.void_sets,
            never_use=(*state.never_use, *_fingerprints(state)),
        )

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

    def _after_contingency(self, state: State, step: Step, facts: Mapping[str, Any]) -> State:
        if step.action is Action.DESTROY:
            if {Position(*position) for position in facts["sheets"]} != state.printed:
                message = "not every sheet that came out was destroyed"
                raise JournalError(message)
            return replace(state, printed=frozenset(), papers=False)
        read = [Position(*position) for position in facts["positions"]]
        if self.policy.missing(read) or not enough_to_go_on(self.policy, set(state.done), read):
            message = "what was read is not enough to make the missing shares again"
            raise JournalError(message)
        # Their bags were opened: each goes into a new one, and its receipt is made out again.
        undone = {of_share(verb, position) for position in read for verb in ("bag", "receipt")}
        return replace(state, done=_without(state.done, undone))

    def _not_ready_to_zeroize(self, state: State) -> Iterable[str]:
        for position in self.policy.positions:
            for verb, what in (("read-back", "was not read back"), ("bag", "has no bag number")):
                if of_share(verb, position) not in state.done:
                    yield f"the sheet of share {self.policy.name_of(position)} {what}"
        if "quorum" not in state.done:
            yield "no quorum was proved from paper"
        if state.open_incidents:
            yield f"exception {_numbers(state.open_incidents)} has no disposition"


def _again_from_keys(before: State, state: State) -> State:
    sealed = before.done.get("seal")
    return replace(
        state,
        attempt=state.attempt + 1,
        bagged=frozenset(),
        void_sets=(*state.void_sets, sealed["set_id"]) if sealed else state.void_sets,
        never_use=(*state.never_use, *_fingerprints(before)),
    )


def _fingerprints(state: State) -> Sequence[str]:
    """Of the keys that were generated and are lost; imported ones live on elsewhere."""
    facts = state.done.get("keys", {})
    return tuple(facts["fingerprints"]) if facts.get("generated") else ()


def _with_incident(state: State, found: Incident) -> State:
    """Add an exception. Settling comes again, if it was done."""
    return replace(state, incidents=(*state.incidents, found), done=_without(state.done, {"settle"}))


def _with_bags(state: State, bags: Mapping[str, Position]) -> State:
    return replace(state, bags={**state.bags, **bags}, bagged=state.bagged | set(bags.values()))


def _without(done: Mapping[str, Mapping[str, Any]], undone: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    gone = set(undone)
    return {name: facts for name, facts in done.items() if name not in gone}


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
