"""Sessions: the root signs one thing by a quorum from paper. With the real step, step-ca and openssl."""

import datetime as dt
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import player
import pytest
from cryptography import x509
from helpers import Run, StepTree, escrow, need, run, step_ca
from sessions import PARTS, TODAY, Sealed, inventory_in, request, sealed

from ceremony.custody.book import read
from ceremony.planning.draft import Value
from ceremony.planning.plan import Plan
from ceremony.rules.lists import listing_of
from ceremony.rules.loss import Rule
from ceremony.rules.state import Phase, State
from ceremony.run import before
from ceremony.run.answering import Answering, StuckError
from ceremony.run.audit import audit
from ceremony.run.before import BAGS
from ceremony.run.following import SIGNED
from ceremony.run.questions import Asked, Desk, Fields
from ceremony.run.rehearsal import hold_in, rehearse_plan, throw_away_for
from ceremony.run.room import Feeding, PowerLost, Room
from escrow.errors import EscrowError, InventoryError, PlanError, RefusedError
from escrow.inventory import Inventory, Spent
from escrow.issuing.revocation import Revoked
from escrow.memory import Secret
from escrow.memory.process import HARDENED_ENVIRONMENT


@pytest.fixture(scope="module")
def root() -> Iterator[Sealed]:
    """A root that was sealed in a ceremony."""
    Secret.unlocked_allowed = True  # a fixture of a module comes before that of each test
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield sealed(Path(directory))


class Losing:
    """A desk that loses the power once, when something is asked for which `at` holds."""

    def __init__(self, desk: Desk, at: Callable[[Asked, Fields], bool]) -> None:
        self._desk, self._at, self.lost = desk, at, 0
        self.page, self.say = desk.page, desk.say

    def line(self, asked: Asked, fields: Fields) -> str:
        """Hand on, or lose the power."""
        if not self.lost and self._at(asked, fields):
            self.lost += 1
            raise PowerLost
        return self._desk.line(asked, fields)

    def secret(self, asked: Asked, fields: Fields) -> Secret:
        """Hand on."""
        return self._desk.secret(asked, fields)


