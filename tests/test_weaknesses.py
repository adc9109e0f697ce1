"""Each weakness of an imported CA is named, with what to do, and no note tells a secret."""

import base64
import datetime as dt
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from helpers import PASSWORD, PROVISIONER_PASSWORD, StepTree, escrow, practice, run
from variants import change

from ceremony.planning.draft import fill
from ceremony.planning.plan import parse
from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.keys import make_keys
from ceremony.run.questions import Questions
from ceremony.run.work import Equipment, Workshop
from escrow import certificates, jwe, keys
from escrow.authority import Authority, import_tree
from escrow.choice import Choice
from escrow.errors import KeyFileError, TreeError
from escrow.memory import Secret
from escrow.note import Kind

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(hours=1)  # after certificates that step makes now
PLAIN = "a plain secret"


def quiet(*_: object) -> None:
    """Nobody watches the progress here."""


def imported(tree: Path, choice: Choice, now: dt.datetime = NOW, **passwords: str) -> Authority:
    held = {name: Secret.of(password.encode()) for name, password in passwords.items()}

    def answer(name: str, problem: str | None) -> Secret:
        if problem:
            raise KeyFileError(problem)
        return held.get(name.replace("-", "_")) or held.setdefault(name, Secret.of(PASSWORD.encode()))

    return import_tree(tree, answer, quiet, now, choice)


def weak(authority: Authority) -> str:
    told = "\n".join(map(str, authority.notes))
    for secret in (PASSWORD, PROVISIONER_PASSWORD, PLAIN):
        assert secret not in told
    for note in authority.notes:
        assert note.kind is not Kind.WEAK or note.advice, "a weakness without what to do"
    return "\n".join(str(note) for note in authority.notes if note.kind is Kind.WEAK)


@pytest.fixture
def tree(trees: Callable[[str], StepTree], tmp_path: Path) -> Path:
    """A tree as step makes it, with the worst mended: keys as step would write Ed25519's, the root's elsewhere."""
    path = Path(shutil.copytree(trees("P-256").path, tmp_path / "step"))
    with Secret.of(PASSWORD.encode()) as password:
        for name in ("root_ca_key", "intermediate_ca_key"):
            file = path / "secrets" / name
            with Secret.of(file.read_bytes()) as content:
                file.write_bytes(keys.export(keys.load(content, password, name).pem, password))
    (path / "secrets/root_ca_key").rename(tmp_path / "offline")
    return path


@pytest.fixture
def choice(tmp_path: Path) -> Choice:
    return Choice(key_files={"root": tmp_path / "offline"})


def test_a_sound_tree_has_no_weakness(tree: Path, choice: Choice) -> None:
    _change_password(tree.parent / "offline", "another one")
    assert not weak(imported(tree, choice, root="another one"))


def _change_password(file: Path, new: str) -> None:
    """Change the password of a key file."""
    with Secret.of(PASSWORD.encode()) as old, Secret.of(new.encode()) as other, Secret.of(file.read_bytes()) as content:
        file.write_bytes(keys.export(keys.load(content, old, file.name).pem, other))


def test_one_password_for_all_keys(tree: Path, choice: Choice) -> None:
    told = weak(imported(tree, choice))
    assert "One password protects the keys root and intermediate." in told
    assert PASSWORD not in told


def test_a_password_file_beside_the_keys(tree: Path, choice: Choice) -> None:
    (tree / "secrets/password").write_text(PASSWORD + "\n")
    (tree / "secrets/password").chmod(0o600)
    (tree / "secrets/other").write_text(PLAIN)
    (tree / "secrets/empty").write_text("")
    read = imported(tree, choice)
    assert f"{tree}/secrets/password has the password of the keys root and intermediate in clear text" in weak(read)
    assert f"NOTE: {tree}/secrets/other is not a private key and is not escrowed." in "\n".join(map(str, read.notes))
    assert "secrets/empty has" not in weak(read)


def test_a_provisioner_that_has_the_password_of_a_key(tree: Path, choice: Choice) -> None:
    assert "also opens the provisioner" not in weak(imported(tree, choice))
    file = tree / "secrets/intermediate_ca_key"
    _change_password(file, PROVISIONER_PASSWORD)
    told = weak(imported(tree, choice, intermediate=PROVISIONER_PASSWORD))
    assert "The password of intermediate also opens the provisioner admin" in told


HEADER = '{"alg":"PBES2-HS256+A128KW","p2c":1000000,"p2s":"AAAA"}'
JWES = {
    "nested two thousand times": b"[" * 2000,
    "nested a hundred thousand times": b"[" * 100_000,
    "a huge number": b'{"alg":"PBES2-HS256+A128KW","p2s":"AAAA","p2c":1' + b"0" * 5000 + b"}",
    "more rounds than step takes": HEADER.replace("1000000", "1000001").encode(),
    "of a kind that cannot be": b'{"alg":7}',
}


