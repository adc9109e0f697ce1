"""A scratch CA: the real step-ca serves what a package gave back on loopback, issues one certificate, and is gone."""

import datetime as dt
import json
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from authorities import quiet
from helpers import PASSWORD, TIMEOUT, StepTree, need

from escrow import recovery, scratch, sealing
from escrow.authority import import_tree
from escrow.choice import Choice
from escrow.configuration import CONFIG
from escrow.errors import RefusedError
from escrow.gather import Collection
from escrow.manifest import Manifest
from escrow.memory import Secret
from escrow.package import Package
from escrow.policy import Policy
from escrow.scratch import Tried, try_out
from escrow.sealing import Order
from escrow.share import Kind

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


@contextmanager
def opened(tree: Path) -> Iterator[tuple[Manifest, Mapping[str, Secret]]]:
    """What a package of a tree gives back, the root's key left out."""
    authority = import_tree(tree, lambda *_: Secret.of(PASSWORD.encode()), quiet, NOW, Choice())
    made = sealing.seal_package(authority, Order(Kind.SPECIMEN, Policy.plain(2, 2), ("A", "B"), NOW), quiet)
    package = Package.decode(made.text)
    collection = Collection(package.manifest, keep=True)
    collection.shares = dict(made.shares)
    with recovery.recombine(collection) as wrapping_key:
        members = recovery.open_checked(package, wrapping_key)
    yield package.manifest, {name: members[name] for name in scratch.needed(package.manifest)}
    for each in members.values():
        each.close()


def step_ca() -> Path:
    need("step-ca", "step")
    return Path(shutil.which("step-ca") or "")


def digest_of(program: Path) -> str:
    return scratch.digest(program) if program.exists() else ""


def tree_with(original: StepTree, folder: Path, change: Mapping[str, object]) -> Path:
    """A copy of a tree whose ca.json says something else."""
    tree = Path(shutil.copytree(original.path, folder))
    settings = json.loads((tree / CONFIG).read_text())
    (tree / CONFIG).write_text(json.dumps(settings | change))
    return tree


def children() -> set[str]:
    """The processes that this one has started and not waited for."""
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize("kind", ["ssh", "Ed25519"])
def test_the_real_step_ca_starts_from_what_was_restored_issues_and_leaves_nothing(
    trees: Callable[[str], StepTree], shm: Path, tmp_path: Path, kind: str
) -> None:
    program = step_ca()
    # What asks others at the start, or serves others, is left out: a drill has no network.
    abroad = {"type": "OIDC", "name": "o", "clientID": "x", "configurationEndpoint": "https://127.0.0.1:1/none"}
    reaching = {
        "address": ":443",
        "insecureAddress": ":80",
        "db": {"type": "mysql", "dataSource": "nobody@tcp(127.0.0.1:1)/", "database": "x"},
        "dnsNames": ["ca.example.com", "10.1.2.3"],
        "authority": {"provisioners": [abroad], "enableAdmin": True},
    }
    before = children()
    with opened(tree_with(trees(kind), tmp_path / "tree", reaching)) as (manifest, members):
        assert "secrets/root_ca_key" not in members
        tried = try_out(program, digest_of(program), shm / "scratch", manifest, members, quiet)
    assert (tried.started, tried.issued, tried.problem) == (True, True, "")
    assert len(tried.certificate) == 64
    assert list(shm.iterdir()) == []
    assert children() <= before


def test_a_package_without_a_configuration_still_gives_a_ca_that_issues(
    trees: Callable[[str], StepTree], shm: Path, tmp_path: Path
) -> None:
    program = step_ca()
    tree = Path(shutil.copytree(trees("P-256").path, tmp_path / "tree"))
    shutil.rmtree(tree / "config")
    with opened(tree) as (manifest, members):
        assert CONFIG not in members
        assert try_out(program, digest_of(program), shm / "scratch", manifest, members, quiet).issued


def wrapped(program: Path, where: Path, before: str) -> Path:
    """A program that does something, and then becomes another."""
    lines = ["import json, os, shutil, sys", "folder = os.environ['STEPPATH'] + '/'", before]
    where.write_text("\n".join([f"#!{sys.executable}", *lines, f"os.execv({str(program)!r}, sys.argv)", ""]))
    where.chmod(0o700)
    return where


_WITHOUT_PROVISIONERS = """
settings = json.load(open(folder + 'config/ca.json'))
settings['authority']['provisioners'] = []
json.dump(settings, open(folder + 'config/ca.json', 'w'))
"""