def test_a_csr_by_step_is_signed_and_works_in_step_ca_until_it_is_revoked(
    root: Sealed, trees: Callable[[str], StepTree], tmp_path: Path
) -> None:
    need("openssl", "step", "step-ca")
    asked = request(tmp_path)
    plan = root.plan("sign_intermediate", "SIGN", root.archive, {"sign_intermediate": asked})
    assert root.hold(plan, root.archive).phase is Phase.CLOSED
    first, root_file = root.room(plan).out, root.archive / "certs/root_ca.crt"
    issued = first / "issued/intermediate.crt"
    assert audit(first).findings == []
    # The tree of step-ca with the new intermediate, whose key never left whoever asked.
    made = trees("P-256")
    tree = tmp_path / "step"
    shutil.copytree(made.path, tree)
    for file, to in (
        (root_file, "certs/root_ca.crt"),
        (issued, "certs/intermediate_ca.crt"),
        (tmp_path / "Second CA.key", "secrets/intermediate_ca_key"),
    ):
        shutil.copyfile(file, tree / to)
    text = (tree / "config/ca.json").read_text().replace(str(made.path), str(tree))
    (tree / "config/ca.json").write_text(text)
    leaf = tmp_path / "leaf.crt"
    with step_ca(tree, tmp_path / "password", made.url):
        run(
            *("step", "ca", "certificate", "--not-after", "1h", "--ca-url", made.url, "--root", root_file),
            *("--provisioner", "admin", "--provisioner-password-file", made.provisioner_password_file, "--force"),
            *("leaf.test", leaf, tmp_path / "leaf.key"),
            env={"STEPPATH": str(tmp_path)},
        ).expect()
    run("step", "certificate", "verify", leaf, "--roots", root_file).expect()

    # Two lists: the first without it, the second with it.
    empty = root.plan("crl", "CRL-1", first, {"crl": {"days": 30}})
    assert root.hold(empty, first).phase is Phase.CLOSED
    second = root.room(empty).out
    verify = ["openssl", "verify", "-CAfile", root_file, "-crl_check", "-CRLfile"]
    run(*verify, second / "issued/root.crl.pem", issued).expect()
    serial = inventory_in(second).issued[-1].serial
    revoke = {"serial": serial, "date": TODAY, "reason": "cACompromise"}
    with_it = root.plan("crl", "CRL-2", second, {"crl": {"days": 30}}, revoke=[revoke])
    assert root.hold(with_it, second).phase is Phase.CLOSED
    third = root.room(with_it).out
    refused = run(*verify, third / "issued/root.crl.pem", issued)
    assert refused.status
    assert "certificate revoked" in refused.out + refused.err
    run("openssl", "crl", "-in", third / "issued/root.crl", "-inform", "DER", "-CAfile", root_file, "-noout").expect()
    shown = run("openssl", "crl", "-in", third / "issued/root.crl", "-inform", "DER", "-noout", "-text").expect().out
    assert "CA Compromise" in shown

    # The chain of archives: each inventory adds to the one before, numbers grow.
    chain = [root.archive, first, second, third]
    listed = [inventory_in(each) for each in chain]
    assert [each.crl.number for each in listed if each.crl] == [1, 2]
    for earlier, later, folder in zip(listed, listed[1:], chain, strict=False):
        digest = hashlib.sha256((folder / "ARCHIVE.sha256").read_bytes()).hexdigest()
        assert list(later.problems_after(earlier, digest)) == []
        assert list(earlier.problems_after(later, digest))
    assert audit(third, before=second).findings == []
    assert audit(third, before=first).findings == [
        "inventory.json: it does not follow this archive.",
    ]


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        (lambda asked, _: asked is Asked.DRAFTED, Rule.GO_ON),
        (lambda asked, _: asked is Asked.SHEET, Rule.GO_ON),
        (lambda asked, fields: asked is Asked.PHRASE and fields["phrase"] == "issue", Rule.QUORUM_AGAIN),
        (lambda asked, _: asked is Asked.BAG, Rule.GO_ON),
    ],
    ids=["drafting", "reading", "before signing", "after signing"],
)
def test_after_a_loss_of_power_the_very_same_bytes_are_signed_and_no_second_serial(
    root: Sealed, tmp_path: Path, at: Callable[[Asked, Fields], bool], rule: Rule, request_id: str
) -> None:
    plan = root.plan("sign_intermediate", request_id, root.archive, {"sign_intermediate": request(tmp_path, "Lost CA")})

    def losing(desk: Desk, _: Room) -> Desk:
        return Losing(desk, at)

    state = root.hold(plan, root.archive, losing)
    assert (state.phase, state.losses) == (Phase.CLOSED, (rule,))
    out = root.room(plan).out
    entries = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    facts = {entry["step"]: entry["facts"] for entry in entries if entry["event"] == "end"}
    drafts = [entry for entry in entries if entry["event"] == "end" and entry["step"] == "draft"]
    assert len(drafts) == 1, "what was drafted stands"
    signed = x509.load_der_x509_certificate((out / SIGNED).read_bytes())
    body = hashlib.sha256(signed.tbs_certificate_bytes).hexdigest()
    assert facts["draft"]["to_be_signed"] == facts["issue"]["to_be_signed"] == body
    assert [each.serial for each in inventory_in(out).issued].count(f"{signed.serial_number:x}") == 1
    assert len(inventory_in(out).issued) == len(inventory_in(root.archive).issued) + 1


@pytest.fixture
def request_id(request: pytest.FixtureRequest) -> str:
    """An id for the plan of each case."""
    return f"LOST-{request.node.callspec.id.replace(' ', '-')}"


class Aborting(Losing):
    """A desk that aborts once: when something fails, or when `at` holds."""

    def line(self, asked: Asked, fields: Fields) -> str:
        """Hand on, or abort."""
        if not self.lost and (asked is Asked.RETRY or self._at(asked, fields)):
            self.lost += 1
            return "abort"
        if asked in {Asked.REASON, Asked.SURE}:
            return "abort"
        return self._desk.line(asked, fields)


