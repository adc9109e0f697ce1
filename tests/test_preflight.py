"""Each check of a machine passes, warns and fails where it should, and never passes what it cannot see."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
from machine_cases import CALM, CASES, FAIL, PASS, SECONDS, WAIVED, WARN, Case, refuse
from machines import Stage

from ceremony import spoken
from ceremony.preflight.checklist import Expected, checks
from ceremony.preflight.checks.clock import clock_drift
from ceremony.preflight.checks.tool import fingerprint
from ceremony.preflight.finding import Result
from ceremony.preflight.ids import IDS, NEVER_WAIVED
from ceremony.preflight.machine import Machine, UnreadableError, execute
from ceremony.preflight.run import _make, failures, run
from ceremony.preflight.show import COLUMNS, as_json, table, worst_first
from escrow import selftest

GARBAGE = (b"", b"\n", b"garbage\n", b"\xff\xfe\0\x01", b"no such thing = 1\n" * 50, b"{}" * 3000, b"-1\n")


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Progress is nobody's concern here."""


def look(identifier: str, machine: Machine, expected: Expected) -> Result:
    (check,) = (check for check in checks(expected) if check.id == identifier)
    return _make(check, machine)


NUMBERED = [pytest.param(case, id=f"{case.id}-{case.status.value}-{number}") for number, case in enumerate(CASES)]
PASSING = [param for param in NUMBERED for case in param.values if isinstance(case, Case) and case.status is PASS]


@pytest.mark.parametrize("case", NUMBERED)
def test_each_check_says_what_it_should_of_each_machine(case: Case, tmp_path: Path) -> None:
    result = look(case.id, case.stage.build(tmp_path), case.expected)
    assert (result.status, result.id) == (case.status, case.id), result
    assert case.value in f"^{result.value}$"  # so that a value can say where it begins and ends
    assert bool(result.remedy) == (case.status is not PASS)


def test_every_check_is_seen_to_pass_and_to_fail_or_to_warn() -> None:
    assert tuple(check.id for check in checks(CALM)) == IDS
    recorded = {"lockdown", "secure-boot", "tracing", "camera"}  # these never stop a ceremony
    for identifier in IDS:
        seen = {case.status for case in CASES if case.id == identifier}
        assert PASS in seen or identifier == "tool", identifier
        assert (WARN if identifier in recorded else FAIL) in seen, identifier


FREE_TEXT = {f"/sys/class/dmi/id/{name}" for name in ("sys_vendor", "product_name")}
SCOPE = "/sys/class/power_supply/BAT0/scope"  # without it a battery counts, as with it
ANY_TEXT = {b"garbage\n", b"{}" * 3000, b"-1\n"}  # a maker may call itself that


class Watched(Machine):
    """Remembers which files were read."""

    def read(self, path: str) -> str:
        text = super().read(path)
        READ.append(path)
        return text


READ: list[str] = []


@pytest.mark.parametrize("case", PASSING)
def test_a_check_never_passes_when_what_it_reads_is_missing_or_garbage(case: Case, tmp_path: Path) -> None:
    READ.clear()
    machine = case.stage.build(tmp_path, Watched)
    look(case.id, machine, case.expected)
    for path in dict.fromkeys(READ):
        file = tmp_path / path.lstrip("/")
        whole = file.read_bytes()
        for damage in (None, *GARBAGE):
            if damage == whole or (path in FREE_TEXT and damage in ANY_TEXT) or (path == SCOPE and damage is None):
                continue
            file.unlink() if damage is None else file.write_bytes(damage)
            assert look(case.id, machine, case.expected).status is not PASS, (path, damage)
            file.write_bytes(whole)
        assert look(case.id, machine, case.expected).status is PASS


@pytest.mark.parametrize("identifier", IDS)
def test_a_check_never_passes_on_a_machine_of_which_nothing_can_be_seen(identifier: str, tmp_path: Path) -> None:
    def unseen(*_: object) -> str:
        message = "nothing to see"
        raise UnreadableError(message)

    def undone() -> None:
        unseen()

    machine = Machine(tmp_path, unseen, undone, undone, {"sums": undone}, {"escrow": tmp_path / "none"})
    result = look(identifier, machine, replace(CALM, drifts=(), day=None))
    assert result.status is not PASS, result
    assert result.remedy


def test_what_no_check_foresaw_is_a_failure_that_quotes_nothing(tmp_path: Path) -> None:
    def burst() -> None:
        raise RuntimeError("hunter2")  # noqa: EM101 - what must not be shown

    result = look("memory-lock", Stage(lock=burst).build(tmp_path), CALM)
    assert result.status is FAIL
    assert "RuntimeError" in result.value
    assert "hunter2" not in result.value


