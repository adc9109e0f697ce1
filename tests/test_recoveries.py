"""Guided recoveries: from an archive or a package alone, to a STEPPATH from which the real step-ca starts, or a key."""

import datetime as dt
import hashlib
import json
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soft_hsm
from helpers import escrow, free_port, need, run, step_ca
from sessions import PARTS, TODAY, Sealed, sealed
from test_drills import Answers, Playing
from test_recipient import KINDS, public_of, written

from ceremony.custody import plain
from ceremony.planning import draft
from ceremony.planning.lints import lint
from ceremony.planning.plan import Plan, load, parse
from ceremony.rules.loss import Rule
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.answering import Answering, StuckError
from ceremony.run.archive import digest_of, read_journal
from ceremony.run.audit import audit
from ceremony.run.questions import Asked, Desk, Fields
from ceremony.run.rehearsal import hold_in
from ceremony.run.room import Feeding, PowerLost
from ceremony.run.work import Target
from escrow import recovery
from escrow.configuration import CONFIG
from escrow.errors import PlanError, RefusedError, UsageError
from escrow.files import is_memory_backed
from escrow.memory import Secret
from escrow.recovery import RECOVERED
from escrow.sealing import PACKAGE_FILE
from escrow.token import Token

ANYBODY = public_of(KINDS["EC P-256"]())


@pytest.fixture(scope="module")
def root() -> Iterator[Sealed]:
    """A CA that was sealed in a ceremony."""
    Secret.unlocked_allowed = True  # a fixture of a module comes before that of each test
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield sealed(Path(directory))


def plan_of(root: Sealed, name: str, tables: draft.Values | None = None) -> Plan:
    return root.plan("recovery", name, root.archive, tables or {})


def hold(root: Sealed, plan: Plan, answers: Answers | None = None, package: Path | None = None) -> State:
    assert plan.recovery
    room = root.room(plan)
    last = before.found(plan, plan.recovery, None if package else root.archive, package)
    return hold_in(room, Playing(Feeding(Answering(room, lambda _: None), room), answers or {}), PARTS, last)


def restored(root: Sealed, plan: Plan) -> Path:
    return root.room(plan).media / f"restored-{plan.ceremony.id}"


def told(archive: Path) -> str:
    return " ".join((archive / "transcript.txt").read_text().split())


def test_the_real_step_ca_starts_from_what_a_guided_recovery_restored_through_a_loss_of_power(
    root: Sealed, tmp_path: Path
) -> None:
    need("step", "step-ca")
    plan = plan_of(root, "TREE")
    # The power goes when the keys are in memory; what was read is read again.
    lost: Answers = {(Asked.SEEN, ""): [*[""] * 8, PowerLost]}
    state = hold(root, plan, lost)
    assert (state.phase, state.held, state.opened) == (Phase.CLOSED, frozenset(), frozenset())
    assert Rule.READ_AGAIN in state.losses
    out, tree = root.room(plan).out, restored(root, plan)
    assert audit(out).findings == []
    assert [path.name for path in (tree / "secrets").iterdir()] == ["intermediate_ca_key"]
    report = told(out)
    for words in [
        "The keys that were called for were restored, and nothing else.",
        "The host of the CA is gone",
        "Agreed by Grace Hopper Alan Turing",
        "the database with issued and revoked certificates",
        "a new set is made soon",
        "in memory: on no disk",
    ]:
        assert words in report, words

    password, port = tmp_path / "password", free_port()
    password.write_text("rehearsal\n")
    settings = json.loads((tree / CONFIG).read_text())
    (tree / CONFIG).write_text(json.dumps(settings | {"address": f"127.0.0.1:{port}"}))
    with step_ca(tree, password, f"https://localhost:{port}"):
        pass
    # The register takes it: new bags, and that a quorum was in one room. What comes next knows the bags, too.
    register = tmp_path / "register"
    escrow("register", register, root.archive).expect()
    entered = escrow("register", register, out).expect().out
    assert "recovery of intermediate, a quorum in one room" in entered
    shares = tomllib.loads((register / plain.FILE).read_text())["set"][0]["share"]
    assert {each["share"]: each["bag"] for each in shares}.items() >= {
        (str(position.x), bag) for bag, position in state.bags.items()
    }
    assert "already" in escrow("register", register, out).expect(1).err
    drill = root.plan("drill", "NEXT", out, {"drill": {"level": "T0", "scenario": "None.", "minutes": 5}})
    last = before.examined(drill, digest_of(out).hex(), out, None)
    assert {bags[-1] for bags in last.bags.values()} >= set(state.bags)