def refused(root: Sealed, plan: Plan, follows: Path) -> str:
    """Why a session does not draft what its plan says; no bag was opened by then."""
    state = root.hold(plan, follows, lambda desk, _: Aborting(desk, lambda *_: False))
    assert state.phase is Phase.ABORTED
    assert not {"draft", "gather"} & state.done.keys()
    entries = [json.loads(line) for line in (root.room(plan).out / "journal.jsonl").read_text().splitlines()]
    (failed,) = [entry for entry in entries if entry["event"] == "fail"]
    assert failed["step"] == "draft"
    return str(failed["problem"])


def test_what_does_not_fit_the_root_is_refused_before_any_bag_is_opened(root: Sealed, tmp_path: Path) -> None:
    asked: dict[str, Value] = {**request(tmp_path, "Long CA"), "path_length": 1}
    plan = root.plan("sign_intermediate", "LONG", root.archive, {"sign_intermediate": asked})
    assert "must be less than the root's" in refused(root, plan, root.archive)


def test_the_register_knows_the_bags_and_the_dates_of_each_session(root: Sealed, tmp_path: Path) -> None:
    asked = request(tmp_path, "Registered CA")
    certificate = root.plan("sign_intermediate", "R-SIGN", root.archive, {"sign_intermediate": asked})
    assert root.hold(certificate, root.archive).phase is Phase.CLOSED
    first = root.room(certificate).out
    serial = inventory_in(first).issued[-1].serial
    plan = root.plan(
        *("crl", "R-CRL", first, {"crl": {"days": 30}}),
        revoke=[{"serial": serial, "date": TODAY, "reason": "superseded"}],
    )

    def losing(desk: Desk, _: Room) -> Desk:  # the archive of a session that lost its memory, too
        return Losing(desk, lambda asked, _: asked is Asked.PHRASE)

    assert root.hold(plan, first, losing).phase is Phase.CLOSED
    second = root.room(plan).out
    aborted = root.plan("crl", "R-ABORT", second, {"crl": {"days": 40}})
    root.hold(aborted, second, lambda desk, _: Aborting(desk, lambda asked, _: asked is Asked.PHRASE))
    register = tmp_path / "register"
    lines: list[list[str]] = []
    for archive in (root.archive, first, second, root.room(aborted).out):
        escrow("register", register, archive).expect()
        (at,) = read(register).sets.values()
        lines.append([f"{each.what} {each.last}" for each in at.expiries])
        bags = before.bags_after((archive / BAGS).read_bytes() if (archive / BAGS).exists() else b"{}", State())
        new = before.bags_after(json.dumps({}).encode(), audit(archive).state or State())
        last = {position: [*bags.get(position, []), *new.get(position, [])][-1] for position in at.shares}
        assert {position: held.bag for position, held in at.shares.items()} == last
    sealed_lines, with_certificate, with_list, after_abort = lines
    assert with_certificate[: len(sealed_lines)] == sealed_lines
    assert [line.partition(" 20")[0] for line in with_certificate[len(sealed_lines) :]] == [
        "certificate CN=Registered CA"
    ]
    assert with_list == [*sealed_lines, f"CRL {TODAY + dt.timedelta(days=30)}"]
    assert after_abort == with_list
    assert [each.what for each in at.archives] == ["certificate", "CRL", "CRL, not signed"]
    again = escrow("register", register, second)
    assert (again.status, "already" in again.err) == (1, True)
    shown = escrow("status", register).expect(1).out
    assert f"{TODAY + dt.timedelta(days=30)}, CRL" in shown


def test_a_ceremony_that_ended_without_a_set_is_not_entered(root: Sealed, tmp_path: Path) -> None:
    room = Room(throw_away_for(root.plan("crl", "X", root.archive, {"crl": {"days": 30}})), tmp_path, tmp_path / "out")
    desk = Aborting(Feeding(Answering(room, lambda _: None), room), lambda asked, _: asked is Asked.SEEN)
    hold_in(room, desk, PARTS)
    refused = escrow("register", tmp_path / "register", room.out)
    assert refused.status == 3
    assert "ended without a set (aborted)" in " ".join(refused.err.split())
    assert not (tmp_path / "register").exists()


