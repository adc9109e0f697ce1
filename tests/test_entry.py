"""What the keys mean while words are typed, what is said of rows, and what pasted text gives: without a terminal."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceremony.terminal.keys import Keys
from escrow.entry import CELL, CELLS, WIDTH, Entry, Key, Stroke, Wanted
from escrow.manifest import KeyEntry, Manifest, Superseded
from escrow.memory import Secret
from escrow.pasted import is_pasted, shares_in
from escrow.policy import Policy
from escrow.share import Kind, Record
from escrow.typed import FITS, UNCHECKED, UNFIT, judge, judge_rows, mend, rows_in
from escrow.wordlist import WORDS
from escrow.words import to_words

NAMED = {
    " ": Key.BLANK,
    "\n": Key.ENTER,
    "\t": Key.TAB,
    "<": Key.LEFT,
    ">": Key.RIGHT,
    "^": Key.UP,
    "v": Key.DOWN,  # no word typed here has this letter
    "!": Key.BACKSPACE,
    "[": Key.PASTE_BEGINS,
    "]": Key.PASTE_ENDS,
}
MANIFEST = Manifest(
    kind=Kind.PRODUCTION,
    ca="X",
    created="2026-01-02T00:00:00Z",
    epoch=2,
    supersedes=(Superseded(1, "ab" * 16),),
    policy=Policy.plain(2, 3),
    commitments=(("cd" * 32,) * 3,),
    key_check="ef" * 32,
    certificates=(),
    keys=(KeyEntry("root", "secrets/root_ca_key", "EC P-256", "cd" * 32, None),),
    files=(),
)
RECORD = Record(Kind.PRODUCTION, MANIFEST.short_set_id, 1, 1, 2, bytes(range(0x80, 0xA0)))
ROWS = to_words(RECORD.encode())


def text(rows: Iterable[Iterable[str]], between: str = "\n") -> str:
    return between.join(" ".join(row) for row in rows)


def strokes(keys: str) -> list[Stroke]:
    return [NAMED.get(key, ord(key)) for key in keys]


def pressed(keys: str) -> tuple[Entry, list[Wanted]]:
    entry = Entry()
    return entry, [entry.press(stroke) for stroke in strokes(keys)]


def words(entry: Entry) -> list[str]:
    return bytes(entry.grid.view).decode().split()


@pytest.mark.parametrize(
    ("keys", "expected", "cursor"),
    [
        ("able", "able", 1),
        ("able acid also", "able acid also", 3),
        ("ableacidalso", "able acid also", 3),
        ("ABLE Acid", "able acid", 2),
        ("abl ac\tals\n", "able acid also", 3),
        ("jaz z", "jazz", 1),
        ("ae", "", 0),
        ("ae ", "able", 1),
        ("ax ", "", 0),  # apex by its first and last letter, axis by its beginning
        ("axi ", "axis", 1),
        ("ja ", "", 0),
        ("[ja acid]", "? acid", 2),
        ("able ? acid", "able ? acid", 3),
        ("xxxx acid", "? acid", 2),
        ("xxxx!!!!acid", "acid", 1),
        ("able acid<also", "able also", 2),
        ("able acid also<<<zero", "zero acid also", 1),
        ("able acid also<<<zero\n", "zero acid also", 1),
        ("able acid also<<<zero\n\n", "zero acid also", 3),
        ("able acid!!also", "also acid", 1),
        ("able>>>>acid", "able acid", 2),
        ("1  able  2. acid", "able acid", 2),
        ("able acid also zero keep kept calm cash\n\nbody", "able acid also zero keep kept calm cash ? body", 10),
        (
            "able acid also zero keep kept calm cash dark body^^v>>",
            "able acid also zero keep kept calm cash dark body",
            10,
        ),
    ],
)
def test_keys_become_words(keys: str, expected: str, cursor: int) -> None:
    with pressed(keys)[0] as entry:
        assert words(entry) == expected.split()
        assert entry.cursor == cursor


def test_every_word_is_taken_in_its_full_and_its_shortest_forms() -> None:
    for word in WORDS:
        for keys in (word, word.upper() + " ", word[:3] + " "):
            with Entry() as entry:
                for key in keys:
                    entry.press(Key.BLANK if key == " " else ord(key))
                assert words(entry) == [word], keys


def test_a_row_is_to_be_judged_when_it_is_complete_and_the_share_when_all_are() -> None:
    entry, wanted = pressed(text(ROWS).replace("v", "V"))
    with entry:
        assert [w for w in wanted if w is not Wanted.NOTHING] == [Wanted.ROW] * 7 + [Wanted.SHARE]
        assert rows_in(bytes(entry.grid.view)) == ROWS
        assert entry.press(Key.ENTER) is Wanted.NOTHING  # it closes the last word
        assert entry.press(Key.ENTER) is Wanted.SHARE
        entry.press(Key.UP)
        assert [entry.press(ord(letter)) for letter in "able"][-1] is Wanted.ROW


def test_check_words_may_be_left_out() -> None:
    with Entry() as entry:
        for row in ROWS:
            for key in " ".join(row[:8]) + "\n":
                entry.press(NAMED[key] if key in " \n" else ord(key))
            wanted = entry.press(Key.ENTER)
        assert wanted is Wanted.SHARE
        assert judge(MANIFEST, rows_in(bytes(entry.grid.view))).notes == (UNCHECKED,) * 8


@pytest.mark.parametrize("end", [Key.ENTER, Key.BLANK, Key.TAB])
def test_the_text_of_a_code_is_recognised_and_leaves_the_words_alone(end: Key) -> None:
    with pressed("able acid")[0] as entry:
        for letter in RECORD.to_text():
            assert entry.press(ord(letter)) is Wanted.NOTHING
        assert entry.press(end) is Wanted.CODE
        assert bytes(entry.code.view[: entry.code_length]).decode().upper() == RECORD.to_text()
        assert words(entry) == ["able", "acid"]


def test_an_empty_sheet_ends_by_enter_and_any_by_the_key_for_it() -> None:
    assert pressed("\n\n")[1] == [Wanted.NOTHING, Wanted.DONE]
    assert pressed("\n \n")[1] == [Wanted.NOTHING] * 3
    assert Entry().press(Key.END) is Wanted.END
    assert Entry().press(Key.CLEAR) is Wanted.CLEAR


KEYS = st.one_of(
    st.sampled_from(list(Key)),
    st.sampled_from([*b"abcdeklnostz?1:EZ~"]),
    st.sampled_from(WORDS).map(lambda word: word.encode()),
    st.just(b"SPEC1:ABCDEF"),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(KEYS, max_size=120))
def test_no_keys_lose_a_word_that_was_accepted(keys: list[Key | int | bytes]) -> None:
    with Entry() as entry:
        for key in keys:
            for stroke in key if isinstance(key, bytes) else [key]:
                before, frontier, cursor = bytes(entry.grid.view), entry.frontier, entry.cursor
                entry.press(stroke)
                after = bytes(entry.grid.view)
                different = {place // CELL for place in range(CELLS * CELL) if before[place] != after[place]}
                assert different <= {cursor}, "only the word under the cursor may change"
                assert frontier <= entry.frontier <= frontier + 1
                assert 0 <= entry.cursor <= min(entry.frontier, CELLS - 1)
                assert (entry.row, entry.column) == (entry.cursor // WIDTH + 1, entry.cursor % WIDTH + 1)


# What is said of rows.


def swapped(rows: list[list[str]], one: int, other: int) -> list[list[str]]:
    order = list(range(8))
    order[one], order[other] = order[other], order[one]
    return [rows[number] for number in order]


def test_a_row_that_does_not_fit_is_named() -> None:
    rows = [[*row] for row in ROWS]
    rows[2][0], rows[2][1] = rows[2][1], rows[2][0]
    assert rows[2] != ROWS[2]
    notes = judge(MANIFEST, rows).notes
    assert notes[2] in {UNFIT, *(f"fits as row {number}" for number in range(1, 9))}
    assert notes[:2] + notes[3:] == (FITS,) * 7


@pytest.mark.parametrize("pair", [(0, 1), (2, 6), (4, 7)])
def test_swapped_rows_are_recognised_and_can_be_swapped_back(pair: tuple[int, int]) -> None:
    judgement = judge(MANIFEST, swapped(ROWS, *pair))
    assert judgement.swapped == (pair[0] + 1, pair[1] + 1)
    assert judgement.notes[pair[0]] == f"fits as row {pair[1] + 1}"
    with pressed(text(swapped(ROWS, *pair)).replace("v", "V"))[0] as entry:
        entry.swap(pair[0] + 1, pair[1] + 1)
        assert judge_rows(MANIFEST, entry.grid).all_fit


@pytest.mark.parametrize(
    ("kind", "set_id", "rows", "expected"),
    [
        (Kind.PRODUCTION, MANIFEST.short_set_id, 2, None),
        (Kind.SPECIMEN, MANIFEST.short_set_id, 1, "it is a specimen share"),
        (Kind.PRODUCTION, b"12345678", 1, "another share set"),
        (Kind.PRODUCTION, b"\xab" * 8, 1, "epoch 1, which this set of epoch 2 superseded"),
        (Kind.PRODUCTION, MANIFEST.short_set_id[:7] + b"!", 1, None),
        (Kind.PRODUCTION, MANIFEST.short_set_id[:7] + b"!", 2, "another share set"),
    ],
)
def test_a_foreign_sheet_is_noticed_by_its_first_rows(
    kind: Kind, set_id: bytes, rows: int, expected: str | None
) -> None:
    all_rows = to_words(Record(kind, set_id, 1, 1, 2, bytes(32)).encode())
    foreign = judge(MANIFEST, [*all_rows[:rows], *[[]] * (8 - rows)]).foreign
    assert (foreign is None) == (expected is None)
    assert (expected or "") in (foreign or "")


@given(st.permutations(range(8)), st.integers(1, 8))
def test_rows_in_a_wrong_order_are_never_repeated_in_what_is_said(order: list[int], count: int) -> None:
    """A row of a share's value that is typed where the set id should be is not taken for one."""
    rows = [ROWS[number] for number in order[:count]]
    said = judge(MANIFEST, [*rows, *[[]] * (8 - count)]).foreign or ""
    hexadecimal = said.replace(" ", "").lower()
    value = RECORD.value.hex()
    assert not any(value[start : start + 6] in hexadecimal for start in range(0, len(value) - 5, 2))
    if order[0] != 0:
        assert not said


