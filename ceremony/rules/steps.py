"""The ceremony's one list of steps. From it come the script, the runner, the transcript and the audit.

What a step is, who does it, what must hold before (`requires`) and what holds after (`provides`) stands here; what
is said and expected stands in `templates/steps.toml`. `checker.check` proves that the list adds up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from escrow.policy import Policy, Position

PRIVATE_KEYS, SHARES = "private keys in memory", "shares in memory"
VOLATILE = frozenset({PRIVATE_KEYS, SHARES})
"""Facts that end with the program. Every other one is in the journal, on paper, or with people."""

CLOSED = "closed"


class Act(Enum):
    """The parts of a ceremony, by number."""

    ROOM = 0
    MACHINE = 1
    PREFLIGHT = 2
    OPEN = 3
    KEYS = 4
    ISSUE = 5
    SEAL = 6
    CUSTODIANS = 7
    PROOF = 8
    ZEROIZE = 9
    CLOSE = 10


class Action(Enum):
    """What the program does in a step. A step without one is done by people, who say when it is done."""

    COMPARE_PLAN = "compare the plan"
    PREFLIGHT = "preflight"
    TEST_PAGE = "print a test page and read it back"
    OPEN = "open"
    WRITE_HEAD = "show the journal's head"
    MAKE_KEYS = "make or import the keys"
    ISSUE = "issue and compare the certificates"
    SEAL = "seal and split"
    PRINT_PAPERS = "print what goes with the sheets"
    PRINT = "print a sheet"
    READ_BACK = "read a sheet back"
    BAG = "note a bag"
    PROVE_QUORUM = "recombine from paper"
    BAG_AGAIN = "note new bags"
    COPY_PACKAGE = "write and read back a copy of the package"
    SETTLE = "settle exceptions"
    ZEROIZE = "zeroize"
    CLOSE = "close"
    DESTROY = "destroy sheets"
    GATHER = "gather a quorum from paper"


@dataclass(frozen=True)
class Step:
    """One step. `number` is what stands on paper: act and place; R and place for a step that only a loss calls for.

    `wipes` are volatile facts that it ends. What is `irreversible` needs a typed phrase. `each_session` steps are
    done again whenever the program is started again. What is done `beforehand` is over when the program is started:
    it is only confirmed, with the time that stands in the script.
    """

    id: str
    act: Act
    who: str
    requires: frozenset[str]
    provides: frozenset[str]
    action: Action | None = None
    wipes: frozenset[str] = frozenset()
    irreversible: bool = False
    each_session: bool = False
    beforehand: bool = False
    position: Position | None = None
    copy: int | None = None
    number: str = ""

    @property
    def verb(self) -> str:
        """The name that its words have in the template: the id without the share or copy."""
        return self.id.partition(" ")[0]


def steps(policy: Policy, copies: int) -> tuple[Step, ...]:
    """All steps of a ceremony that seals by a policy and keeps so many copies of the package, numbered, in order."""
    return number([*_opening(), *_sealing(), *_custodians(policy), *_proof(policy, copies), *_end()])


def number(listed: Iterable[Step]) -> tuple[Step, ...]:
    """Number steps by act and place."""
    numbered: list[Step] = []
    act, place = None, 0
    for step in listed:
        act, place = step.act, place + 1 if step.act is act else 1
        numbered.append(replace(step, number=f"{act.value}.{place}"))
    return tuple(numbered)


DESTROY_SHEETS = Step(
    "destroy-sheets", Act.SEAL, "officers", frozenset(), frozenset(), Action.DESTROY, irreversible=True, number="R1"
)
GATHER_QUORUM = Step(
    "gather-quorum", Act.CUSTODIANS, "officers", frozenset(), frozenset({SHARES}), Action.GATHER, number="R2"
)
CONTINGENCIES = (DESTROY_SHEETS, GATHER_QUORUM)
"""What only a loss calls for; `loss` says when."""


def of_share(verb: str, position: Position) -> str:
    """The id of a step for one share."""
    return f"{verb} {key_of(position)}"


def key_of(position: Position) -> str:
    """What stands for a share in steps' ids and in the journal, with or without groups. People see its name."""
    return f"{position.group}.{position.x}"


def position_of(key: str) -> Position:
    """The inverse of `key_of`. Raises ValueError or TypeError for what it did not make."""
    return Position(*map(int, key.split(".")))


def _step(  # noqa: PLR0913, PLR0917 - what a step has
    name: str,
    act: Act,
    who: str,
    requires: Iterable[str],
    provides: Iterable[str],
    action: Action | None = None,
    *,
    wipes: Iterable[str] = (),
    irreversible: bool = False,
    each_session: bool = False,
    beforehand: bool = False,
) -> Step:
    return Step(
        name,
        act,
        who,
        frozenset(requires),
        frozenset(provides),
        action,
        frozenset(wipes),
        irreversible=irreversible,
        each_session=each_session,
        beforehand=beforehand,
    )