def test_while_step_ca_serves_its_keys_are_encrypted_and_it_is_told_no_password(
    trees: Callable[[str], StepTree], shm: Path, tmp_path: Path
) -> None:
    kept, told = tmp_path / "kept", tmp_path / "told"
    look = f"shutil.copytree(folder, {str(kept)!r})\njson.dump([sys.argv, dict(os.environ)], open({str(told)!r}, 'w'))"
    spy = wrapped(step_ca(), tmp_path / "spy", look)
    with opened(trees("P-256").path) as (manifest, members):
        assert try_out(spy, digest_of(spy), shm / "scratch", manifest, members, quiet).issued
    assert {path.name for path in (kept / "secrets").iterdir()} == {"intermediate_ca_key"}
    assert "ENCRYPTED" in (kept / "secrets/intermediate_ca_key").read_text()
    config = json.loads((kept / CONFIG).read_text())
    assert config["address"].startswith("127.0.0.1:")
    assert "password" not in config
    arguments, environment = json.loads(told.read_text())
    assert re.fullmatch(r"/dev/fd/\d+", arguments[2])
    assert arguments[3:] == [str(shm / "scratch" / CONFIG)]
    assert set(environment) <= {"LC_ALL", "PATH", "HOME", "STEPPATH", "LC_CTYPE"}


@pytest.mark.parametrize(
    ("what", "problem", "started"),
    [
        ("broken", "step-ca ended at once: ", False),
        ("taken", "step-ca is not healthy after 1 seconds: ", False),
        ("none", "No such file", False),
        ("closed", "step-ca did not issue a certificate: 401, ", True),
    ],
)
def test_a_ca_that_does_not_start_or_issue_is_said_and_leaves_nothing(
    trees: Callable[[str], StepTree],
    shm: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    problem: str,
    started: bool,  # noqa: FBT001 - a column of the table
) -> None:
    program = step_ca()
    change: dict[str, object] = {"tls": "none"} if what == "broken" else {}
    before = children()
    with socket.socket() as holder, opened(tree_with(trees("P-256"), tmp_path / "tree", change)) as (manifest, members):
        holder.bind(("127.0.0.1", 0))  # and nobody listens there
        if what == "taken":
            monkeypatch.setattr(scratch, "_free_port", lambda: holder.getsockname()[1])
            monkeypatch.setattr(scratch, "STARTED_WITHIN", 1.0)  # step-ca waits there for ever
        elif what == "none":
            program = tmp_path / "nothing"
        elif what == "closed":
            program = wrapped(program, tmp_path / "closed", _WITHOUT_PROVISIONERS)
        tried = try_out(program, digest_of(program), shm / "scratch", manifest, members, quiet)
    assert tried == Tried(started, program=tried.program, problem=tried.problem)
    assert problem in tried.problem
    assert list(shm.iterdir()) == []
    assert children() <= before


def test_another_program_than_was_shown_gets_no_key_and_what_takes_its_name_is_not_started(
    trees: Callable[[str], StepTree], shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, thief, stolen = Path(shutil.copy(step_ca(), tmp_path)), tmp_path / "thief", tmp_path / "stolen"
    wrapped(program, thief, f"shutil.copytree(folder, {str(stolen)!r})")
    shown, free_port = digest_of(program), scratch._free_port
    with opened(trees("P-256").path) as (manifest, members):
        refused = try_out(thief, shown, shm / "scratch", manifest, members, quiet)
        assert refused == Tried(program=digest_of(thief), problem=refused.problem)
        assert "is not the program that was shown, and gets no key" in refused.problem

        def replaced() -> int:
            thief.replace(program)
            return free_port()

        monkeypatch.setattr(scratch, "_free_port", replaced)
        assert try_out(program, shown, shm / "scratch", manifest, members, quiet).issued
    assert not stolen.exists()
    assert list(shm.iterdir()) == []


def test_nothing_is_restored_onto_a_disk_or_into_a_folder_that_is_there(
    trees: Callable[[str], StepTree], shm: Path
) -> None:
    program = step_ca()
    with opened(trees("P-256").path) as (manifest, members):
        for folder in (shm, Path("/var/lib/escrow-scratch")):
            with pytest.raises(RefusedError, match="nothing is restored into it"):
                try_out(program, digest_of(program), folder, manifest, members, quiet)


def test_whoever_kills_the_program_ends_what_serves_and_its_folder(shm: Path, tmp_path: Path) -> None:
    serves, noted = tmp_path / "serves", tmp_path / "noted"
    serves.write_text(f"#!/bin/sh\necho $$ > {noted}.new\nmv {noted}.new {noted}\nexec sleep 600\n")
    serves.chmod(0o700)
    (shm / "scratch").mkdir()
    child = os.fork()
    if child == 0:
        _be_killed_while_it_serves(serves, shm / "scratch", noted)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    running = Path("/proc") / noted.read_text().strip() / "cmdline"
    wait_until(lambda: not (shm / "scratch").exists())
    wait_until(lambda: not running.exists() or not running.read_bytes())


def _be_killed_while_it_serves(program: Path, folder: Path, noted: Path) -> NoReturn:
    with Secret.of(b"x") as password, program.open("rb") as file, scratch._serving(file.fileno(), folder, password):
        wait_until(noted.exists)
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
