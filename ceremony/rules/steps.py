"""What a step is: who does it, what must hold before (`requires`) and what holds after (`provides`).

Each kind of ceremony has one list of them; from it come the script, the runner, the transcript and the audit. What is
said and expected stands in `templates/steps.toml`. `checker.check` proves that a list adds up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from escrow.policy import Position

PRIVATE_KEYS, SHARES = "private keys in memory", "shares in memory"
PROVED_KEYS, HANDOVER = "private keys from paper in memory", "passwords of the online CA in memory"
OLD_SHARES = "shares of the old set in memory"
VOLATILE = frozenset({PRIVATE_KEYS, SHARES, PROVED_KEYS, HANDOVER, OLD_SHARES})
"""Facts that end with the program. Every other one is in the journal, on paper, or with people."""

CLOSED = "closed"


class Act(Enum):
    """The parts of ceremonies, in the order in which they come in any list. The value names them in the template."""

    ROOM = "room"
    MACHINE = "machine"
    PREFLIGHT = "preflight"
    OPEN = "open"
    BRIEF = "brief"
    LOSS = "loss"
    CALLED = "called"
    KEYS = "keys"
    ISSUE = "issue"
    SEAL = "seal"
    CUSTODIANS = "custodians"
    PROOF = "proof"
    DRAFT = "draft"
    SHOW = "show"
    QUORUM = "quorum"
    SIGN = "sign"
    AGAIN = "again"
    RESTORE = "restore"
    BAGS = "bags"
    JUDGE = "judge"
    HANDOVER = "handover"
    SUPERSEDE = "supersede"
    ZEROIZE = "zeroize"
    DESTRUCTION = "destruction"
    CLOSE = "close"


class Action(Enum):
    """What the program does in a step. A step without one is done by people, who say when it is done."""

    COMPARE_PLAN = "compare the plan"
    PREFLIGHT = "preflight"
    TEST_PAGE = "print a test page and read it back"
    OPEN = "open the ceremony"
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
    MAKE_ONLINE = "make, write and read back the tree of the online CA"
    HAND_OVER = "print the handover sheet and read it back"
    BAG_HANDOVER = "note the bag of the handover sheet"
    COPY_PACKAGE = "write and read back a copy of the package"
    SETTLE = "settle exceptions"
    ZEROIZE = "wipe everything secret"
    CLOSE = "close the ceremony"
    DESTROY = "destroy sheets"
    GATHER = "gather a quorum from paper"
    DRAFT = "show and lint what is to be signed"
    READ_QUORUM = "read a quorum from paper"
    UNLOCK = "open the package"
    SIGN = "sign with the root's key, and check"
    OUTCOME = "write what was signed, and the inventory"
    DELIVER = "write and read back a copy of what was signed"
    BRIEF = "show the scenario of a drill"
    WHICH_COPY = "note which copy of the package is used"
    CALL = "note whether a custodian was reached"
    SHOW_BAG = "compare the number of a closed bag"
    READ_ONE = "read one sheet and judge it"
    PROVE_KEYS = "open the package and prove every key"
    TRY_CA = "start a scratch CA and have it issue"
    JUDGE = "judge a drill"
    TELL_LOSS = "say which share was lost"
    READ_GROUP = "read sheets of one group from paper"
    PRINT_AGAIN = "print label and receipts of one share"
    DESTROY_SHEET = "destroy one sheet"
    CALLED = "show what was called for"
    SHOW_SET = "show the words of the set"
    RESTORE = "write what is restored"
    SHOW_OLD = "show the set that is to be superseded"
    TAKE_KEYS = "open the old package and take its keys over"
    BAG_OLD = "note the bags of the old sheets"
    SUPERSEDE = "note that the old set is superseded"
    DESTROY_OLD = "print the certificates of destruction"


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


def number(listed: Iterable[Step]) -> tuple[Step, ...]:
    """Number steps by act, from 0, and by place in it, from 1."""
    numbered: list[Step] = []
    acts: list[Act] = []
    place = 0
    for step in listed:
        acts = acts if acts[-1:] == [step.act] else [*acts, step.act]
        place = place + 1 if numbered and numbered[-1].act is step.act else 1
        numbered.append(replace(step, number=f"{len(acts) - 1}.{place}"))
    return tuple(numbered)


def of_share(verb: str, position: Position) -> str:
    """The id of a step for one share."""
    return f"{verb} {key_of(position)}"


def key_of(position: Position) -> str:
    """What stands for a share in steps' ids and in the journal, with or without groups. People see its name."""
    return f"{position.group}.{position.x}"


def position_of(key: str) -> Position:
    """The inverse of `key_of`. Raises ValueError or TypeError for what it did not make."""
    return Position(*map(int, key.split(".")))


def step_of(  # noqa: PLR0913, PLR0917 - what a step has
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
    """A step that is of no share and no copy."""
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