def _opening() -> Iterator[Step]:
    yield _step("room", Act.ROOM, "officer-1", [], ["room checked"], beforehand=True)
    yield _step("people", Act.ROOM, "witnesses", ["room checked"], ["people identified"], beforehand=True)
    yield _step("rules", Act.ROOM, "officer-1", ["people identified"], ["rules read"], beforehand=True)
    yield _step("materials", Act.MACHINE, "officer-2", ["rules read"], ["materials compared"], beforehand=True)
    yield _step("start", Act.MACHINE, "officer-1", ["materials compared"], ["machine started"], each_session=True)
    yield _step(
        "plan",
        Act.PREFLIGHT,
        "officer-1",
        ["machine started"],
        ["plan compared"],
        Action.COMPARE_PLAN,
        each_session=True,
    )
    yield _step(
        "preflight", Act.PREFLIGHT, "officer-1", ["plan compared"], ["machine fit"], Action.PREFLIGHT, each_session=True
    )
    yield _step("test-page", Act.PREFLIGHT, "officer-2", ["machine fit"], ["printer proven"], Action.TEST_PAGE)
    yield _step(
        "open", Act.OPEN, "officers", ["machine fit", "printer proven"], ["open"], Action.OPEN, each_session=True
    )
    yield _step(
        "head-open", Act.OPEN, "witnesses", ["open"], ["opening head written"], Action.WRITE_HEAD, each_session=True
    )


def _sealing() -> Iterator[Step]:
    yield _step("announce-keys", Act.KEYS, "officer-1", ["opening head written"], ["keys announced"])
    yield _step(
        "keys",
        Act.KEYS,
        "officer-1",
        ["keys announced"],
        [PRIVATE_KEYS, "keys made"],
        Action.MAKE_KEYS,
        irreversible=True,
    )
    yield _step(
        "certificates",
        Act.ISSUE,
        "witnesses",
        ["keys made", PRIVATE_KEYS],
        ["certificates compared"],
        Action.ISSUE,
    )
    yield _step("seal", Act.SEAL, "officer-1", ["certificates compared", PRIVATE_KEYS], ["sealed", SHARES], Action.SEAL)
    yield _step("head-seal", Act.SEAL, "witnesses", ["sealed"], ["sealing head written"], Action.WRITE_HEAD)
    yield _step(
        "papers", Act.SEAL, "officer-2", ["sealed", "sealing head written"], ["papers printed"], Action.PRINT_PAPERS
    )


def _custodians(policy: Policy) -> Iterator[Step]:
    turn = "papers printed"
    for position in policy.positions:

        def step(  # noqa: PLR0913, PLR0917 - what a step has
            verb: str,
            who: str,
            requires: Iterable[str],
            provides: str,
            action: Action | None = None,
            position: Position = position,
        ) -> Step:
            name = of_share(verb, position)
            return replace(_step(name, Act.CUSTODIANS, who, requires, [provides], action), position=position)

        def fact(what: str, position: Position = position) -> str:
            return of_share(what, position)

        # One custodian after the other: whoever is at the printer is there alone.
        yield step("print", "custodian", [turn, SHARES], fact("printed"), Action.PRINT)
        yield step("read-back", "custodian", [fact("printed")], fact("read back"), Action.READ_BACK)
        yield step("bag", "custodian", [fact("read back")], fact("bagged"), Action.BAG)
        yield step("receipt", "witnesses", [fact("bagged")], fact("receipt signed"))
        turn = fact("receipt signed")


def _proof(policy: Policy, copies: int) -> Iterator[Step]:
    kept = [of_share("receipt signed", position) for position in policy.positions]
    yield _step("quorum", Act.PROOF, "officer-2", ["sealed", *kept], ["quorum proved"], Action.PROVE_QUORUM)
    yield _step("bag-again", Act.PROOF, "witnesses", ["quorum proved"], ["bagged again"], Action.BAG_AGAIN)
    turn = "bagged again"
    for copy in range(1, copies + 1):
        done = f"copy {copy} read back"
        made = _step(f"copy {copy}", Act.PROOF, "officer-2", ["sealed", turn], [done], Action.COPY_PACKAGE)
        yield replace(made, copy=copy)
        turn = done
    yield _step("copies", Act.PROOF, "witnesses", [turn], ["copies handed over"])


def _end() -> Iterator[Step]:
    yield _step("settle", Act.ZEROIZE, "officer-1", ["copies handed over"], ["exceptions settled"], Action.SETTLE)
    yield _step("announce-zeroize", Act.ZEROIZE, "officer-1", ["exceptions settled"], ["zeroizing announced"])
    yield _step(
        "zeroize",
        Act.ZEROIZE,
        "officers",
        ["zeroizing announced", "quorum proved"],
        ["zeroized"],
        Action.ZEROIZE,
        wipes=VOLATILE,
        irreversible=True,
    )
    yield _step("waste", Act.ZEROIZE, "officer-2", ["zeroized"], ["waste destroyed"])
    yield _step("head-close", Act.CLOSE, "witnesses", ["waste destroyed"], ["closing head written"], Action.WRITE_HEAD)
    yield _step("sign", Act.CLOSE, "everybody", ["closing head written"], ["signed"])
    yield _step("close", Act.CLOSE, "officers", ["signed"], [CLOSED], Action.CLOSE)