def test_with_a_package_alone_keys_go_to_a_recipient_who_opens_them_with_openssl(
    root: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("openssl", "unzip")
    key, file = KINDS["EC P-256"](), tmp_path / "recovery.toml"
    package = root.archive / PACKAGE_FILE
    escrow("init", "--for", "recovery", "--package", package, file).expect()
    text = file.read_text().replace("[recovery]\n", f'[recovery]\nrecipient = """{public_of(key)}"""\n')
    plan = parse(text.replace(f"{load(file).ceremony.date}", TODAY.isoformat(), 1).encode(), file)
    assert plan.recovery
    assert plan.recovery.of_package
    assert plan.policy.missing(()) == 2
    room = root.room(plan)
    desk = Playing(Feeding(Answering(room, lambda _: None), room), {})
    encrypts, told_before = recovery.restore_to_recipient, []

    def encrypting(*arguments: Any, **more: Any) -> None:  # noqa: ANN401 - whatever it takes
        told_before.extend(desk.said[-2:])
        encrypts(*arguments, **more)

    monkeypatch.setattr(recovery, "restore_to_recipient", encrypting)
    state = hold_in(room, desk, PARTS, before.found(plan, plan.recovery, None, package))
    assert state.done["called"]["recipient"] in told_before[0], "compared before anything is encrypted"
    assert "Compare it with what the recipient tells you" in told_before[1]
    assert (state.phase, state.done["called"]["archive"]) == (Phase.CLOSED, "")
    out, made = root.room(plan).out, restored(root, plan)
    assert audit(out).findings == []
    assert {path.name for path in made.iterdir()} == {RECOVERED, "README.txt"}
    assert state.done["restore"]["sha256"] == hashlib.sha256((made / RECOVERED).read_bytes()).hexdigest()
    opened = tmp_path / "opened.zip"
    decrypt = ["openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", made / RECOVERED, "-out", opened]
    run(*decrypt, "-inkey", written(tmp_path / "own.pem", key)).expect()
    assert "secrets/intermediate_ca_key" in run("unzip", "-l", opened).expect().out
    assert "secrets/root_ca_key" not in run("unzip", "-l", opened).expect().out
    assert not [path for path in out.rglob("*") if "secrets" in path.parts or path.name == RECOVERED]


class Keeper(Playing):
    """Types these PINs, in turn; or loses the power when the keys are in the token, and the journal does not know."""

    def __init__(self, desk: Desk, pins: list[str], answers: Answers, *, loses: bool = False) -> None:
        super().__init__(desk, answers)
        self.pins, self._loses = pins, loses
        self.secret = self._secret

    def say(self, text: str) -> None:
        if self._loses and text.startswith("Stored in the token"):
            self._loses = False
            raise PowerLost
        super().say(text)

    def _secret(self, asked: Asked, fields: Fields) -> Secret:
        return Secret.of(self.pins.pop(0).encode()) if asked is Asked.PIN else self._desk.secret(asked, fields)


def test_keys_go_into_the_token_of_the_plan_and_a_wrong_pin_costs_nothing(
    root: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = "12 34 56"
    hsm = soft_hsm.make(tmp_path / "hsm", pin)
    for name, value in hsm.env.items():
        monkeypatch.setenv(name, value)
    plan = plan_of(root, "TOKEN", {"recovery": {"token": soft_hsm.LABEL}})
    assert plan.recovery
    room = root.room(plan)
    room.target = Target(tmp_path / "step", Token(hsm.module, soft_hsm.LABEL, str(hsm.pin_file)))
    desk = Feeding(Answering(room, lambda _: None), room)
    keeper = Keeper(desk, ["99 99 99", pin], {(Asked.RETRY, ""): [""]})
    state = hold_in(room, keeper, PARTS, before.found(plan, plan.recovery, root.archive, None))
    assert state.phase is Phase.CLOSED
    assert not keeper.pins
    assert any("This is not the PIN of the token" in said for said in keeper.said)
    assert any("which is: SoftHSM project" in said for said in keeper.said)
    assert not any(pin in said for said in keeper.said)
    assert audit(room.out).findings == []
    assert f"Stored in the token {soft_hsm.LABEL} " in told(room.out)
    assert ("on a disk" in told(room.out)) is not is_memory_backed(tmp_path)
    labels = [line.split(":")[1].strip() for line in hsm.objects() if line.strip().startswith("label:")]
    assert labels == ["intermediate"] * 2, "a private key and its public half, and no root"
    tree = room.target.folder
    assert not (tree / "secrets").exists()
    settings = json.loads((tree / CONFIG).read_text())
    assert settings["kms"]["uri"] == Token(hsm.module, soft_hsm.LABEL, str(hsm.pin_file)).uri
    assert settings["key"].endswith("object=intermediate")


def test_after_a_loss_of_power_what_is_at_the_target_already_is_named_and_left_as_it_is(
    root: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = "12 34 56"
    hsm = soft_hsm.make(tmp_path / "hsm", pin)
    for name, value in hsm.env.items():
        monkeypatch.setenv(name, value)
    plan = plan_of(root, "TOKEN-LOST", {"recovery": {"token": soft_hsm.LABEL}})
    assert plan.recovery
    room, last = root.room(plan), before.found(plan, plan.recovery, root.archive, None)
    room.target = Target(tmp_path / "step", Token(hsm.module, soft_hsm.LABEL))

    def keeper(*, loses: bool) -> Keeper:
        return Keeper(Feeding(Answering(room, lambda _: None), room), [pin], {}, loses=loses)

    with pytest.raises(StuckError, match="exists and is never overwritten"):
        hold_in(room, keeper(loses=True), PARTS, last)
    stored = hsm.objects()
    shutil.rmtree(room.target.folder)
    with pytest.raises(StuckError, match=r"The key intermediate is in the token .* already"):
        hold_in(room, keeper(loses=False), PARTS, last)
    assert hsm.objects() == stored


def test_a_token_that_is_not_there_or_not_the_plans_is_refused_before_any_bag_is_opened(
    root: Sealed, tmp_path: Path
) -> None:
    plan = plan_of(root, "NO-TOKEN", {"recovery": {"token": "HSM"}})
    assert plan.recovery
    last = before.found(plan, plan.recovery, root.archive, None)
    (tmp_path / "none.so").write_text("")
    for token, message in ((None, "The token of the plan"), (Token(tmp_path / "none.so", "HSM"), "cannot be opened")):
        room = root.room(plan)
        room.target = Target(room.target.folder, token)
        with pytest.raises(StuckError, match=rf"step 4\.1 did not succeed\. .*{message}"):
            hold_in(room, Feeding(Answering(room, lambda _: None), room), PARTS, last)


def test_passwords_that_differ_are_asked_again_and_an_abort_returns_the_sheets(root: Sealed) -> None:
    plan = plan_of(root, "ABORT")
    asked: list[Asked] = []

    class Mistyping(Playing):
        """Types something else once, and then gives up."""

        def __init__(self, desk: Desk) -> None:
            super().__init__(desk, {(Asked.REASON, ""): ["the key may be known"], (Asked.SURE, ""): ["abort"]})
            self.secret = self._secret  # type: ignore[assignment]  # the name of an argument

        def _secret(self, asked_now: Asked, fields: Fields) -> Secret:
            if asked_now not in {Asked.NEW_PASSWORD, Asked.PASSWORD_AGAIN}:
                return desk.secret(asked_now, fields)
            asked.append(asked_now)
            return Secret.of([b"one", b"two", b"", b"", b"abort"][len(asked) - 1])

    room = root.room(plan)
    desk = Feeding(Answering(room, lambda _: None), room)
    assert plan.recovery
    mistyping = Mistyping(desk)
    state = hold_in(room, mistyping, PARTS, before.found(plan, plan.recovery, root.archive, None))
    assert asked == [*[Asked.NEW_PASSWORD, Asked.PASSWORD_AGAIN] * 2, Asked.NEW_PASSWORD]
    assert sum("The two differ" in said for said in mistyping.said) == 2
    assert (state.phase, state.opened, state.held) == (Phase.ABORTED, frozenset(), frozenset())
    assert set(state.bags.values()) == {(1, 1), (1, 2)}
    assert not restored(root, plan).exists()
    assert "Nothing was restored." in told(room.out)


def test_a_plan_is_held_with_what_it_pins_and_nothing_else(root: Sealed, tmp_path: Path) -> None:
    plan = plan_of(root, "PINNED")
    assert plan.recovery
    with pytest.raises(UsageError, match="name it with --archive"):
        before.found(plan, plan.recovery, None, root.archive / PACKAGE_FILE)
    package = tmp_path / PACKAGE_FILE
    package.write_bytes((root.archive / PACKAGE_FILE).read_bytes())
    alone = replace(plan.recovery, of_package=True, before=hashlib.sha256(package.read_bytes()).hexdigest())
    assert before.found(plan, alone, None, package).archive == ""
    with pytest.raises(UsageError, match="name it with --package alone"):
        before.found(plan, alone, root.archive, package)
    with pytest.raises(RefusedError, match="is not the package that the plan names"):
        before.found(plan, replace(alone, before="00" * 32), None, package)
    other = replace(plan, ca=plan.ca.model_copy(update={"name": "Another CA"}))
    with pytest.raises(PlanError, match="mend the plan"):
        before.found(other, alone, None, package)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('agreed = ["Grace Hopper", "Alan Turing"]', 'agreed = ["Grace Hopper"]'), "recovery, agreed"),
        (('agreed = ["Grace Hopper", "Alan Turing"]', 'agreed = ["A", "A"]'), "names somebody twice"),
        (('only = ["intermediate"]', "only = []"), "recovery, only"),
        (("[recovery]", "[crl]\ndays = 3\n\n[recovery]"), "in a recovery nothing is signed"),
        (("[recovery]", '[recovery]\nrecipient = "x"'), "is no public key and no certificate"),
        (("[recovery]", f'[recovery]\nrecipient = """{ANYBODY}"""\ntoken = "HSM"'), "one of the two"),
        (("[recovery]", f'[recovery]\ntoken = "{33 * "x"}"'), "recovery, token"),
        ((f'archive = "{"0" * 64}"', ""), "name one of the two"),
        ((f'archive = "{"0" * 64}"', f'archive = "{"0" * 64}"\npackage = "{"0" * 64}"'), "name one of the two"),
    ],
)
def test_a_wrong_plan_of_a_recovery_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = tmp_path / "recovery.toml"
    text = draft.session("recovery", TODAY)
    assert change[0] in text
    file.write_text(text.replace(*change))
    with pytest.raises(PlanError, match=message):
        load(file)


