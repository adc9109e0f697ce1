"""The steps that every ceremony begins and ends with."""

from collections.abc import Iterator

from ceremony.rules.steps import CLOSED, VOLATILE, Act, Action, Step, step_of


def opening() -> Iterator[Step]:
    """From the room to the journal's head after the opening."""
    yield step_of("room", Act.ROOM, "officer-1", [], ["room checked"], beforehand=True)
    yield step_of("people", Act.ROOM, "witnesses", ["room checked"], ["people identified"], beforehand=True)
    yield step_of("rules", Act.ROOM, "officer-1", ["people identified"], ["rules read"], beforehand=True)
    yield step_of("materials", Act.MACHINE, "officer-2", ["rules read"], ["materials compared"], beforehand=True)
    yield step_of("start", Act.MACHINE, "officer-1", ["materials compared"], ["machine started"], each_session=True)
    yield step_of(
        "plan",
        Act.PREFLIGHT,
        "officer-1",
        ["machine started"],
        ["plan compared"],
        Action.COMPARE_PLAN,
        each_session=True,
    )
    yield step_of(
        "preflight", Act.PREFLIGHT, "officer-1", ["plan compared"], ["machine fit"], Action.PREFLIGHT, each_session=True
    )
    yield step_of("test-page", Act.PREFLIGHT, "officer-2", ["machine fit"], ["printer proven"], Action.TEST_PAGE)
    yield step_of(
        "open", Act.OPEN, "officers", ["machine fit", "printer proven"], ["open"], Action.OPEN, each_session=True
    )
    yield step_of(
        "head-open", Act.OPEN, "witnesses", ["open"], ["opening head written"], Action.WRITE_HEAD, each_session=True
    )


def ending() -> Iterator[Step]:
    """From the settling of exceptions to the end."""
    yield step_of("settle", Act.ZEROIZE, "officer-1", ["copies handed over"], ["exceptions settled"], Action.SETTLE)
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
    yield step_of("waste", Act.ZEROIZE, "officer-2", ["zeroized"], ["waste destroyed"])
    yield step_of(
        "head-close", Act.CLOSE, "witnesses", ["waste destroyed"], ["closing head written"], Action.WRITE_HEAD
    )
    yield step_of("sign", Act.CLOSE, "everybody", ["closing head written"], ["signed"])
    yield step_of("close", Act.CLOSE, "officers", ["signed"], [CLOSED], Action.CLOSE)
