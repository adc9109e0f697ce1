"""`escrow preflight` on the real machine, whatever that is: only what is sure is asserted."""

import datetime as dt
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import Run, Terminal, as_ordinary_user, can_lock, escrow, need, run

from ceremony import spoken
from ceremony.planning.lint_list import LINTS
from ceremony.planning.lints import lint
from ceremony.planning.plan import load
from ceremony.preflight.checks.tool import fingerprint
from ceremony.preflight.ids import IDS, NEVER_WAIVED
from ceremony.preflight.machine import Machine
from ceremony.run.examine import look
from escrow.errors import LockedMemoryError
from escrow.memory import prove_lockable
from escrow.memory.process import LOCKED_BYTES_NEEDED

TOP = Path(__file__).parent.parent
COMMAND: list[str | Path] = [sys.executable, "-m", "ceremony", "preflight"]
NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]

Checks = dict[str, dict[str, str]]


def results(done: Run) -> Checks:
    """The checks by their ids; the exit status must be what they say."""
    said = json.loads(done.out)
    checks = {check["id"]: check for check in said["checks"]}
    assert tuple(checks) == IDS
    failed = [check for check in checks.values() if check["status"] == "FAIL"]
    assert (done.status, said["fit"]) == ((3, False) if failed else (0, True)), done.err
    return checks


def in_namespace(script: str, *arguments: object, more: Sequence[str] = ()) -> Run:
    """Run a shell script that mounts things, in a mount namespace of its own."""
    need("unshare", "mount")
    done = run(*NAMESPACE, *more, "sh", "-euc", script, "sh", *arguments)
    if "unshare" in done.err:
        pytest.skip(f"namespaces are not allowed here: {done.err}")
    return done


def test_the_real_machine_is_looked_at_and_what_is_sure_is_right() -> None:
    checks = results(escrow("preflight", "--json"))
    assert checks["self-tests"]["status"] == "PASS"
    assert checks["random"]["status"] in {"PASS", "WARN"}
    assert checks["memory-lock"]["status"] == ("PASS" if can_lock() else "FAIL")
    words = " ".join(spoken.words_of(fingerprint(Machine().tool)))
    assert words in checks["tool"]["value"]
    swaps = Path("/proc/swaps").read_text().splitlines()[1:]
    assert checks["no-swap"]["status"] == ("FAIL" if swaps else "PASS")


def test_the_printed_words_of_the_program_are_compared() -> None:
    words = spoken.words_of(fingerprint(Machine().tool))
    done = escrow("preflight", "--json", "--tool-words", " ".join(words).upper())
    assert results(done)["tool"]["status"] == "PASS"
    done = escrow("preflight", "--json", "--tool-words", " ".join(reversed(words))).expect(3)
    assert results(done)["tool"]["status"] == "FAIL"


def test_an_account_that_may_not_lock_memory_is_told_what_to_do() -> None:
    checks = results(as_ordinary_user(8 * 2**20, *COMMAND, "--json").expect(3))
    assert checks["memory-lock"]["status"] == "FAIL"
    assert "RLIMIT_MEMLOCK" in checks["memory-lock"]["value"]
    assert "prlimit --memlock=unlimited" in checks["memory-lock"]["remedy"]
    assert checks["self-tests"]["status"] == "PASS"


PROVE = "import sys; from escrow.memory import prove_lockable as p; p(int(sys.argv[1]))"


def test_memory_can_be_locked_up_to_the_limit_and_not_a_page_more() -> None:
    limit = 4 * 2**20
    as_ordinary_user(limit, sys.executable, "-c", PROVE, str(limit)).expect()
    done = as_ordinary_user(limit, sys.executable, "-c", PROVE, str(limit + 4096)).expect(1)
    assert "4 MiB of memory cannot be locked: the limit on locked memory (RLIMIT_MEMLOCK) is reached." in done.err