def test_lint_finds_a_custodian_who_agreed_and_a_hash_that_is_not_filled_in(tmp_path: Path) -> None:
    text = draft.session("recovery", TODAY).replace('"Alan Turing"]', '"Ada Lovelace"]')
    found = {each.lint for each in lint(parse(text.encode(), tmp_path / "recovery.toml"), TODAY, None)}
    assert {"custodian-agreed", "hash-placeholder"} <= found


def test_lints_of_a_set_that_was_sealed_long_ago_do_not_keep_those_who_are_left_from_a_recovery(
    root: Sealed, tmp_path: Path
) -> None:
    file = tmp_path / "recovery.toml"
    for option, value in (("--package", root.archive / PACKAGE_FILE), ("--archive", root.archive)):
        escrow("init", "--for", "recovery", option, value, file).expect()
        found = lint(load(file), TODAY, None)
        assert found
        assert [each.lint for each in found if each.stands] == []
        file.unlink()


def test_a_recovery_has_a_script_and_is_held_by_its_own_command(root: Sealed, tmp_path: Path) -> None:
    file = tmp_path / "recovery.toml"
    escrow("init", "--for", "recovery", "--archive", root.archive, file).expect()
    escrow("script", file, "--out", tmp_path / "paper").expect()
    assert (tmp_path / "paper/script-officers.pdf").exists()
    wrong = escrow("recovery", file, "--to", tmp_path / "to", "--out", tmp_path / "out", "--scans", tmp_path).expect(2)
    assert "name it with --archive" in wrong.err
    escrow("drill", file, "--archive", root.archive, "--out", tmp_path / "out", "--scans", tmp_path).expect(2)
    given = ("recovery", file, "--archive", root.archive, "--scans", tmp_path)
    inside = escrow(*given, "--to", tmp_path / "out/keys", "--out", tmp_path / "out").expect(2)
    assert "keep them apart" in inside.err
    away = ("--to", tmp_path / "to", "--out", tmp_path / "out")
    assert "belong to a token" in escrow(*given, *away, "--module", "x.so").expect(2).err
    file.write_text(file.read_text().replace("[recovery]\n", '[recovery]\ntoken = "HSM"\n'))
    assert "name with --module" in escrow(*given, *away).expect(2).err
    assert not (tmp_path / "out").exists()


