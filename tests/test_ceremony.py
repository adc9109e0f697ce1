"""Whole ceremonies at a pseudo-terminal of 80x24, with paper that is printed into a tray and laid into a scanner."""

import hashlib
import itertools
import json
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from helpers import escrow, need, run
from memory_scan import Scanner
from player import Held, Player, Room, record_on, room

from ceremony.rules.lists import listing_of
from ceremony.run.journal import decode
from ceremony.spoken import words_of
from escrow import package, recovery
from escrow.label import set_words, share_words
from escrow.memory import Secret
from escrow.package import Package
from escrow.share import Record
from escrow.words import to_words

SEED = 20261204
KILLS, CEREMONIES = 50, 5
OFFICERS = ("Grace Hopper", "Alan Turing")


def entries_of(held_in: Room) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (held_in.out / "journal.jsonl").read_text().splitlines()]


def test_steps_have_the_same_numbers_on_the_screen_in_the_journal_and_in_the_list(held: Held) -> None:
    plan = held.room.plan
    listed = listing_of(plan).steps
    assert re.findall(r"SPECIMEN  step (\S+)\r", held.shown) == [step.number for step in listed]
    ended = [entry["step"] for entry in entries_of(held.room) if entry["event"] == "end"]
    assert ended == [step.id for step in listed]


def test_every_screen_fits_80_columns_and_24_lines(held: Held) -> None:
    for page in held.shown.split("\x1b[H\x1b[2J\x1b[3J")[1:]:
        lines = re.split(r"\r\n", page.split("Enter goes on")[0])
        assert len(lines) <= 24, page
        assert max(map(len, lines)) < 80, page


def test_what_the_ceremony_leaves_restores_the_ca(held: Held, shm: Path) -> None:
    (shm / "password").write_text("new")
    sheets = list(held.room.sheets().values())[1:4]
    (copy,) = (held.room.base / "package-2").glob("package-*-copy-2")
    assert sorted(path.name for path in copy.iterdir()) == [
        *("decode.py", "package-sheets.pdf", "package.escrow", "recovery-card.pdf"),
    ]
    copy /= "package.escrow"
    escrow("recover", copy, *sheets, "--to", shm / "step", "--password-file", shm / "password").expect()
    assert sorted(path.name for path in (shm / "step/secrets").iterdir()) == ["intermediate_ca_key", "root_ca_key"]


def words_on(record: Record) -> bytes:
    """The words of a sheet from where the share's value begins: what comes before is public."""
    rows = [row[:-1] for row in to_words(record.encode())]
    return " ".join(list(itertools.chain(*rows))[12:]).encode()


