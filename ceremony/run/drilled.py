"""What a drill took and showed, from its journal: for the drill itself, its audit, and the custody register."""

import datetime as dt
from collections.abc import Iterator, Sequence

from ceremony.rules.state import State
from ceremony.run.journal import FILE, Entry

_BEGIN, _END = "brief", "judge"


def minutes_of(entries: Sequence[Entry]) -> float:
    """The minutes from the end of the briefing until the drill was judged or aborted, breaks included; to a tenth.

    Nought for a drill that was not briefed. By UTC: the other clock begins anew when the machine does.
    """
    begun = [each for each in entries if each.event == "end" and each.fields.get("step") == _BEGIN]
    ended = [each for each in entries if each.event == "begin" and each.fields.get("step") == _END]
    ended = ended or [each for each in entries if each.event == "abort"] or [*entries[-1:]]
    if not begun:
        return 0.0
    return round(max(0.0, (_time(ended[-1]) - _time(begun[-1])).total_seconds()) / 60, 1)


def check_drill(entries: Sequence[Entry], state: State) -> Iterator[str]:
    """What is wrong with the time that a drill is said to have taken."""
    if _END in state.done and state.done[_END]["minutes"] != minutes_of(entries):
        yield f"{FILE}: the drill took another time than it says."


def _time(entry: Entry) -> dt.datetime:
    return dt.datetime.fromisoformat(entry.utc)