@pytest.mark.parametrize("what", JWES)
def test_a_key_of_a_provisioner_that_is_nonsense_is_not_opened_and_stops_nothing(what: str) -> None:
    with Secret.of(PASSWORD.encode()) as password:
        header = base64.urlsafe_b64encode(JWES[what]).decode().rstrip("=")
        assert not jwe.opens(f"{header}.AAAA.AAAA.AAAA.AAAA", password)


def test_not_more_provisioners_are_tried_than_anybody_would_wait_for(
    tree: Path, choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    first = authority["provisioners"][0]
    authority["provisioners"] = [{**first, "name": f"p{number}"} for number in range(1000)]
    change(tree, authority=authority)
    tried: list[str] = []

    def opens(encrypted: str, _: Secret) -> bool:
        tried.append(encrypted)
        return False

    monkeypatch.setattr(jwe, "opens", opens)
    read = imported(tree, choice)
    assert len(tried) == 64
    assert "ca.json has 1000 provisioners with encrypted keys: not all were tried" in "\n".join(map(str, read.notes))


def test_a_ca_json_that_is_nested_too_deeply_is_refused(tree: Path, choice: Choice) -> None:
    (tree / "config/ca.json").write_text("[" * 100_000)
    with pytest.raises(TreeError, match="is not a JSON object"):
        imported(tree, choice)


SECRETS: dict[str, dict[str, Any]] = {
    "password": {"password": PLAIN},
    "kms.pin": {"kms": {"type": "softkms", "pin": PLAIN}},
    "kms.uri": {"kms": {"type": "softkms", "uri": f"pkcs11:token=x?pin-value={PLAIN}"}},
    "db.dataSource": {"db": {"type": "mysql", "dataSource": f"user:{PLAIN}@tcp(127.0.0.1:3306)/"}},
    "decrypterKeyPassword of the provisioner old": {"provisioner": {"decrypterKeyPassword": PLAIN}},
    "decrypterKeyPEM of the provisioner old": {"provisioner": {"decrypterKeyPEM": PLAIN}},
    "challenge of the provisioner old": {"provisioner": {"challenge": PLAIN}},
    "clientSecret of the provisioner old": {"provisioner": {"clientSecret": PLAIN}},
    "bearerToken of the provisioner old": {"provisioner": {"options": {"webhooks": [{"bearerToken": PLAIN}]}}},
    "secret of the provisioner old": {"provisioner": {"options": {"webhooks": [{"secret": PLAIN}]}}},
    "authority.certificateIssuer.password": {"authority": {"certificateIssuer": {"password": PLAIN}}},
}


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_in_clear_text_in_ca_json(field: str, tree: Path, choice: Choice) -> None:
    settings = dict(SECRETS[field])
    authority = json.loads((tree / "config/ca.json").read_text())["authority"]
    if provisioner := settings.pop("provisioner", None):
        authority["provisioners"].append({"type": "SCEP", "name": "old", **provisioner})
    change(tree, **(settings | {"authority": authority | settings.get("authority", {})}))
    assert f"ca.json has secrets in clear text: {field}." in weak(imported(tree, choice))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o600])
def test_a_key_that_others_may_read(mode: int, tree: Path, choice: Choice) -> None:
    (tree / "secrets/intermediate_ca_key").chmod(mode)
    told = weak(imported(tree, choice))
    named = f"Group or others may read {tree}/secrets/intermediate_ca_key ({mode:04o})" in told
    assert named == (mode != 0o600)


def test_a_key_that_is_not_encrypted_and_the_advice_helps(tree: Path, choice: Choice, tmp_path: Path) -> None:
    key, password = tree / "secrets/intermediate_ca_key", tmp_path / "password"
    password.write_text(PASSWORD)
    run("openssl", "pkey", "-in", key, "-passin", f"file:{password}", "-out", tmp_path / "plain").expect()
    shutil.copy(tmp_path / "plain", key)
    told = weak(imported(tree, choice))
    assert f"Not encrypted: {key}." in told
    assert "step crypto change-pass FILE" in told
    run("step", "crypto", "change-pass", key, "--new-password-file", password, "--force").expect()
    assert "Not encrypted" not in weak(imported(tree, choice))