def secrets_of(held_in: Room) -> dict[str, bytes]:
    """Every secret of a ceremony, opened from its paper."""
    sheets = held_in.sheets()
    records = {name: record_on(path) for name, path in sheets.items()}
    values = {record.position: record.value for record in records.values()}
    wrapping_key = recovery.combine(held_in.plan.policy, values)
    sealed = Package.decode((held_in.out / "package.escrow").read_bytes())
    with Secret.of(wrapping_key) as secret:
        members = package.open_package(sealed, secret)
    found = {f"share {name}": record.value for name, record in records.items()} | {"W": wrapping_key}
    for name, record in records.items():
        found[f"words {name}"] = words_on(record)
    for name, member in members.items():
        if name.startswith("secrets/"):
            key = serialization.load_pem_private_key(bytes(member.view), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            found[name] = key.private_numbers().private_value.to_bytes(32, "big")
        member.close()
    return found


def test_nothing_secret_is_in_journal_archive_or_on_the_screen(held: Held) -> None:
    scanner = Scanner(secrets_of(held.room))
    for path in (held.room.base / "tray").glob("*-sheet.pdf"):
        assert scanner.find(words_on(record_on(path)), "control")
    assert scanner.find(held.shown.encode(), "the screen") == []
    public = [path for path in held.room.out.rglob("*") if path.is_file()]
    assert len(public) > 15
    for path in public:
        assert scanner.find(path.read_bytes(), path.name) == [], path
    assert list((held.room.base / "scans").iterdir()) == [], "scans are removed when they were read"


@pytest.mark.parametrize("change", ["one officer alone", "a wrong half", "words of another plan"])
def test_a_ceremony_opens_only_with_both_halves_of_the_words_of_its_plan(change: str, shm: Path) -> None:
    held_in = room(shm, threshold=2, custodians=3)
    player = Player(held_in)
    words = list(held_in.plan.words)
    other = list(words_of(bytes(32)))
    wrong = {
        "one officer alone": " ".join(words[:16]),
        "a wrong half": " ".join([*words[16:31], "able" if words[31] != "able" else "acid"]),
        "words of another plan": " ".join(other[16:]),
    }[change]
    player.answers[f"{OFFICERS[1]}: your half"] = [wrong, "", "able", wrong]
    player.play(until=lambda _: "This did not succeed" in player.screen)
    assert f"{OFFICERS[1]} did not type words 17 to 32" in player.screen
    assert "the ceremony is not opened" in player.screen
    assert "They are 16, and you typed 1. Nothing else is lost." in player.screen
    assert [asked for asked in player.asked if "your half" in asked] == [
        f"{OFFICERS[0]}: your half, words 1 to 16",
        *[f"{OFFICERS[1]}: your half, words 17 to 32"] * 4,
    ]
    entries = entries_of(held_in)
    assert [entry["step"] for entry in entries if entry["event"] == "end"][-1] == "test-page"
    (exception,) = [entry for entry in entries if entry["event"] == "exception"]
    assert exception["expected"] == f"{OFFICERS[1]} types words 17 to 32."
    player.terminal.process.send_signal(signal.SIGTERM)
    assert player.end() == 130


def test_a_half_that_was_refused_is_typed_again_and_the_other_one_stands(shm: Path) -> None:
    player = Player(room(shm, threshold=2, custodians=2))
    player.answers[f"{OFFICERS[0]}: your half"] = ["able acid"]
    player.answers[f"{OFFICERS[1]}: your half"] = ["able " * 16]
    player.play(until=lambda _: "step 3.2" in player.screen)
    assert len([asked for asked in player.asked if "your half" in asked]) == 4
    assert not [entry for entry in entries_of(player.room) if entry["event"] in {"fail", "exception"}]
    player.terminal.type("\x03")
    player.terminal.expect("Type 'stop' to end the program; Enter goes back: ")
    player.terminal.type("stop\n")
    player.terminal.expect("The ceremony has not ended: the same command goes on with it.")
    assert "Nothing unfinished" not in player.terminal.shown
    assert player.end() == 130


def test_a_bag_number_that_does_not_fit_the_label_is_asked_for_again(shm: Path) -> None:
    player = Player(room(shm, threshold=2, custodians=2))
    player.answers["Number of the bag of share 1"] = ["B" * 13, "", "B 1234 5678"]
    player.answers["The same number"] = ["b12345678"]
    player.answers["Number of the bag of share 2"] = ["B12345678"]
    player.play(until=lambda question: "share 2" in question and not any(player.answers.values()))
    shown = " ".join(player.terminal.shown.split())
    assert "This number has 13 characters, and label and receipt have boxes for 12." in shown
    assert "Every bag has a number: type it." in shown
    assert "This number was used before: each bag is used once." in shown
    player.terminal.process.kill()
    player.end()


def test_a_sheet_that_came_out_spoilt_is_printed_again_before_it_is_read(shm: Path) -> None:
    player = Player(room(shm, threshold=2, custodians=2))
    player.play(until=lambda question: question.startswith("Is it as expected") and "type print" in question)
    player.answers["Is it as expected"] = ["bad", "print"]
    player.play(until=lambda question: "sheet of share 1" in question)
    entries = [(entry["event"], entry.get("step")) for entry in entries_of(player.room)]
    assert ("fail", "print 1.1") in entries
    assert len(list((shm / "tray").glob("*-sheet.pdf"))) == 2
    player.terminal.process.kill()
    player.end()


def test_paper_comes_out_where_the_script_says_and_is_in_the_archive(held: Held) -> None:
    """The test page before there are keys, what goes with the sheets before the first, new labels at the end."""
    tray = [path.stem.partition("-")[2] for path in sorted((held.room.base / "tray").iterdir())]
    shares = range(1, 6)
    stacks = [name for share in shares for name in (f"label-{share}", f"receipt-{share}")]
    stacks += ["recovery-card", "package-sheets"] * 2 + ["recovery-card"]
    assert tray[: len(stacks) + 6] == ["test-page", *stacks, *["sheet"] * 5]
    ended = {entry["step"]: entry["facts"] for entry in entries_of(held.room) if entry["event"] == "end"}
    opened = [f"label-{x}" for _, x in ended["quorum"]["positions"]]
    assert tray[len(stacks) + 6 :] == opened
    assert list(ended).index("test-page") < list(ended).index("open") < list(ended).index("keys")
    for paper in [*ended["papers"]["papers"], *ended["bag-again"]["papers"]]:
        document = (held.room.out / paper["name"]).read_bytes()
        assert hashlib.sha256(document).hexdigest() == paper["sha256"]
    assert sum(paper["pages"] * paper["printed"] for paper in ended["papers"]["papers"]) == 38
    assert {Path(paper["name"]).stem for paper in ended["bag-again"]["papers"]} == set(opened)


def test_the_receipts_of_a_ceremony_have_everything_that_the_plan_knows(held: Held) -> None:
    need("pdftotext")
    for share, custodian in enumerate(held.room.plan.custodians, 1):
        text = run("pdftotext", "-raw", held.room.out / f"documents/receipt-{share}.pdf", "-").expect().out
        for known in (custodian.name, custodian.unit, custodian.manager, custodian.site):
            assert text.count(f"\n{known}\n") == 3, known


def test_the_words_of_set_and_share_are_shown_and_stand_on_sheet_and_label(held: Held) -> None:
    manifest = Package.decode((held.room.out / "package.escrow").read_bytes()).manifest
    (shown,) = re.findall(r"The words of the set:  ([A-Z ]+)\r", held.shown)
    assert shown == set_words(manifest.set_id)
    shares = re.findall(r"The words of the share:\s+([A-Z]+ [A-Z]+\s+[A-Z]+ [A-Z]+)\s", held.shown)
    assert [" ".join(words.split()) for words in shares] == [
        share_words(manifest.commitment_at(position)) for position in manifest.policy.positions
    ]


def test_a_note_an_exception_a_pause_and_a_spoilt_sheet_are_part_of_a_ceremony(shm: Path) -> None:
    held_in = room(shm, threshold=2, custodians=2)
    player = Player(held_in)
    player.answers["Enter goes on"] = ["note", "exception", "pause"]
    player.answers["The note"] = ["the clock on the wall is late"]
    player.answers["What was expected"] = ["two chairs"]
    player.answers["What happened"] = ["three chairs"]
    player.answers["What was done"] = ["one was carried out"]
    player.answers["What does it touch"] = ["i"]
    player.play(until=lambda question: "sheet of share 1: scan" in question)
    (shm / "scans/white.png").write_bytes(_white())
    player.answers[player.asked[-1][:20]] = [""]
    player.answers["Type 'again'"] = ["maybe", "print"]
    player.play(until=lambda question: question.startswith("Enter goes on") and "step 7.1" in player.screen)
    said = player.terminal.shown.rpartition("This is not share 1 alone:\r\n")[2].split("\x1b")[0].split("\r\n")
    assert said[0].startswith("  No share (")
    assert [line for line in said if line.startswith(("again", "print"))] == [
        "again: the paper is good, and is read once more.",
        "print: the paper is spoilt. Shred it first; then it is printed anew.",
    ]
    assert "Enter tries" not in player.asked[-1]
    player.play()
    assert player.end() == 0, player.terminal.shown[-1500:]
    entries = entries_of(held_in)
    assert [entry["event"] for entry in entries if entry["event"] in {"note", "exception", "pause", "settle"}] == [
        *("note", "exception", "pause", "pause", "settle"),
    ]
    failed = next(entry for entry in entries if entry["event"] == "fail")
    assert failed["again"] == "print 1.1"
    assert [entry["step"] for entry in entries if entry["event"] == "end"].count("print 1.1") == 2
    escrow("audit", held_in.out).expect()


def _white() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (800, 1100), 255).save(buffer, "PNG")
    return buffer.getvalue()