def test_a_target_with_keys_is_refused_before_any_bag_is_opened(root: Sealed) -> None:
    plan = plan_of(root, "THERE")
    (restored(root, plan) / "secrets").mkdir(parents=True)
    (restored(root, plan) / "secrets/intermediate_ca_key").write_text("mine")
    with pytest.raises(StuckError, match=r"step 4\.1 did not succeed.*holds keys already"):
        hold(root, plan)
    assert (restored(root, plan) / "secrets/intermediate_ca_key").read_text() == "mine"


def test_a_target_that_cannot_be_written_is_said_before_any_bag_is_opened(root: Sealed) -> None:
    plan = plan_of(root, "NOWHERE")
    target = restored(root, plan)
    target.parent.mkdir(exist_ok=True)
    target.write_text("no directory")
    ended: Answers = {(Asked.RETRY, ""): ["abort"], (Asked.REASON, ""): ["no room"], (Asked.SURE, ""): ["abort"]}
    state = hold(root, plan, ended)
    assert state.phase is Phase.ABORTED
    journal = read_journal(root.room(plan).out)
    (problem,) = [each.fields["problem"] for each in journal if each.event == "fail"]
    assert str(target) in problem
    assert "give the same command another --to" in problem
    assert "gather" not in [each.fields.get("step") for each in journal]
    assert target.read_text() == "no directory"


