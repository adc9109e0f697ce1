"""The desk at a pseudo-terminal of 80x24: nothing leaves the screen unread, and Ctrl-C asks whether it was meant."""

import sys

import pytest
from helpers import Terminal

PROGRAM = """if True:
    import signal
    from ceremony import cli
    from ceremony.interrupt import Interrupted
    from ceremony.run.questions import Asked
    from ceremony.terminal.desk import TerminalDesk
    from escrow.memory import Secret
    from escrow.memory.secret import _living
    signal.signal(signal.SIGINT, cli._interrupt)
    Secret.unlocked_allowed = True
    desk = TerminalDesk()
    try:
        {body}
    except Interrupted:
        print("ENDED", len(_living))
    print("DONE")
"""


def at_desk(*body: str) -> Terminal:
    return Terminal(sys.executable, "-c", PROGRAM.format(body="\n        ".join(body)))


def screens(shown: str) -> list[list[str]]:
    """What was on the screen at each question: the lines since the one before."""
    return [part.splitlines() for part in shown.split(": ")]


def test_a_full_screen_waits_for_enter_whatever_it_was_filled_by() -> None:
    terminal = at_desk(
        "desk.page(['PAGE', *(f'page {n}' for n in range(9))])",
        "desk.say('\\n'.join(f'first {n}' for n in range(8)))",
        "for n in range(30): desk.say(f'second {n}')",
        "desk.line(Asked.NOTE, {})",
        "for n in range(22): desk.say(f'third {n}')",
        "desk.line(Asked.NOTE, {})",
    )
    for question in ("second 3\r\nEnter shows more: ", "second 25\r\nEnter shows more: ", "The note: "):
        terminal.expect(question)
        terminal.type("\n")
    terminal.expect("third 21\r\nThe note: ")
    terminal.type("\n")
    terminal.expect("DONE")
    assert terminal.end() == 0
    assert max(len(screen) for screen in screens(terminal.shown)) <= 24


def test_a_long_question_does_not_push_what_is_above_it_off_the_screen() -> None:
    terminal = at_desk(
        "for n in range(21): desk.say(f'line {n}')",
        "desk.line(Asked.DISPOSITION, {'number': 1, 'happened': 'word ' * 40})",
    )
    terminal.expect("line 20\r\nEnter shows more: ")
    terminal.type("\n")
    terminal.expect("mended or abort: ")
    terminal.type("\n")
    assert terminal.end() == 0


def test_an_enter_that_was_pressed_before_the_question_answers_nothing() -> None:
    terminal = at_desk(
        "import time, termios, select",
        "print('READY', flush=True)",
        "select.select([0], [], [])",
        "print('GOT', desk.line(Asked.NOTE, {}))",
    )
    terminal.expect("READY")
    terminal.type("\n")
    terminal.expect("The note: ")
    terminal.type("this\n")
    terminal.expect("GOT this")
    assert terminal.end() == 0


@pytest.mark.parametrize(
    ("ask", "question", "silent"),
    [
        ("desk.line(Asked.NOTE, {})", "The note: ", False),
        ("desk.secret(Asked.NOTE, {}).close()", "The note (not shown): ", True),
        ("desk.password('Password: ').close()", "Password: ", True),
        ("for n in range(23): desk.say(str(n))", "Enter shows more: ", False),
    ],
)
def test_the_first_ctrl_c_asks_and_enter_goes_back(ask: str, question: str, silent: bool) -> None:  # noqa: FBT001 - a table
    terminal = at_desk(ask, "print('LEFT', len(_living))")

    def wait() -> None:
        terminal.expect(question)
        if silent:
            terminal.wait_for_silence()

    wait()
    terminal.type("half an ans\x03")
    terminal.expect("The ceremony stands.")
    terminal.expect("Enter goes back: ")
    terminal.type("what?\n")
    terminal.expect("Enter goes back: ")
    terminal.type("\n")
    wait()
    terminal.type("answer\n")
    terminal.expect("LEFT 0")
    assert terminal.end() == 0


@pytest.mark.parametrize("then", ["stop\n", "\x03", "\x04"], ids=["stop", "ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("ask", ["line", "secret"])
def test_stop_or_a_second_ctrl_c_ends_and_no_secret_is_left(ask: str, then: str) -> None:
    terminal = at_desk(f"desk.{ask}(Asked.NOTE, {{}})")
    terminal.expect("The note")
    if ask == "secret":
        terminal.wait_for_silence()
    terminal.type("half\x03")
    terminal.expect("Enter goes back: ")
    terminal.type(then)
    terminal.expect("ENDED 0")
    assert terminal.end() == 0


def test_during_work_ctrl_c_ends_without_a_question() -> None:
    terminal = at_desk("print('WORK', flush=True)", "import time; time.sleep(100)")
    terminal.expect("WORK")
    terminal.type("\x03")
    terminal.expect("ENDED 0")
    assert terminal.end() == 0


def test_names_from_elsewhere_neither_move_the_cursor_nor_turn_the_writing_round() -> None:
    terminal = at_desk(
        "desk.say('subject CN=\\x1b[2A\\x9b2K \\u202e evil')",
        "desk.line(Asked.SCAN, {'what': 'a\\x1b[1mb', 'how': 'x'})",
    )
    terminal.expect("press Enter: ")
    shown = terminal.shown
    assert "subject CN=\\u001b[2A\\u009b2K \\u202e evil" in shown
    assert "a\\u001b[1mb: x" in shown
    terminal.type("\n")
    terminal.end()
