"""The steps that every ceremony begins and ends with."""

from collections.abc import Iterator

from ceremony.rules.steps import CLOSED, Act, Action, Step, step_of


def opening(*, printer: bool) -> Iterator[Step]:
    """From the room to the journal's head after the opening; the `printer` is proved where something is printed."""
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
    if printer:
        yield step_of("test-page", Act.PREFLIGHT, "officer-2", ["machine fit"], ["printer proven"], Action.TEST_PAGE)
    fit = ["machine fit", "printer proven"] if printer else ["machine fit"]
    yield step_of("open", Act.OPEN, "officers", fit, ["open"], Action.OPEN, each_session=True)
    yield step_of(
        "head-open", Act.OPEN, "witnesses", ["open"], ["opening head written"], Action.WRITE_HEAD, each_session=True
    )


def settling(act: Act, after: str) -> Iterator[Step]:
    """Every exception gets its disposition."""
    yield step_of("settle", act, "officer-1", [after], ["exceptions settled"], Action.SETTLE)


def clearing(act: Act, after: str) -> Iterator[Step]:
    """Nothing is left in the room."""
    yield step_of("waste", act, "officer-2", [after], ["waste destroyed"])


def closing(after: str) -> Iterator[Step]:
    """From the last head to the end."""
    yield step_of("head-close", Act.CLOSE, "witnesses", [after], ["closing head written"], Action.WRITE_HEAD)
    yield step_of("sign", Act.CLOSE, "everybody", ["closing head written"], ["signed"])
    yield step_of("close", Act.CLOSE, "officers", ["signed"], [CLOSED], Action.CLOSE)