def test_an_aborted_ceremony_destroys_what_came_out_and_leaves_an_archive(shm: Path) -> None:
    held_in = room(shm, threshold=2, custodians=3)
    player = Player(held_in)
    player.play(until=lambda question: "sheet of share 2: scan" in question)
    player.answers[player.asked[-1][:20]] = ["abort"]
    player.answers["Why is the"] = ["fire alarm"]
    player.answers["Everything in memory"] = ["abort"]
    player.play()
    assert player.end() == 1
    assert "The ceremony is aborted" in player.terminal.shown
    pages = player.terminal.shown.split("\x1b[H\x1b[2J\x1b[3J")
    after = next(number for number, page in enumerate(pages) if "Why is the ceremony aborted" in page)
    assert all("ABORTING: fire alarm" in page for page in pages[after + 1 :])
    assert len(pages) > after + 2
    assert not (held_in.out / "package.escrow").exists()
    escrow("audit", held_in.out).expect()


def test_aborted_before_it_was_opened_and_killed_after_a_ceremony_ends_unsigned(shm: Path) -> None:
    held_in = room(shm, threshold=2, custodians=2)
    player = Player(held_in)
    player.answers = {"Enter goes on": ["abort"], "Why is the": ["fire alarm"], "Everything in": ["abort"]}
    player.play(until=lambda _: "step 10.3" in player.screen)
    player.terminal.process.kill()
    player.end()
    player = Player(held_in)
    player.play()
    assert player.end() == 1
    assert "The ceremony is aborted" in player.terminal.shown
    done = escrow("audit", held_in.out)
    assert done.status == 1
    assert "\n\njournal.jsonl.sig: it is not signed" in done.out
    again = Player(held_in)
    again.play()
    assert again.end() == 1
    assert "The ceremony is aborted" in again.terminal.shown