def test_a_number_that_an_aborted_session_may_have_used_is_never_used_again(root: Sealed) -> None:
    plan = root.plan("crl", "ABORTED", root.archive, {"crl": {"days": 30}})

    state = root.hold(plan, root.archive, lambda desk, _: Aborting(desk, lambda asked, _: asked is Asked.PHRASE))
    assert state.phase is Phase.ABORTED
    assert not state.opened, "the sheets are in new bags"
    out = root.room(plan).out
    assert audit(out).findings == []
    listed = inventory_in(out)
    assert listed.crl is None
    assert [(each.what, each.number) for each in listed.spent] == [("CRL", "1")]
    assert listed.next_number == 2


def test_an_abort_that_nobody_opened_and_signed_keeps_its_numbers_all_the_same(root: Sealed) -> None:
    plan = root.plan("crl", "UNSIGNED", root.archive, {"crl": {"days": 30}})

    class GivingUp(Losing):
        given_up = False

        def line(self, asked: Asked, fields: Fields) -> str:
            if self.lost and asked is Asked.READY and not self.given_up:
                self.given_up = True
                return "abort"
            if self.lost and asked in {Asked.REASON, Asked.SURE}:
                return "abort"
            return super().line(asked, fields)

    state = root.hold(plan, root.archive, lambda desk, _: GivingUp(desk, lambda asked, _: asked is Asked.SHEET))
    out = root.room(plan).out
    assert state.phase is Phase.ABORTED
    assert [finding.partition(":")[0] for finding in audit(out).findings] == ["journal.jsonl.sig", "ARCHIVE.sha256.sig"]
    again = root.plan("crl", "AFTER", out, {"crl": {"days": 30}})
    assert root.hold(again, out).phase is Phase.CLOSED
    crl = inventory_in(root.room(again).out).crl
    assert crl is not None
    assert crl.number == 2, "1 may be signed"


def test_another_archive_another_package_and_a_request_that_was_changed_are_refused(
    root: Sealed, tmp_path: Path
) -> None:
    asked = request(tmp_path, "Other CA")
    plan = root.plan("sign_intermediate", "REFUSED", root.archive, {"sign_intermediate": asked})
    assert plan.session

    def read(archive: Path, package: Path | None = None) -> None:
        assert plan.session
        before.read(plan, plan.session, archive, package)

    changed = tmp_path / "changed"
    shutil.copytree(root.archive, changed)
    (changed / "inventory.json").write_text("{}")
    with pytest.raises(RefusedError, match=r"inventory.json: the file was changed"):
        read(changed)
    (changed / "ARCHIVE.sha256").write_bytes(b"x")
    with pytest.raises(RefusedError, match="is not the archive that the plan follows: its words are"):
        read(changed)
    package = tmp_path / "package.escrow"
    package.write_bytes((root.archive / "package.escrow").read_bytes() + b"\n")
    with pytest.raises(EscrowError):
        read(root.archive, package)
    csr = Path(asked["csr"])
    csr.write_bytes(csr.read_bytes() + b"\n")
    from ceremony.run.task import read_input

    with pytest.raises(PlanError, match="is not the file that the plan names"):
        read_input(plan.session)


def test_what_is_not_known_or_revoked_already_is_not_revoked_and_a_serial_not_used_twice(root: Sealed) -> None:
    listed = inventory_in(root.archive)
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    known = int(listed.issued[0].serial, 16)
    once = listed.revoke([Revoked(known, moment, "superseded")], "A")
    for inventory, serial in ((listed, 1), (once, known)):
        with pytest.raises(InventoryError):
            inventory.revoke([Revoked(serial, moment, "superseded")], "B")
    certificates = x509.load_pem_x509_certificates((root.archive / "certs/root_ca.crt").read_bytes())
    with pytest.raises(InventoryError, match="was used before"):
        listed.issue(certificates, "B")
    assert Inventory.decode(once.encode()) == once
    for wrong in (b"", b"{}", once.encode()[:-1], once.encode().replace(b"superseded", b"removeFromCRL")):
        with pytest.raises(InventoryError, match="not what a ceremony left"):
            Inventory.decode(wrong)