def test_a_recovery_is_planned_for_today_and_its_script_asks_for_no_printer(root: Sealed, tmp_path: Path) -> None:
    file = tmp_path / "recovery.toml"
    escrow("init", "--for", "recovery", "--archive", root.archive, file).expect()
    today = dt.datetime.now(dt.UTC).astimezone().date()
    assert load(file).ceremony.date in {today, today - dt.timedelta(days=1)}
    assert load(file).ceremony.standby == load(file).ceremony.date + dt.timedelta(days=1)
    escrow("rehearse", file, "--auto", "--out", tmp_path / "rehearsal").expect()
    said = escrow("script", file, "--out", tmp_path / "paper", "--rehearsal", tmp_path / "rehearsal").expect()
    assert "'escrow documents PACKAGE --out DIR'" in said.err + said.out
    assert "prints its own" not in said.err + said.out
    need("pdftotext")
    script = run("pdftotext", tmp_path / "paper/script-officers.pdf", "-").expect().out
    assert "from the printer" not in " ".join(script.split())


def test_what_happened_has_to_be_said(tmp_path: Path) -> None:
    reason = draft.refresh(TODAY)
    called = draft.session("recovery", TODAY).replace("Grace Hopper, head of operations", "...")
    for text, where in ((reason, "reason under [refresh]"), (called, "called_by under [recovery]")):
        found = [each for each in lint(parse(text.encode(), tmp_path / "x"), TODAY, None) if each.stands]
        assert [each.text for each in found if each.lint == "text-placeholder"] == [f"{where} is still '...'."]
