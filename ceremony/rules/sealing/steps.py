"""The steps of the ceremony that makes or imports a CA, seals its keys and gives the shares to their custodians."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum

from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import (
    HANDOVER,
    PRIVATE_KEYS,
    PROVED_KEYS,
    SHARES,
    VOLATILE,
    Act,
    Action,
    Step,
    number,
    of_share,
    step_of,
)
from escrow.policy import Policy, Position

DESTROY_SHEETS = Step(
    "destroy-sheets", Act.SEAL, "officers", frozenset(), frozenset(), Action.DESTROY, irreversible=True, number="R1"
)
GATHER_QUORUM = Step(
    "gather-quorum", Act.CUSTODIANS, "officers", frozenset(), frozenset({SHARES}), Action.GATHER, number="R2"
)
CONTINGENCIES = (DESTROY_SHEETS, GATHER_QUORUM)
"""What only a loss calls for; `rules` says when."""


class Online(Enum):
    """What becomes of the passwords of the online CA's tree, if the ceremony makes one."""

    SHEET = "they are printed on a handover sheet"
    RECIPIENT = "they are encrypted to a public key"


def steps(policy: Policy, copies: int, online: Online | None = None) -> tuple[Step, ...]:
    """All steps of a ceremony that seals by a policy and keeps so many copies of the package, numbered, in order.

    The tree of the online CA, if there is to be one, is made of what the quorum's proof gives back from paper.
    """
    kept = [*proof(policy, copies, online), *settling(Act.ZEROIZE, "copies handed over")]
    end = [*zeroizing("exceptions settled"), *clearing(Act.ZEROIZE, "zeroized"), *closing("waste destroyed")]
    return number([*opening(printer=True), *_keys(), *sealing("keys made"), *custodians(policy), *kept, *end])


def _keys() -> Iterator[Step]:
    yield step_of("announce-keys", Act.KEYS, "officer-1", ["opening head written"], ["keys announced"])
    yield step_of(
        "keys",
        Act.KEYS,
        "officer-1",
        ["keys announced"],
        [PRIVATE_KEYS, "keys made"],
        Action.MAKE_KEYS,
        irreversible=True,
    )


def sealing(after: str) -> Iterator[Step]:
    """Certificates are compared, the keys sealed, and what goes with the sheets printed."""
    yield step_of(
        "certificates",
        Act.ISSUE,
        "witnesses",
        [after, PRIVATE_KEYS],
        ["certificates compared"],
        Action.ISSUE,
    )
    yield step_of(
        "seal", Act.SEAL, "officer-1", ["certificates compared", PRIVATE_KEYS], ["sealed", SHARES], Action.SEAL
    )
    yield step_of("head-seal", Act.SEAL, "witnesses", ["sealed"], ["sealing head written"], Action.WRITE_HEAD)
    yield step_of(
        "papers", Act.SEAL, "officer-2", ["sealed", "sealing head written"], ["papers printed"], Action.PRINT_PAPERS
    )


def custodians(policy: Policy) -> Iterator[Step]:
    """One share after the other: printed, read back, bagged, signed for."""
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
            return replace(step_of(name, Act.CUSTODIANS, who, requires, [provides], action), position=position)

        def fact(what: str, position: Position = position) -> str:
            return of_share(what, position)

        # One custodian after the other: whoever is at the printer is there alone.
        yield step("print", "custodian", [turn, SHARES], fact("printed"), Action.PRINT)
        yield step("read-back", "custodian", [fact("printed")], fact("read back"), Action.READ_BACK)
        yield step("bag", "custodian", [fact("read back")], fact("bagged"), Action.BAG)
        yield step("receipt", "witnesses", [fact("bagged")], fact("receipt signed"))
        turn = fact("receipt signed")


def proof(policy: Policy, copies: int, online: Online | None = None) -> Iterator[Step]:
    """A quorum from paper opens the package; what is made of that; copies of the package."""
    kept = [of_share("receipt signed", position) for position in policy.positions]
    proved = ["quorum proved", *([PROVED_KEYS] if online else [])]
    yield step_of("quorum", Act.PROOF, "officer-2", ["sealed", *kept], proved, Action.PROVE_QUORUM)
    yield step_of("bag-again", Act.PROOF, "witnesses", ["quorum proved"], ["bagged again"], Action.BAG_AGAIN)
    turn = "bagged again"
    if online:
        yield from _online(online)
        turn = "online CA handed over"
    for copy in range(1, copies + 1):
        done = f"copy {copy} read back"
        made = step_of(f"copy {copy}", Act.PROOF, "officer-2", ["sealed", turn], [done], Action.COPY_PACKAGE)
        yield replace(made, copy=copy)
        turn = done
    yield step_of("copies", Act.PROOF, "witnesses", [turn], ["copies handed over"])


def _online(online: Online) -> Iterator[Step]:
    """Early, because whoever loses power before its end proves the quorum from paper once more."""
    needs, done = ["bagged again", PROVED_KEYS], "online CA handed over"
    if online is Online.RECIPIENT:
        yield step_of("online", Act.PROOF, "officer-2", needs, [done], Action.MAKE_ONLINE, wipes=[PROVED_KEYS])
        return
    made = ["online tree read back", HANDOVER]
    yield step_of("online", Act.PROOF, "officer-2", needs, made, Action.MAKE_ONLINE, wipes=[PROVED_KEYS])
    yield step_of(
        "handover", Act.PROOF, "officer-1", made, ["handover sheet proved"], Action.HAND_OVER, wipes=[HANDOVER]
    )
    yield step_of("handover-bag", Act.PROOF, "officer-1", ["handover sheet proved"], [done], Action.BAG_HANDOVER)


def zeroizing(after: str) -> Iterator[Step]:
    """Everything secret is wiped."""
    yield step_of("announce-zeroize", Act.ZEROIZE, "officer-1", [after], ["zeroizing announced"])
    yield step_of(
        "zeroize",
        Act.ZEROIZE,
        "officers",
        ["zeroizing announced", "quorum proved"],
        ["zeroized"],
        Action.ZEROIZE,
        wipes=VOLATILE,
        irreversible=True,
    )