def test_groups_and_wrong_answers_cost_nothing(shm: Path) -> None:
    """2 of 2 groups; a no to what was expected, a wrong sheet for the quorum, an exception that touches nothing."""
    text = (room(shm, custodians=4).base / "ceremony.toml").read_text()
    head, *custodians = text.split("[[custodian]]\n")
    groups = '[quorum]\ngroups_needed = 2\n\n[[group]]\nname = "A"\nthreshold = 2\n\n[[group]]\nname = "B"\n'
    head = re.sub(r'\[\[group\]\]\nname = "Custodians"\nthreshold = \d\n', groups + "threshold = 2\n", head)
    members = (f'[[custodian]]\ngroup = "{"AB"[n % 2]}"\n{block}' for n, block in enumerate(custodians))
    (shm / "ceremony.toml").write_text(head + "".join(members))
    held_in = Room(shm)
    player = Player(held_in)
    player.answers = {
        "Is it as expected": ["no", "exception", "yes"],
        "What was expected": ["a"],
        "What happened": ["b"],
        "What does it touch": ["feelings", "nothing"],
        "Number or folder of the medium for copy 1": ["", "1000", "nowhere", str(shm / "nowhere")],
    }
    player.play(until=lambda question: "sheet of share" in question and "Officer Alan Turing:" in player.screen)
    player.answers[player.asked[-1]] = [""]  # nothing lies in the scanner
    player.play()
    assert player.end() == 0, player.terminal.shown[-1500:]
    escrow("audit", held_in.out).expect()
    (exception,) = [entry for entry in entries_of(held_in) if entry["event"] == "exception"]
    assert exception["touches"] == []
    (proof,) = [e["facts"] for e in entries_of(held_in) if e["event"] == "end" and e["step"] == "quorum"]
    assert sorted(proof["positions"]) == [[1, 1], [1, 2], [2, 1], [2, 2]]


@pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, CEREMONIES))])
def test_killed_at_random_moments_a_ceremony_goes_on_and_closes_well(number: int, shm: Path) -> None:
    """Fifty kills in all, by SIGKILL, at prompts and inside actions; sheets, keys and quorum are right at the end."""
    chance = random.Random(f"{SEED} {number}")  # noqa: S311 - not for keys
    held_in = room(shm, threshold=2, custodians=2)
    kills = len(range(number, KILLS, CEREMONIES))
    bags = itertools.count()
    for _ in range(kills):
        player = _player(held_in, bags)
        patience = itertools.count(chance.randrange(3, 40), -1)
        inside = chance.random() < 0.5

        def is_time(_question: str, patience: Iterator[int] = patience) -> bool:
            return next(patience) <= 0

        player.play(until=is_time)
        if inside and player.terminal.process.poll() is None:
            player.terminal.type(player.answer(player.asked[-1]) + "\n")
            player.terminal.read(chance.random() * 0.2)
        player.terminal.process.kill()
        player.end()
        entries, torn = decode((held_in.out / "journal.jsonl").read_bytes())
        assert not torn
        if entries[-1].event == "end" and entries[-1].fields["step"] == "close":
            break
    else:
        player = _player(held_in, bags)
        player.play()
        assert player.end() == 0, player.terminal.shown[-2000:]
    escrow("audit", held_in.out).expect()
    secrets = secrets_of(held_in)
    assert len(secrets) == 2 + 1 + 2 + 2
    assert [entry["event"] for entry in entries_of(held_in)].count("session") > 1


def _player(held_in: Room, bags: Iterator[int]) -> Player:
    player = Player(held_in)
    player.bags = (10_000 * (1 + next(bags)) + n for n in itertools.count())
    return player
