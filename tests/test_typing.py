"""Shares typed at a real pseudo-terminal, as a person would: with mistakes of every kind, by paste, by scanner."""

import itertools
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import TIMEOUT, Terminal, can_lock, escrow, need, run

from escrow.paper.scan import scan
from escrow.share import Record
from escrow.wordlist import WORDS
from escrow.words import to_words

Rows = list[list[str]]
CUSTODIANS = [part for name in ("Anna", "Bert", "Cleo") for part in ("--custodian", name)]
QUESTION, UP, LEFT, SHOW, ASIDE, END = "Are they so on the sheet?", "\x1b[A", "\x1b[D", "\x12", "\x15", "\x04"


@dataclass(frozen=True)
class Sheets:
    """A share set: its package and what stands on its sheets."""

    package: Path
    texts: Sequence[str]
    words: Sequence[Rows]

    def rows(self, x: int) -> Rows:
        """The words of share x, to be changed at will."""
        return [[*row] for row in self.words[x - 1]]

    def sheet(self, x: int) -> Path:
        return self.package.parent / f"shares/share-{x}.pdf"


def make_set(out: Path, *arguments: str) -> Sheets:
    made = ["seal", "--generate", "Typed CA", "--threshold", "2", *CUSTODIANS, "--out", out, "--allow-disk"]
    escrow(*made, *arguments).expect()
    texts = [next(scan((out / f"shares/share-{x}.pdf").read_bytes())).texts[0] for x in (1, 2, 3)]
    return Sheets(out / "package.escrow", texts, [to_words(Record.from_text(text).encode()) for text in texts])


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Sheets:
    return make_set(tmp_path_factory.mktemp("typed") / "set", "--specimen")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Sheets:
    return make_set(tmp_path_factory.mktemp("typed") / "other", "--specimen")


def typed(rows: Rows) -> str:
    """A sheet as a person types it: row by row."""
    return "".join(" ".join(row) + "\n" for row in rows)


def another(word: str) -> str:
    return WORDS[(WORDS.index(word) + 101) % 256]


def look_alike(word: str) -> str:
    """The word of the list that differs from this one in the fewest letters."""
    return min((w for w in WORDS if w != word), key=lambda w: sum(a != b for a, b in zip(w, word, strict=True)))


def start(command: str, sheets: Sheets, *arguments: object) -> Terminal:
    terminal = Terminal(sys.executable, "-m", "ceremony", command, sheets.package, *arguments, "--type")
    terminal.expect("have ")  # from here on nothing that is typed is lost
    return terminal


@pytest.fixture
def check(sheets: Sheets) -> Iterator[Terminal]:
    """`escrow check --type`, ready to take keys."""
    terminal = start("check", sheets)
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()
        terminal.end()


def ends_well(terminal: Terminal, *shares: int) -> None:
    """End by Enter on an empty sheet; exactly these shares are valid, and nothing was wrong."""
    terminal.type("\n\n\n")  # the first may close a word, the last may come too late
    status = terminal.end()
    report = terminal.shown.rpartition("\x1b[?1049l")[2]
    assert status == 0, report
    assert [line.split()[1] for line in report.splitlines() if line.endswith("valid")] == [str(x) for x in shares]


