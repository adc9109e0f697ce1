"""What people say for the journal: asked sentence by sentence, read over, and mended before it is written."""

from collections.abc import Mapping, Sequence

from ceremony.rules.state import TOUCHES
from ceremony.run.questions import Asked, Desk

_BACK = "back"
_EXCEPTION = (Asked.EXPECTED, Asked.HAPPENED, Asked.DONE, Asked.TOUCHES)


def a_note(desk: Desk) -> str:
    """A note, as it is to be written."""
    return _stated(desk, [Asked.NOTE])[Asked.NOTE]


def an_exception(desk: Desk) -> Mapping[str, str | list[str]]:
    """An exception's fields in the journal, as they are to be written."""
    said = _stated(desk, _EXCEPTION)
    return {
        "expected": said[Asked.EXPECTED],
        "happened": said[Asked.HAPPENED],
        "done": said[Asked.DONE],
        "touches": _touched(said[Asked.TOUCHES]) or [],
    }


def _stated(desk: Desk, asked: Sequence[Asked]) -> Mapping[Asked, str]:
    """Answers that are not written before Enter was pressed below all of them; 'back' goes to the one before."""
    answers: dict[Asked, str] = {}
    at = 0
    while True:
        if at == len(asked):
            desk.say("\n".join(f"{each.value.partition(':')[0]}: {answers[each] or 'nothing'}" for each in asked))
            answer = desk.line(Asked.WRITTEN, {})
            if not answer:
                return answers
            at -= answer.lower() == _BACK
            continue
        before = answers.get(asked[at], "")
        if before:
            desk.say(f"So far: {before}. Enter keeps it.")
        answer = desk.line(asked[at], {})
        if answer.lower() == _BACK:
            at = max(at - 1, 0)
        elif problem := _problem_with(asked[at], answer or before):
            desk.say(problem)
        else:
            answers[asked[at]] = answer or before
            at += 1


def _problem_with(asked: Asked, answer: str) -> str:
    if asked is Asked.TOUCHES:
        return "Answer with c, i, a, several of them, or nothing." if _touched(answer) is None else ""
    return "" if answer else "Write at least a few words."


def _touched(answer: str) -> list[str] | None:
    """Which of the three an exception touches, as a person said it; None if that is not understood."""
    given = answer.lower().replace(",", " ").split()
    if given in ([], ["nothing"]):
        return []
    known = {letter: name for name in TOUCHES for letter in (name, name[0])}
    parts = list(given[0]) if len(given) == 1 and set(given[0]) <= {"c", "i", "a"} else given
    return [known[part] for part in parts] if all(part in known for part in parts) else None