OLD = {
    "PEM's old encryption": ("openssl", "ec", "-aes128"),
    "PKCS#5's old encryption": ("openssl", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"),
    "PBKDF2 with 2,048 iterations": ("openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc"),
}


@pytest.mark.parametrize("weakness", OLD)
def test_weak_encryption_of_a_key_and_the_advice_helps(
    weakness: str, tree: Path, choice: Choice, tmp_path: Path
) -> None:
    key, password = tree / "secrets/intermediate_ca_key", tmp_path / "password"
    password.write_text(PASSWORD)
    passwords = ("-passin", f"file:{password}", "-passout", f"file:{tmp_path / 'same'}")
    (tmp_path / "same").write_text(PASSWORD)  # openssl reads a second line of one file otherwise
    weaker, mended = tmp_path / "weaker", tmp_path / "mended"
    run(*OLD[weakness], "-in", key, "-out", weaker, *passwords).expect()
    shutil.copy(weaker, key)
    told = weak(imported(tree, choice))
    assert f"{key}: {weakness}" in told
    command = next(line for line in told.splitlines() if weakness in line).partition("encrypt anew: ")[2].rstrip(".")
    advised = command.replace("FILE", str(key)).replace("NEW", str(mended))
    run(*shlex.split(advised), *passwords).expect()
    shutil.copy(mended, key)
    assert str(key) not in weak(imported(tree, choice))


def test_the_root_beside_the_intermediate_with_the_command_and_what_must_hold_before_and_nothing_is_removed(
    trees: Callable[[str], StepTree],
) -> None:
    tree = trees("P-256").path
    told = weak(imported(tree, Choice()))
    root = tree / "secrets/root_ca_key"
    line = next(line for line in told.splitlines() if "lies beside the intermediate's" in line)
    assert line.index("every sheet was read back") < line.index(f"escrow remove-root-key {root} PACKAGE")
    assert line.index("a quorum has opened the package") < line.index("escrow remove-root-key")
    assert root.exists()


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, "is not valid before"),
        (3, ""),
        (3650 - 364, "expires on"),
        (3651, "expired on"),
    ],
)
def test_certificates_that_are_expired_or_soon_will_be(days: int, expected: str, tree: Path, choice: Choice) -> None:
    begin = certificates.read((tree / "certs/root_ca.crt").read_bytes(), "root")[0].not_valid_before_utc
    told = weak(imported(tree, choice, begin + dt.timedelta(days=days)))
    assert ("The certificate of" in told) == bool(expected)
    assert told.count(expected) >= 2 or not expected
    assert ("Plan a new root" in told) == expected.startswith("expire")


def test_seal_shows_the_notes_and_what_is_not_escrowed_stands_first(
    trees: Callable[[str], StepTree], tmp_path: Path
) -> None:
    made = trees("P-256")
    tree = Path(shutil.copytree(made.path, tmp_path / "step"))
    (tree / "secrets/root_ca_key").unlink()
    (tree / "secrets/remark").write_text("not a key")
    change(tree, password=PLAIN)
    custodians = ("--threshold", "2", "--custodian", "Anna", "--custodian", "Bert", "--out", tmp_path / "out")
    options = (*custodians, "--password-file", made.password_file, "--allow-disk", *practice())
    refused = escrow("seal", tree, *options).expect(1)
    assert "--without root" in refused.err
    assert not (tmp_path / "out").exists()
    screen = escrow("seal", tree, *options, "--without", "root").expect().err
    noted = screen[screen.index("NOT ESCROWED:") :].splitlines()
    assert all(len(line) < 80 or " " not in line.strip() for line in noted), "but for a path that is longer"
    shown = " ".join(screen.split())
    assert shown.index("clear text: password.") < shown.index("NOTE: ")  # and what is neither, last
    assert shown.index("NOT ESCROWED: The key root") < shown.index("WEAK: ca.json has secrets in clear text: password.")
    assert PLAIN not in shown


def test_the_ceremony_s_step_shows_the_notes_and_hands_them_to_the_journal(
    trees: Callable[[str], StepTree], tmp_path: Path
) -> None:
    tree = Path(shutil.copytree(trees("P-256").path, tmp_path / "step"))
    (tree / "secrets/root_ca_key").unlink()
    ca = f'keys = "import"\ntree = "{tree}"\nwithout = ["root"]'
    text = fill({}, {}).replace('keys = "generate"', ca)
    said: list[str] = []
    with Secret.of(PASSWORD.encode()) as password:
        equipment = SimpleNamespace(passwords=lambda *_: password, progress=quiet, now=lambda: NOW)
        shop = Workshop(parse(text.encode(), Path("plan")), cast("Equipment", equipment))
        step, state, ask = cast("Step", None), cast("State", None), cast("Questions", SimpleNamespace(say=said.append))
        facts = make_keys(shop, step, state, ask)
    assert facts["notes"] == [str(note) for note in shop.made().notes]
    assert facts["notes"][0].startswith("NOT ESCROWED: The key root: it is not at")
    assert set(facts["notes"]) < set(said)
    assert PASSWORD not in json.dumps(facts)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--key", "root"], "--key takes NAME=FILE"),
        (["--key", "=x"], "--key takes NAME=FILE"),
        (["--key", "root=x", "--key", "root=y"], "given twice for root"),
        (["--generate", "X", "--without", "root"], "a new CA needs none"),
        (["--generate", "X", "--context", "a"], "a new CA needs none"),
    ],
)
def test_seal_refuses_options_that_mean_nothing(options: list[str], expected: str, tmp_path: Path) -> None:
    order = ("--threshold", "2", "--custodian", "A", "--custodian", "B", "--out", tmp_path / "out", "--specimen")
    source = () if "--generate" in options else (tmp_path / "step",)
    assert expected in escrow("seal", *source, *order, *options).expect(2).err