def test_a_mistyped_word_of_row_1_does_not_make_a_sheet_foreign() -> None:
    rows = [["able" if word != "able" else "zoom" for word in ROWS[0][:2]] + ROWS[0][2:], *[[]] * 7]
    assert judge(MANIFEST, rows).foreign is None
    assert judge(MANIFEST, rows).notes[0] != FITS


def test_what_is_mended_stands_in_the_same_grid() -> None:
    given_rows = [[*row] for row in ROWS]
    given_rows[3][4], given_rows[7][7] = "?", "able"
    with pressed(text(given_rows).replace("v", "V"))[0] as entry, Secret(CELLS * CELL) as mended:
        assert [(place.row, place.column) for place in mend(entry.grid, mended)] == [(4, 5), (8, 8)]
        assert rows_in(bytes(mended.view)) == ROWS
        assert len(mended) == len(entry.grid)


# Pasted text.


@pytest.mark.parametrize(
    "content",
    [
        text(ROWS),
        text(row[:8] for row in ROWS),
        text(ROWS, " ").upper(),
        "\n".join(f" {number}   {'  '.join(row)}" for number, row in enumerate(ROWS, 1)),
        "\n".join(word for row in ROWS for word in row),
        "\ufeff" + text(ROWS, "\r\n"),
        RECORD.to_text(),
        f"share: {RECORD.to_text().lower()}\n",
    ],
)
def test_pasted_text_is_read_in_every_layout(content: str) -> None:
    assert is_pasted(content.encode())
    assert [(share.text, share.mended) for share in shares_in(content.encode())] == [(RECORD.to_text(), "")]