@pytest.mark.skipif(not can_lock(), reason="needs an account that may lock memory")
def test_the_memory_is_really_locked_and_given_back_also_by_a_protected_process(tmp_path: Path) -> None:
    need("strace")
    trace = tmp_path / "trace"
    code = "from escrow.memory import prove_lockable as p; p()"
    run("strace", "-f", "-e", "trace=mlock,munmap", "-o", trace, sys.executable, "-c", code).expect()
    (process,) = re.findall(rf"^(\d+) +mlock\(0x\w+, {LOCKED_BYTES_NEEDED}\) += 0$", trace.read_text(), re.MULTILINE)
    assert re.search(rf"^{process} +munmap\(0x\w+, {LOCKED_BYTES_NEEDED}\) += 0$", trace.read_text(), re.MULTILINE)
    assert f"{process} " != f"{trace.read_text().split()[0]} ", "the command itself locked it, not a child"
    if run("prlimit", f"--memlock={LOCKED_BYTES_NEEDED}", "true").status == 0:  # not where root lacks CAP_SYS_RESOURCE
        code = "from escrow.memory import protect, prove_lockable as p; protect(required=True); p()"
        as_ordinary_user(LOCKED_BYTES_NEEDED, sys.executable, "-c", code).expect()


def test_more_memory_than_there_is_cannot_be_locked() -> None:
    with pytest.raises(LockedMemoryError, match="MiB of memory cannot be locked"):
        prove_lockable(1 << 46)


def test_nothing_is_written() -> None:
    need("strace")
    command = ["strace", "-f", "-e", "trace=open,openat,creat,mkdir,mkdirat,unlink,unlinkat,rename", *COMMAND, "--json"]
    done = run(*command, env={"PYTHONDONTWRITEBYTECODE": "1"})
    writing = [
        line for line in done.err.splitlines() if re.search(r"O_WRONLY|O_RDWR|O_CREAT|\b(?:mk|unl|ren)\w+\(", line)
    ]
    harmless = re.compile(r'"/dev/null"|"/dev/tty"|"/proc/self/oom_score_adj"|ENOENT|\+\+\+')
    assert [line for line in writing if not harmless.search(line)] == []


def test_a_machine_without_interfaces_has_no_network() -> None:
    """The kernel's own files, in a network namespace of which only the loopback is known."""
    script = 'mount -t sysfs sysfs /sys && exec "$@"'
    done = in_namespace(script, *COMMAND, "--json", more=["--net"])
    if "mount" in done.err:
        pytest.skip(f"/sys cannot be mounted here: {done.err}")
    checks = results(done)
    assert (checks["no-network"]["status"], checks["no-network"]["value"]) == ("PASS", "only lo; down: none")


@pytest.mark.parametrize(("kind", "status"), [("tmpfs", "PASS"), ("hidden", "FAIL")])
def test_the_root_of_a_live_system_is_recognised(kind: str, status: str, shm: Path) -> None:
    """An overlay on a tmpfs, as live systems have it, and one that writes to where it cannot be seen."""
    upper, root = shm / "upper", shm / "root"
    upper.mkdir()
    root.mkdir()
    script = """
        upper=$1 root=$2 kind=$3; shift 3
        mount -t tmpfs tmpfs "$upper"
        mkdir "$upper/rw" "$upper/work"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$upper/rw,workdir=$upper/work" "$root"
        for path in /proc /sys /dev "$PWD"; do mkdir -p "$root$path"; mount --rbind "$path" "$root$path"; done
        [ "$kind" = hidden ] && mount -t tmpfs tmpfs "$root/dev/shm" || mount --bind "$upper" "$root$upper"
        cd /; exec chroot "$root" "$@"
    """
    env = ["env", f"PYTHONPATH={TOP}"]
    done = in_namespace(script, upper, root, kind, *env, *COMMAND, "--json")
    if "mount" in done.err:
        pytest.skip(f"an overlay cannot be mounted here: {done.err}")
    check = results(done)["root-in-memory"]
    assert check["status"] == status, check
    assert ("an overlay that writes to tmpfs" if status == "PASS" else "cannot be seen") in check["value"]


def test_a_recorder_of_the_terminal_is_noticed(tmp_path: Path) -> None:
    need("script")
    out = tmp_path / "out"
    command = " ".join(map(str, [*COMMAND, "--json"]))
    run("script", "--quiet", "--command", f"{command} > {out}", "/dev/null")
    checks = {check["id"]: check for check in json.loads(out.read_text())["checks"]}
    assert checks["terminal-log"]["status"] == "FAIL"
    assert "script" in checks["terminal-log"]["value"]