def test_what_the_root_may_have_signed_in_an_aborted_session_can_be_revoked(root: Sealed) -> None:
    listed = inventory_in(root.archive).spend(Spent("certificate", "abc", "0" * 64, "ABORTED"))
    listed = listed.spend(Spent("CRL", "7", "0" * 64, "ABORTED"))
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    assert [each.serial for each in listed.revoke([Revoked(0xABC, moment, "superseded")], "A").revoked] == ["abc"]
    with pytest.raises(InventoryError, match="has issued no certificate 7"):
        listed.revoke([Revoked(7, moment, "superseded")], "A")


def test_a_list_that_was_published_before_is_taken_over_from_the_file_that_the_plan_pins(root: Sealed) -> None:
    revoke = {"serial": inventory_in(root.archive).issued[-1].serial, "date": TODAY, "reason": "superseded"}
    one = root.plan("crl", "PUBLISHED", root.archive, {"crl": {"days": 30}}, revoke=[revoke])
    assert root.hold(one, root.archive).phase is Phase.CLOSED
    published = root.room(one).out / "issued/root.crl"
    pinned = {"previous": str(published), "previous_sha256": hashlib.sha256(published.read_bytes()).hexdigest()}
    # After the same archive: this inventory knows nothing of that list.
    plan = root.plan("crl", "TAKEN-OVER", root.archive, {"crl": {"days": 30, **pinned}})
    assert root.hold(plan, root.archive).phase is Phase.CLOSED
    out = root.room(plan).out
    assert (out / "inputs/previous.crl").read_bytes() == published.read_bytes()
    crl = x509.load_der_x509_crl((out / "issued/root.crl").read_bytes())
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 2
    assert [f"{each.serial_number:x}" for each in crl] == [revoke["serial"]]
    assert audit(out, before=root.archive).findings == []


def test_another_ca_is_cross_signed_with_its_name_key_and_key_identifier(root: Sealed, tmp_path: Path) -> None:
    need("openssl")
    other = tmp_path / "other.crt"
    run(
        *("step", "certificate", "create", "--profile", "root-ca", "--no-password", "--insecure"),
        *("Other Root", other, tmp_path / "other.key"),
    ).expect()
    task: dict[str, Value] = {
        "certificate": str(other),
        "sha256": hashlib.sha256(other.read_bytes()).hexdigest(),
        "path_length": 0,
    }
    plan = root.plan("cross_sign", "CROSS", root.archive, {"cross_sign": task})
    assert root.hold(plan, root.archive).phase is Phase.CLOSED
    made = root.room(plan).out / "issued/cross-signed.crt"
    told = " ".join((root.room(plan).out / "transcript.txt").read_text("utf-8").split())
    assert "and the check words in step 6.1, before the root signed: wiping asks for none." in told
    assert re.search(r"Share set ([0-9A-Fa-f]{4} ?)+.*Epoch 1 ", told), "the set that the session is about"
    one, two = (x509.load_pem_x509_certificate(path.read_bytes()) for path in (other, made))
    assert one.subject.public_bytes() == two.subject.public_bytes()
    assert one.public_key() == two.public_key()
    identifiers = [each.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value for each in (one, two)]
    assert identifiers[0] == identifiers[1]
    run("openssl", "verify", "-CAfile", root.archive / "certs/root_ca.crt", made).expect()