def test_several_shares_may_be_pasted_at_once() -> None:
    assert len(list(shares_in(text([*ROWS, *ROWS]).encode()))) == 2
    other = Record(Kind.PRODUCTION, RECORD.set_id, 1, 2, 2, bytes(32))
    found = [share.text for share in shares_in(f"{RECORD.to_text()}\n{other.to_text()}".encode())]
    assert found == [RECORD.to_text(), other.to_text()]


def test_what_is_no_share_is_said_to_be_none() -> None:
    (share,) = shares_in(b"able acid also")
    assert "3 words" in (share.problem or "")
    (share,) = shares_in(text([["able", *row[1:]] for row in swapped(ROWS, 1, 5)]).encode())
    assert "Rows that do not fit their check words" in (share.problem or "")
    for content in (b"", b"  \n", b"%PDF-1.7\n", b"\x89PNG", b"x" * 70000, "café".encode()):
        assert not is_pasted(content)


# The bytes of keys.


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"a?1", [*b"a?1"]),
        (b" \t\r\n\x7f\x08", [Key.BLANK, Key.TAB, Key.ENTER, Key.ENTER, Key.BACKSPACE, Key.BACKSPACE]),
        (b"\x1b[A\x1bOB\x1b[C\x1b[D", [Key.UP, Key.DOWN, Key.RIGHT, Key.LEFT]),
        (b"\x1bOQ\x1b[12~\x1b[[B\x12", [Key.SHOW] * 4),
        (b"\x15\x04", [Key.CLEAR, Key.END]),
        (b"\x1b[200~x\x1b[201~", [Key.PASTE_BEGINS, ord("x"), Key.PASTE_ENDS]),
        (b"\x1bx\x1b\x1b[A", [ord("x"), Key.UP]),
        (b"\x1b[1;5A\x1b[3~\x1b[24~y", [ord("y")]),
        ("é\0".encode(), []),
        (b"\x1b[" + b"1" * 40 + b"y", [*b"1" * 23, ord("y")]),
    ],
)
def test_the_bytes_of_a_terminal_become_keys(sent: bytes, expected: list[Stroke]) -> None:
    keys = Keys()
    assert [stroke for byte in sent if (stroke := keys.take(byte)) is not None] == expected