def test_history_in_a_file_on_a_disk_is_noticed_and_switching_it_off_is_believed() -> None:
    off = results(run(*COMMAND, "--json", env={"HISTFILE": "/dev/null"}))["shell-history"]
    assert off["status"] == "PASS"
    on = results(run(*COMMAND, "--json", env={"HISTFILE": "relative"}))["shell-history"]
    assert on["status"] == "FAIL"


def make_plan(directory: Path, waived: Sequence[str]) -> Path:
    """The plan that `escrow init` writes, with checks of preflight waived."""
    path = directory / "ceremony.toml"
    escrow("init", path).expect()
    with path.open("a") as file:
        for identifier in waived:
            file.write(f'\n[[waiver]]\nlint = "{identifier}"\nreason = "Because {identifier} is tried here."\n')
    return path


@pytest.mark.skipif(not can_lock(), reason="needs an account that may lock memory")
def test_what_the_plan_waives_is_waived_with_its_reason_and_the_rest_decides(tmp_path: Path) -> None:
    waivable = [identifier for identifier in IDS if identifier not in NEVER_WAIVED]
    plan = make_plan(tmp_path, waivable)
    shown = escrow("preflight", plan).expect(0).out
    assert "This machine is fit for the ceremony." in shown
    assert spoken.rows_of(load(plan).words)[0] in shown
    said = json.loads(escrow("preflight", plan, "--json").expect(0).out)
    assert said["plan_words"] == list(load(plan).words)
    for check in said["checks"]:
        assert check["status"] != "FAIL"
        assert check["waiver"] == (f"Because {check['id']} is tried here." if check["status"] == "WAIVED" else "")
    assert any(check["status"] == "WAIVED" for check in said["checks"])


@pytest.mark.parametrize("task", ["recovery", "drill", "crl"])
def test_a_ceremony_that_prints_nothing_asks_for_no_printer(task: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    escrow("init", "--for", task, file).expect()
    plan = load(file)
    no_printer = "not looked at: this ceremony prints nothing"
    looked = look(plan, lambda *_: None, dt.datetime.now(dt.UTC))([])
    for found in results(escrow("preflight", file, "--json")), {each.id: vars(each) for each in looked}:
        for check in ("printer", "print-spool", "print-history"):
            assert (found[check]["status"], found[check]["value"]) == ("PASS", no_printer)
    sealing = results(escrow("preflight", make_plan(tmp_path, []), "--json"))
    assert sealing["printer"]["value"] != no_printer


def test_lint_knows_the_ids_of_preflight_and_which_cannot_be_waived(tmp_path: Path) -> None:
    assert not {rule.id for rule in LINTS} & set(IDS)
    plan = load(make_plan(tmp_path, ["no-network", "memory-lock", "no-netwerk"]))
    found = {finding.lint: finding.text for finding in lint(plan, plan.ceremony.date, plan.ceremony.date)}
    assert "memory-lock" in found["waiver-not-allowed"]
    assert "no-netwerk" in found["waiver-unknown"]
    assert len(found) == 2


def test_a_plan_that_is_wrong_is_said_before_anything_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("nothing = 1\n")
    done = escrow("preflight", tmp_path / "plan.toml").expect(2)
    assert done.out == ""
    assert "plan.toml" in done.err


def test_two_people_type_the_time_at_a_terminal_of_80_columns() -> None:
    terminal = Terminal(*COMMAND, "--ask-time")
    terminal.expect("Person 1 of 2")
    terminal.type("noon\n")
    terminal.expect("That is no time")
    for person in ("Person 1 of 2", "Person 2 of 2"):
        terminal.expect(person) if person.startswith("Person 2") else terminal.expect("Enter:")
        terminal.type(f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S}\n")
    terminal.expect("This machine is")
    terminal.end()
    assert re.search(r"PASS +clock-drift", terminal.shown)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.shown)
    table = plain[plain.index("memory-lock") - 8 :]
    assert max(map(len, table.splitlines())) <= 80


def test_the_time_is_asked_for_at_a_terminal_only() -> None:
    done = escrow("preflight", "--ask-time").expect(2)
    assert "terminal" in done.err


def test_ctrl_c_while_the_time_is_asked_for_ends_it() -> None:
    terminal = Terminal(*COMMAND, "--ask-time")
    terminal.expect("Person 1 of 2")
    terminal.type("\x03")
    terminal.expect("Interrupted")
    assert terminal.end() == 130
