"""The steps of the ceremony that makes or imports a CA, seals its keys and gives the shares to their custodians."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ceremony.rules.shared import clearing, closing, opening, settling
from ceremony.rules.steps import PRIVATE_KEYS, SHARES, VOLATILE, Act, Action, Step, number, of_share, step_of
from escrow.policy import Policy, Position

DESTROY_SHEETS = Step(
    "destroy-sheets", Act.SEAL, "officers", frozenset(), frozenset(), Action.DESTROY, irreversible=True, number="R1"
)
GATHER_QUORUM = Step(
    "gather-quorum", Act.CUSTODIANS, "officers", frozenset(), frozenset({SHARES}), Action.GATHER, number="R2"
)
CONTINGENCIES = (DESTROY_SHEETS, GATHER_QUORUM)
"""What only a loss calls for; `rules` says when."""


def steps(policy: Policy, copies: int) -> tuple[Step, ...]:
    """All steps of a ceremony that seals by a policy and keeps so many copies of the package, numbered, in order."""
    return number([*opening(printer=True), *_keys(), *_custodians(policy), *_proof(policy, copies), *_end()])


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
    yield step_of(
        "certificates",
        Act.ISSUE,
        "witnesses",
        ["keys made", PRIVATE_KEYS],
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
            return replace(step_of(name, Act.CUSTODIANS, who, requires, [provides], action), position=position)

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
    yield step_of("quorum", Act.PROOF, "officer-2", ["sealed", *kept], ["quorum proved"], Action.PROVE_QUORUM)
    yield step_of("bag-again", Act.PROOF, "witnesses", ["quorum proved"], ["bagged again"], Action.BAG_AGAIN)
    turn = "bagged again"
    for copy in range(1, copies + 1):
        done = f"copy {copy} read back"
        made = step_of(f"copy {copy}", Act.PROOF, "officer-2", ["sealed", turn], [done], Action.COPY_PACKAGE)
        yield replace(made, copy=copy)
        turn = done
    yield step_of("copies", Act.PROOF, "witnesses", [turn], ["copies handed over"])


def _end() -> Iterator[Step]:
    yield from settling(Act.ZEROIZE, "copies handed over")
    yield step_of("announce-zeroize", Act.ZEROIZE, "officer-1", ["exceptions settled"], ["zeroizing announced"])
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
    yield from clearing(Act.ZEROIZE, "zeroized")
    yield from closing("waste destroyed")
