"""What is wiped with the keys: the passwords that opened them, and what a failed step had read."""

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import StepTree

from ceremony.commands.holding import _is_begun
from ceremony.planning.plan import parse
from ceremony.rules.lists import listing_of
from ceremony.rules.state import State
from ceremony.rules.steps import Action
from ceremony.run.acts.ending import zeroize
from ceremony.run.journal import FILE, Journal
from ceremony.run.paper import Scans, Tray
from ceremony.run.questions import Asked, Fields, Questions
from ceremony.run.session import SystemClock
from ceremony.run.work import Equipment, Workshop
from ceremony.terminal.console import Passwords
from escrow.authority import import_tree
from escrow.errors import KeyFileError
from escrow.memory import Secret

TEMPLATE = Path(__file__).parent.parent / "templates/ceremony.toml"


class Silent:
    """A desk at which nothing is asked."""

    def page(self, lines: object) -> None: ...

    def say(self, text: str) -> None: ...

    def line(self, asked: Asked, fields: Fields) -> str:  # noqa: ARG002 - the interface
        return ""

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        raise AssertionError(asked, fields)


def test_zeroizing_wipes_the_passwords_of_imported_keys_too(tmp_path: Path) -> None:
    plan = parse(TEMPLATE.read_bytes(), TEMPLATE)
    given, typed = Secret.of(b"from a file"), Secret.of(b"typed")
    passwords = Passwords({"root": given}, lambda _: typed)
    assert passwords("root", None) is given
    assert passwords("intermediate", None) is typed
    equipment = Equipment(
        out=tmp_path,
        printer=Tray(tmp_path),
        paper=Scans(tmp_path, allow_disk=True),
        passwords=passwords,
        forget_passwords=passwords.close,
        preflight=lambda _: [],
        entries=list,
        now=lambda: dt.datetime.now(dt.UTC),
        progress=lambda *_: None,
        lots=random.Random(1),  # noqa: S311 - not for keys
    )
    step = next(each for each in listing_of(plan).steps if each.action is Action.ZEROIZE)
    zeroize(Workshop(plan, equipment), step, State(), Questions(Silent(), {}))
    for password in (given, typed):
        with pytest.raises(ValueError, match="closed"):
            _ = password.view


def test_only_a_journal_of_a_ceremony_that_was_begun_does_without_lint_and_rehearsal(tmp_path: Path) -> None:
    assert not _is_begun(tmp_path)
    journal = Journal(tmp_path / FILE, SystemClock())
    assert not _is_begun(tmp_path), "an empty one"
    journal.append("session", version="1", plan="00" * 32, kind="specimen", loss=None, torn=0)
    journal.close()
    assert _is_begun(tmp_path)


def test_a_key_that_does_not_open_leaves_nothing_that_was_read(
    trees: Callable[[str], StepTree], monkeypatch: pytest.MonkeyPatch
) -> None:
    living: list[Secret] = []
    read = Secret.read

    def noted(*arguments: object) -> Secret:
        living.append(read(*arguments))  # type: ignore[arg-type]
        return living[-1]

    monkeypatch.setattr(Secret, "read", noted)

    def wrong(_name: str, problem: str | None) -> Secret:
        if problem:
            raise KeyFileError(problem)
        return Secret.of(b"wrong")

    tree = trees("P-256")
    with pytest.raises(KeyFileError):
        import_tree(tree.path, wrong, lambda *_: None, dt.datetime.now(dt.UTC))
    assert not [secret for secret in living if not secret.closed and b"PRIVATE KEY" in bytes(secret.view)]