@pytest.mark.parametrize("number", range(1, 9))
def test_a_sheet_with_wrong_words_is_mended_and_the_person_confirms_it(
    number: int, sheets: Sheets, check: Terminal
) -> None:
    rows = sheets.rows(1)
    places = [(index * 5 % 8, index) for index in range(number)]
    for row, column in places:
        rows[row][column] = another(rows[row][column])
    check.type(typed(rows))
    where = ", ".join(f"row {row + 1} word {column + 1}" for row, column in sorted(places))
    check.expect_wrapped(f"The share is valid if these are mended: {where}. Ctrl-R shows the words. {QUESTION}")
    check.type("yes\n")
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_sixteen_illegible_words_are_mended(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(2)
    for index in range(16):
        rows[index % 8][index // 8 * 3] = "?"
    check.type(typed(rows))
    check.expect_wrapped("if these are mended: ")
    check.type("yes\n")
    check.expect("have share 2, need 1 more")
    ends_well(check, 2)


def test_without_a_yes_nothing_is_mended_and_nothing_is_lost(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(1)
    rows[7][0] = another(rows[7][0])
    check.type(typed(rows))
    check.expect_wrapped(QUESTION)
    check.type("no\n")
    check.expect_wrapped("Not added")
    check.type(LEFT * 8 + sheets.words[0][7][0])
    check.expect_wrapped("All rows fit. Enter judges the sheet again.")
    check.type("\n")
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


@pytest.mark.parametrize(("change", "said"), [("left out", "early"), ("typed twice", "late")])
def test_a_word_left_out_or_typed_twice_is_said_and_mended_by_going_back(
    change: str, said: str, sheets: Sheets, check: Terminal
) -> None:
    """Typed in one go, without Enter behind the rows."""
    words = [word for row in sheets.words[0] for word in row]
    at = 9 * 2 + 4
    wrong = words[:at] + words[at + 1 :] if change == "left out" else words[: at + 1] + words[at:]
    check.type(" ".join(wrong[: 9 * 5]) + " ")
    check.expect_wrapped(f"Behind row 3 every word stands one place too {said}: a word of row 3 seems to be {change}.")
    check.type(UP * 2 + LEFT * 5 + " ".join(words[at : 9 * 5]) + "\n")
    check.type(" ".join(words[9 * 5 :]) + "\n\n")
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_a_wrong_row_is_named_at_once_and_mended_by_going_back(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(1)
    check.type(typed(rows[:2]))
    wrong = [*rows[2][:4], another(rows[2][4]), *rows[2][5:]]
    check.type(typed([wrong]))
    check.expect_wrapped("Row 3 does not fit its check word")
    check.type(UP + "\x1b[C" * 4 + rows[2][4])
    check.type("\n\n")  # one closes the word, one goes on where the person was
    check.type(typed(rows[3:]))
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_nine_wrong_words_are_too_many_until_one_is_mended(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(1)
    for row, column in [(0, 7), *((index, index) for index in range(8))]:
        rows[row][column] = another(rows[row][column])
    check.type(typed(rows))
    check.expect_wrapped("Too many words are wrong or illegible")
    check.expect_wrapped("Rows that do not fit: 1, 2, 3, 4")
    check.type(UP * 7 + LEFT + sheets.words[0][0][7] + "\n")
    check.expect_wrapped(QUESTION)
    check.type("yes\n")
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_swapped_words_are_named_by_their_row_and_mended(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(1)
    rows[4][1], rows[4][6] = rows[4][6], rows[4][1]
    assert rows != sheets.words[0]
    check.type(typed(rows[:5]))
    check.expect_wrapped("Row 5 does not fit its check word")
    check.type(typed(rows[5:]))
    check.expect_wrapped("row 5 word 2, row 5 word 7")
    check.type("yes\n")
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_swapped_rows_are_recognised_and_swapped_back(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(3)
    rows[1], rows[5] = rows[5], rows[1]
    check.type(typed(rows))
    check.expect_wrapped("Rows 2 and 6 seem swapped: each fits the other's number. Swap them?")
    check.type("yes\n")
    check.expect("have share 3, need 1 more")
    ends_well(check, 3)


def test_look_alike_words_are_mended(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(1)
    for index in range(8):
        rows[index][7 - index] = look_alike(rows[index][7 - index])
    check.type(typed(rows))
    check.expect_wrapped("if these are mended: row 1 word 8")
    check.type("yes\n")
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_case_does_not_matter_and_three_letters_are_enough(sheets: Sheets, check: Terminal) -> None:
    check.type(typed(sheets.rows(1)).upper())
    check.expect("have share 1, need 1 more")
    check.type(typed(sheets.rows(2)).title())
    check.expect("have shares 1 and 2, a quorum")
    check.type("".join(" ".join(word[:3] for word in row) + "\n" for row in sheets.rows(3)))
    check.expect("have shares 1, 2 and 3, a quorum")
    ends_well(check, 1, 2, 3)


def test_rows_of_another_sheet_of_the_set_are_too_many_mistakes_and_can_be_typed_again(
    sheets: Sheets, check: Terminal
) -> None:
    rows = sheets.rows(1)
    check.type(typed(rows[:4] + sheets.rows(2)[4:]))
    check.expect_wrapped("Too many words are wrong or illegible")
    check.type(UP * 3 + LEFT * 8 + typed(rows[4:]))
    check.expect("have share 1, need 1 more")
    ends_well(check, 1)


def test_a_sheet_of_another_set_is_noticed_after_its_first_row(sheets: Sheets, other: Sheets, check: Terminal) -> None:
    check.type(sheets.texts[1] + "\n")
    check.expect("have share 2, need 1 more")
    check.type(typed(other.rows(1)[:1]))
    check.expect_wrapped("This sheet is not of this set: it belongs to another share set")
    check.type(ASIDE)
    check.expect_wrapped("forget its words?")
    check.type("yes\n")
    check.expect_wrapped("A new sheet.")
    check.type(typed(sheets.rows(1)))
    check.expect("have shares 1 and 2, a quorum")
    ends_well(check, 2, 1)


def test_a_whole_sheet_of_another_set_is_named_and_reported_by_check(
    sheets: Sheets, other: Sheets, check: Terminal
) -> None:
    check.type(typed(other.rows(1)))
    check.expect_wrapped("it belongs to another share set")
    check.type(ASIDE)
    check.expect_wrapped("forget its words?")
    check.type("yes\n")
    check.expect_wrapped("A new sheet.")
    check.type(sheets.texts[0] + "\n")
    check.expect("have share 1, need 1 more")
    check.type("\n\n")
    assert check.end() == 1
    assert "Share 1 (typed share 1): it belongs to another share set" in check.shown
    assert "Share 1 (typed share 2): valid" in check.shown


@pytest.mark.skipif(not can_lock(), reason="needs an account that may lock memory (root, or a raised RLIMIT_MEMLOCK)")
def test_a_specimen_is_noticed_after_its_first_row(sheets: Sheets, shm: Path) -> None:
    production = make_set(shm / "production")
    terminal = start("check", production)
    terminal.type(typed(sheets.rows(1)[:1]))
    terminal.expect_wrapped("it is a specimen share and the package is production")
    terminal.type("\x03")
    assert terminal.end() == 130


PASTES = {
    "rows": "{rows}",
    "one line": "{line}\n",
    "one word a line": "{words}\n",
    "with row numbers": "{numbered}",
    "from Windows": "{windows}",
}


@pytest.mark.parametrize("marked", [True, False], ids=["bracketed", "plain"])
@pytest.mark.parametrize("form", PASTES)
def test_a_paste_of_everything_at_once(form: str, marked: bool, sheets: Sheets, check: Terminal) -> None:  # noqa: FBT001
    rows = sheets.rows(1)
    content = PASTES[form].format(
        rows=typed(rows),
        line=typed(rows).replace("\n", " "),
        words=typed(rows).replace(" ", "\n"),
        numbered="".join(f" {number}  {'   '.join(row)}\n" for number, row in enumerate(rows, 1)),
        windows=typed(rows).replace("\n", "\r\n"),
    )
    check.type(f"\x1b[200~{content}\x1b[201~" if marked else content)
    check.expect("have share 1, need 1 more")
    check.type(END)
    assert check.end() == 0


def test_words_as_pdftotext_takes_them_from_a_sheet(sheets: Sheets, check: Terminal) -> None:
    need("pdftotext")
    text = run("pdftotext", "-layout", sheets.sheet(2), "-").expect().out
    # A specimen's watermark may stand in the middle of a row.
    words = [word for word in text.split("The same share in words")[1].split("Rows 1 to 8")[0].split() if word in WORDS]
    assert len(words) == 8 * 9
    lines = [" ".join(words[start : start + 9]) for start in range(0, len(words), 9)]
    check.type("\x1b[200~" + "\n".join(lines) + "\x1b[201~")
    check.expect("have share 2, need 1 more")
    ends_well(check, 2)


def test_a_scanner_may_be_used_in_the_middle_of_a_row_and_the_row_is_not_lost(sheets: Sheets, check: Terminal) -> None:
    text = typed(sheets.rows(1))
    check.type(text[:15])
    check.type(sheets.texts[1] + "\n")
    check.expect("have share 2, need 1 more")
    check.type(sheets.texts[1][:-1] + ("A" if sheets.texts[1][-1] != "A" else "B") + "\n")
    check.expect_wrapped("Nothing else is lost.")
    check.type(text[15:])
    check.expect("have shares 1 and 2, a quorum")
    ends_well(check, 2, 1)


def test_the_same_share_twice_is_named(sheets: Sheets, check: Terminal) -> None:
    check.type(typed(sheets.rows(1)))
    check.expect("have share 1, need 1 more")
    check.type(typed(sheets.rows(1)))
    check.expect_wrapped("the same share was already read from typed share 1")
    check.type(ASIDE)
    check.expect_wrapped("forget its words?")
    check.type("yes\n")
    check.expect_wrapped("A new sheet.")
    check.type("\n\n")
    assert check.end() == 1


def test_nothing_is_shown_unless_asked_for(sheets: Sheets, check: Terminal) -> None:
    rows = sheets.rows(1)
    check.type(typed(rows[:7]) + " ".join(rows[7][:3]) + " " + rows[7][3][:2])
    check.expect("[..")
    check.expect("[J")
    pairs = [f"{one}  {other}" for row in rows for one, other in itertools.pairwise(row[:8])]
    assert not any(pair in check.shown or pair.replace("  ", " ") in check.shown for pair in pairs)
    check.type(SHOW)
    for row in rows[:7]:
        check.expect("  ".join(row[:8]))
    check.expect(f"[{rows[7][3][:2]}")
    before = len(check.shown)
    check.type(SHOW)
    check.expect("....  ....")
    check.type(END)
    check.expect_wrapped("forget the words of this sheet?")
    check.type("yes\n")
    assert check.end() == 0
    assert not any(pair in check.shown[before + 2000 :] for pair in pairs)


def test_a_ca_is_recovered_from_typed_words_with_a_page_beside_them(sheets: Sheets, shm: Path) -> None:
    (shm / "password").write_text("new")
    arguments = ["--to", shm / "restored", "--password-file", shm / "password"]
    terminal = start("recover", sheets, sheets.sheet(3), *arguments)
    terminal.expect("3, need 1 more")
    terminal.type("\n\n")
    terminal.expect_wrapped("Shares are missing yet")
    terminal.type(typed(sheets.rows(1)))
    terminal.expect("Restored root, intermediate of Typed CA")
    assert terminal.end() == 0
    assert (shm / "restored/config/ca.json").exists()


def test_ending_without_a_quorum_says_what_is_there(sheets: Sheets, shm: Path) -> None:
    terminal = start("recover", sheets, "--to", shm / "restored")
    terminal.type(sheets.texts[1] + "\n")
    terminal.expect("have share 2, need 1 more")
    terminal.type(END)
    terminal.expect("Valid and not lost: share 2.")
    assert terminal.end() == 1
    assert list(shm.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
def test_an_interrupt_in_the_middle_gives_the_terminal_back_and_leaves_nothing(
    number: signal.Signals, sheets: Sheets, shm: Path
) -> None:
    terminal = start("recover", sheets, "--to", shm / "restored")
    assert not terminal.echoes()
    terminal.type(typed(sheets.rows(1)[:3]) + "ab")
    terminal.expect("fits")
    terminal.expect("[..")
    if number is signal.SIGINT:
        terminal.type("\x03")
    else:
        terminal.process.send_signal(number)
    terminal.expect("\x1b[?1049l")
    terminal.process.wait(TIMEOUT)
    while not terminal.echoes():
        os.sched_yield()
    assert terminal.end() == (-number if number is signal.SIGKILL else 130)
    assert list(shm.iterdir()) == []


def test_shares_come_as_text_from_a_file_or_from_standard_input(sheets: Sheets, shm: Path) -> None:
    rows = sheets.rows(2)
    rows[3][2] = another(rows[3][2])
    (shm / "words.txt").write_text(typed(rows))
    (shm / "password").write_text("new")
    done = escrow("check", sheets.package, shm / "words.txt", "-", stdin=f"{sheets.texts[0]}\n{sheets.texts[2]}\n")
    done.expect()
    assert f"Share 2 ({shm / 'words.txt'}, mended row 4 word 3): valid" in done.out
    assert "Share 1 (standard input, share 1): valid" in done.out
    assert "Share 3 (standard input, share 2): valid" in done.out
    arguments = ["--to", shm / "restored", "--password-file", shm / "password"]
    done = escrow("recover", sheets.package, shm / "words.txt", "-", *arguments, stdin=typed(sheets.rows(1)))
    done.expect()
    assert f"Share 2 ({shm / 'words.txt'}, mended row 4 word 3): valid" in done.err


@pytest.mark.parametrize(
    ("pages", "stdin", "expected"),
    [
        (["-"], "able acid", "standard input): the text has no code of a share and 2 words"),
        (["-"], "", "standard input): the file is empty"),
        (["-"], "SPEC1:AAAA", "it is no share"),
        (["-", "-"], "", "Standard input is read once"),
        ([], "", "--type"),
    ],
)
def test_text_that_is_no_share_is_named(pages: list[str], stdin: str, expected: str, sheets: Sheets) -> None:
    done = escrow("check", sheets.package, *pages, stdin=stdin)
    assert done.status == (1 if pages == ["-"] else 2)
    assert expected in done.out + done.err


def test_without_a_terminal_the_message_says_what_to_do(sheets: Sheets, tmp_path: Path) -> None:
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "ceremony", "check", str(sheets.package), "--type"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 2, tmp_path / "said", os.O_WRONLY | os.O_CREAT, 0o600)],
        setsid=True,
    )
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 2
    assert "no terminal to type shares at" in (tmp_path / "said").read_text()