def test_a_fit_machine_is_fit_and_progress_is_told(tmp_path: Path) -> None:
    machine = Stage().build(tmp_path)
    told = []
    words = spoken.words_of(fingerprint(machine.tool))
    expected = replace(CALM, tool_words=tuple(word.upper() for word in words))
    results = run(machine, {}, lambda *step: told.append(step[1:]), expected)
    assert [result.id for result in results if result.status is not PASS] == []
    assert told == [(number, len(IDS)) for number in range(len(IDS) + 1)]


def test_a_waiver_turns_a_failure_into_waived_with_its_reason_and_nothing_else(tmp_path: Path) -> None:
    machine = replace(Stage({"/proc/net/route": "", "/dev/video0": None}).build(tmp_path), lock=refuse)
    waivers = {"no-network": "No cable is in the room.", "camera": "Scanner.", "memory-lock": "Why not?", "k-is-n": "x"}
    results = {result.id: result for result in run(machine, waivers, no_progress, CALM)}
    assert (results["no-network"].status, results["no-network"].waiver) == (WAIVED, "No cable is in the room.")
    assert (results["camera"].status, results["camera"].waiver) == (WARN, "")
    assert results["memory-lock"].status is FAIL
    assert "cannot be waived" in results["memory-lock"].remedy
    assert [result.id for result in failures(tuple(results.values()))] == ["memory-lock"]


def test_what_can_never_be_waived_is_the_lock_and_the_self_tests() -> None:
    assert set(NEVER_WAIVED) == {"memory-lock", "self-tests"}


def test_a_waiver_without_a_reason_waives_nothing(tmp_path: Path) -> None:
    machine = Stage({"/proc/net/route": ""}).build(tmp_path)
    assert [result.id for result in failures(run(machine, {"no-network": " "}, no_progress, CALM))] == ["no-network"]


def test_the_table_has_80_columns_no_colour_and_all_that_a_check_has_to_say(tmp_path: Path) -> None:
    bold = {"/proc/100/status": "Name:\t\x1b[31mbold\u202e\nPPid:\t1\n", "/sys/block/sdb/device/model": "M" * 300}
    machine = Stage({"/proc/net/route": "", **bold}).build(tmp_path)
    results = run(machine, {"no-network": "No cable is in the room. " * 9}, no_progress)
    shown = table(results)
    assert max(map(len, shown.splitlines())) <= COLUMNS == 80
    assert "?[31mbold?" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    flat = " ".join(shown.split())
    for result in results:
        for text in (result.id, result.requirement, result.measured, result.status.value, result.waiver):
            assert " ".join(text.split()) in flat
    assert "Compare the list with the preparation's record." in flat  # a remedy of the finding's own
    assert "This machine is fit for the ceremony." in flat
    bad = table(run(machine, {}, no_progress))
    assert "This machine is NOT FIT for the ceremony: no-network." in bad


def test_the_results_are_json_and_say_the_same(tmp_path: Path) -> None:
    results = run(Stage({"/proc/net/route": ""}).build(tmp_path), {}, no_progress, CALM)
    again = json.loads(json.dumps(as_json(results)))
    assert again["fit"] is False
    assert [check["id"] for check in again["checks"]] == list(IDS)
    assert {check["status"] for check in again["checks"]} == {"PASS", "WARN", "FAIL"}
    assert set(again["checks"][0]) == {"id", "requirement", "measured", "value", "status", "remedy", "waiver"}


def test_results_hold_no_names_of_people_and_no_serial_numbers(tmp_path: Path) -> None:
    files = {
        "/proc/self/environ": "HISTFILE=/home/anna/history\0HOME=/home/anna\0USER=anna\0",
        "/proc/swaps": "Filename Type\n/home/anna/swap file 1 0 -2\n",
        "/home/anna/": "",
    }
    shown = json.dumps(as_json(run(Stage(files).build(tmp_path), {}, no_progress, CALM)))
    assert "anna" not in shown
    assert "CNF12345" not in shown


def test_the_clock_is_as_far_off_as_the_farthest_watch() -> None:
    now = dt.datetime(2030, 1, 15, 10, tzinfo=dt.UTC)
    assert clock_drift(now, [now + 5 * SECONDS, now - 61 * SECONDS]) == 61 * SECONDS
    with pytest.raises(ValueError, match="empty"):
        clock_drift(now, [])