# Words in the wrong place.


def flowing(words: list[str]) -> list[list[str]]:
    """Words as the grid takes them when nobody looks at the rows."""
    return [words[start : start + WIDTH] for start in range(0, 8 * WIDTH, WIDTH)]


@pytest.mark.parametrize("row", range(1, 8))
@pytest.mark.parametrize("place", [0, 4, 7])
@pytest.mark.parametrize("missing", [1, -1])
def test_a_word_left_out_or_typed_twice_is_noticed_by_the_rows_behind(row: int, place: int, missing: int) -> None:
    all_words = [word for line in ROWS for word in line]
    index = (row - 1) * WIDTH + place
    typed = all_words[:index] + all_words[index + 1 :] if missing == 1 else all_words[: index + 1] + all_words[index:]
    whole = judge(MANIFEST, flowing(typed[: 8 * WIDTH]))
    assert whole.shifted == ((row, missing) if row < 7 or missing == 1 else None) or row == 7
    early = judge(MANIFEST, flowing(typed[: row * WIDTH]))
    assert early.shifted is None, "not before a row behind it is there"


def test_wrong_words_and_swapped_rows_are_not_taken_for_a_shift() -> None:
    for row in range(8):
        rows = [[*line] for line in ROWS]
        rows[row][3] = "able" if rows[row][3] != "able" else "zoom"
        for length in range(1, 9):
            assert judge(MANIFEST, [*rows[:length], *[[]] * (8 - length)]).shifted is None
    for one in range(7):
        assert judge(MANIFEST, swapped(ROWS, one, one + 1)).shifted is None