def test_a_session_at_a_terminal_of_80x24_shows_every_page_whole(root: Sealed, tmp_path: Path) -> None:
    plan = root.plan("sign_intermediate", "PTY", root.archive, {"sign_intermediate": request(tmp_path, "Shown CA")})
    held_in = SessionRoom(root, plan)
    people = player.Player(held_in)
    people.play()
    assert people.end() == 0, people.terminal.shown[-2000:]
    for page in people.terminal.shown.split("\x1b[H\x1b[2J\x1b[3J")[1:]:
        lines = page.split("Enter goes on")[0].split("\r\n")
        assert len(lines) <= 24, page
        assert max(map(len, lines)) < 80, page
    numbers = [step.number for step in listing_of(plan).steps]
    assert re.findall(r"SPECIMEN  step (\S+)\r", people.terminal.shown) == numbers
    assert audit(held_in.out).findings == []
    assert (root.base / "delivery-1").is_dir()
    delivered = next((root.base / "delivery-1").glob("*/intermediate.crt"))
    assert delivered.read_bytes() == (held_in.out / "issued/intermediate.crt").read_bytes()


class SessionRoom(player.Room):
    """A room whose ceremony is a session."""

    def __init__(self, root: Sealed, plan: Plan) -> None:
        (root.base / "ceremony.toml").write_bytes(plan.source)
        (root.base / "delivery-1").mkdir()
        super().__init__(root.base)
        self._archive = root.archive

    @property
    def out(self) -> Path:
        """The session's folder."""
        return self.base / self.plan.ceremony.id

    def command(self) -> list[object]:
        """How the session is begun, and gone on with."""
        return [
            *("env", *(f"{name}={value}" for name, value in HARDENED_ENVIRONMENT.items())),
            *(sys.executable, "-m", "ceremony", "sign-intermediate", self.base / "ceremony.toml", "--out", self.out),
            *("--scans", self.base / "scans", "--archive", self._archive),
        ]


def test_a_rehearsal_ends_at_the_first_step_that_nobody_is_there_to_mend(root: Sealed, tmp_path: Path) -> None:
    asked: dict[str, Value] = {**request(tmp_path, "Missing CA")}
    Path(str(asked["csr"])).unlink()
    plan = root.plan("sign_intermediate", "STUCK", root.archive, {"sign_intermediate": asked})
    with pytest.raises(StuckError, match=r"step 4.1 did not succeed. .*Missing CA.csr.* mend it, and rehearse again"):
        root.hold(plan, root.archive)
    entries = [json.loads(line) for line in (root.room(plan).out / "journal.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries if entry["event"] == "fail"] == ["draft"]


def test_lint_compares_the_plan_of_a_session_with_the_archive_that_it_follows(root: Sealed, tmp_path: Path) -> None:
    file, known = tmp_path / "session.toml", inventory_in(root.archive).issued[-1].serial

    def lint(serial: str, follows: Path = root.archive) -> Run:
        revoke = {"serial": serial, "date": TODAY, "reason": "superseded"}
        plan = root.plan("crl", "LINTED", root.archive, {"crl": {"days": 30}}, revoke=[revoke])
        file.write_bytes(plan.source)
        return escrow("lint", file, "--archive", follows)

    lint(known).expect()
    assert "has issued no certificate 1: nothing is revoked that is not known" in lint("01").expect(1).err
    changed = tmp_path / "changed"
    shutil.copytree(root.archive, changed)
    (changed / "ARCHIVE.sha256").write_bytes(b"x")
    assert "is not the archive that the plan follows" in lint(known, changed).expect(3).err


def test_a_rehearsal_says_that_it_revokes_other_certificates_than_the_plan(root: Sealed, tmp_path: Path) -> None:
    revoke = {"serial": "0a", "date": TODAY, "reason": "superseded"}
    plan = root.plan("crl", "REVOKED", root.archive, {"crl": {"days": 30}}, revoke=[revoke])
    shown: list[str] = []

    def show(text: str) -> None:
        shown.append(text)
        if "revoked" in text:
            raise PowerLost  # the rest of the rehearsal is seen elsewhere

    with pytest.raises(PowerLost):
        rehearse_plan(
            plan,
            out=tmp_path / "out",
            paper=tmp_path,
            desk=None,
            preflight=PARTS.preflight,
            passwords=PARTS.passwords,
            progress=PARTS.progress,
            show=show,
        )
    assert shown[-1].endswith("are certificates of the throw-away CA, not those of the serial numbers planned.")