def test_the_fingerprint_changes_with_every_name_and_byte_and_not_with_what_python_compiles(tmp_path: Path) -> None:
    library, templates = tmp_path / "escrow", tmp_path / "templates"
    for path in (library / "a.py", library / "b/c.py", templates / "t.toml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    folders = {"escrow": library, "templates": templates}
    seen = {fingerprint(folders)}
    (library / "__pycache__").mkdir()
    (library / "__pycache__/a.pyc").write_text("compiled")
    seen.add(fingerprint(folders))
    assert len(seen) == 1
    (library / "a.py").write_text("A.py")
    seen.add(fingerprint(folders))
    (library / "a.py").rename(library / "d.py")
    seen.add(fingerprint(folders))
    (templates / "more.toml").write_text("")
    seen.add(fingerprint(folders))
    assert len(seen) == 4
    installed = library / "templates"  # as in a wheel: the same program, the same words
    templates.rename(installed)
    assert fingerprint({"escrow": library, "templates": installed}) in seen
    with pytest.raises(UnreadableError, match="empty"):
        fingerprint({"escrow": tmp_path / "nowhere"})


class WrongCipher:
    """Gives the plaintext back, whatever it is asked."""

    def __init__(self, _key: bytes) -> None:
        pass

    def encrypt(self, _nonce: bytes, text: bytes, _more: None) -> bytes:
        return text


ZEROS = bytes(32)
BROKEN: dict[str, list[tuple[str, object]]] = {
    "Shamir": [
        ("escrow.shamir.combine", lambda *_: ZEROS),
        ("escrow.shamir.interpolate", lambda *_: ZEROS),
        ("escrow.shamir.split", lambda *_: {1: ZEROS, 3: ZEROS}),
    ],
    "AES-GCM": [("cryptography.hazmat.primitives.ciphers.aead.AESGCM", WrongCipher)],
    "AES key wrap": [
        ("cryptography.hazmat.primitives.keywrap.aes_key_wrap", lambda *_: ZEROS),
        ("cryptography.hazmat.primitives.keywrap.aes_key_unwrap", lambda *_: ZEROS),
    ],
    "CMS": [("escrow.cms.decrypt", lambda *_: b""), ("escrow.cms.decrypt", lambda *_: b"specimen")],
    "words": [
        ("escrow.words.to_words", lambda _: [["able"] * 9] * 8),
        ("escrow.words.from_words", lambda _: (bytes(48), [])),
    ],
    "QR codes": [("escrow.paper.scan.read_codes", lambda _: ())],
    "fonts": [("escrow.selftest._NAMES", "\u6f22")],
}


@pytest.mark.parametrize("name", selftest.SELF_TESTS)
def test_a_self_test_holds_here_and_notices_a_wrong_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    selftest.SELF_TESTS[name]()
    for broken, replacement in BROKEN[name]:
        with monkeypatch.context() as patch, pytest.raises(Exception, match=r"wrong|noticed|lack") as caught:
            patch.setattr(broken, replacement)
            selftest.SELF_TESTS[name]()
        assert caught.type.__module__ == "escrow.errors"


def test_a_program_that_is_missing_or_says_nothing_is_not_believed() -> None:
    with pytest.raises(UnreadableError, match="not installed"):
        execute(["no-such-program-anywhere"])
    with pytest.raises(UnreadableError, match="says"):
        execute(["false"])
    assert execute(["uname"]).strip() == "Linux"
    assert execute(["true"]) == ""
    assert execute(["sh", "-c", "echo none; exit 1"]) == "none\n"  # as systemd-detect-virt does


def test_what_did_not_pass_is_said_worst_first_and_what_did_by_name() -> None:
    found = [(WARN, "power"), (PASS, "random"), (FAIL, "no-swap"), (WAIVED, "printer"), (PASS, "tool"), (FAIL, "root")]
    results = [
        Result(name, "It holds.", "looking", f"value of {name} " * 8, status, f"remedy of {name}", "Agreed.")
        if status is WAIVED
        else Result(name, "It holds.", "looking", f"value of {name} " * 8, status, f"remedy of {name}")
        for status, name in found
    ]
    lines = worst_first(results).splitlines()
    assert lines[0] == "2 PASS, 1 WARN, 2 FAIL, 1 WAIVED"
    begun = [line.split()[:2] for line in lines[1:] if not line.startswith(" ")]
    assert begun == [
        ["FAIL", "no-swap:"],
        ["FAIL", "root:"],
        ["WAIVED", "printer:"],
        ["WARN", "power:"],
        ["PASS", "random,"],
    ]
    assert lines[-1].split() == ["PASS", "random,", "tool"]
    assert max(map(len, lines)) < COLUMNS
    said = " ".join(worst_first(results).split())
    assert all(each in said for each in ("remedy of no-swap", "Waived by the plan: Agreed.", "remedy of power"))
    assert "remedy of random" not in said
