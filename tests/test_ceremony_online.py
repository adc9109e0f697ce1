"""A ceremony hands an online CA over: the real step-ca starts from the medium, with the passwords on the paper."""

import datetime as dt
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from authorities import ISSUED_KINDS
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from helpers import escrow, free_port, need, rasterise, run, serving
from online import Online, check_all
from player import Player, Room, passwords_on, room

from escrow import jwe
from escrow.keys import Algorithm
from escrow.memory import Secret


def room_for(base: Path, online: str = "") -> tuple[Room, int]:
    """A room for a ceremony with an online CA that will run in `base`, and the port where it will listen."""
    room(base, threshold=2, custodians=2)
    port = free_port()
    plan = base / "ceremony.toml"
    today = dt.datetime.now(dt.UTC).date()  # when the certificates begin: step-ca looks at the clock
    table = f'dns = ["localhost"]\naddress = "127.0.0.1:{port}"\nplace = "{base}/tree"\n'
    text = re.sub("(?m)^date = .*", f"date = {today}", plan.read_text())
    text = re.sub("(?m)^standby = .*", f"standby = {today + dt.timedelta(days=7)}", text)
    plan.write_text(f'{text}\n[ssh]\n\n[online]\n{table}site = "Bank"\nmedium = "A stick"\n{online}')
    return Room(base), port


def facts_of(out: Path, step: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    return [each["facts"] for each in entries if each["event"] == "end" and each["step"] == step]


def test_step_ca_starts_from_what_a_ceremony_hands_over_also_after_a_loss_of_power(shm: Path) -> None:
    """The power is lost when the handover sheet has come out: the quorum is proved again, and all is made anew.

    Before that another sheet is read in its place, and wrong words are typed; after it a bag is taken that was used.
    """
    need("step", "step-ca", "zbarimg", "openssl")
    held_in, port = room_for(shm)
    player = Player(held_in)
    player.play(until=lambda question: question.startswith("the handover sheet"))
    lost = passwords_on(held_in.newest("handover"))
    player.scan(held_in.newest("test-page"))
    player.answers = {"the handover sheet": [""], "Type 'again'": ["again"], "Password of": ["x"] * 3}
    player.play(until=lambda question: question.startswith("Enter tries"))
    shown = " ".join(player.terminal.shown.split())
    assert "Not read: the code of the password of the keys and the provisioner." in shown
    assert re.search(r"The words typed for row \d are not those of the sheet that was printed. Shred it", shown)
    player.terminal.process.kill()
    player.end()
    again = Player(held_in)
    again.play(until=lambda question: question.startswith("Number of the bag of the handover"))
    again.answers = {"Number of the bag of the handover": [again._bag, "", "H1"], "The same number": ["H2"]}
    again.play()
    assert again.end() == 0, again.terminal.shown[-2000:]
    shown = " ".join(again.terminal.shown.split())
    for text in ("This number was used before", "Every bag has a number", "The two differ"):
        assert text in shown
    assert "The quorum is proved from paper once more, and tree and passwords are made anew." in shown

    sheet = held_in.newest("handover")
    passwords = passwords_on(sheet)
    assert not {*passwords.values()} & {*lost.values()}
    (made,) = facts_of(held_in.out, "online")[1:]
    assert made["site"] == "Bank"
    assert len(facts_of(held_in.out, "quorum")) == 2
    assert len(facts_of(held_in.out, "handover-bag")) == 1
    medium = shm / "online-1" / made["folder"]
    files = {str(path.relative_to(medium)): path for path in medium.rglob("*") if path.is_file()}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == made["files"]
    assert not [name for name in files if "root_ca_key" in name or not name.startswith("step-ca/")]

    shutil.copytree(medium / "step-ca", shm / "tree")
    codes = run("zbarimg", "--raw", "-q", rasterise(sheet, 150)).expect().out.split()
    assert sorted(codes) == sorted(passwords.values())
    for name, password in passwords.items():
        (shm / name).write_text(password + "\n")
    assert_serves(shm, port, held_in.out)

    shown_in_all = player.terminal.shown + again.terminal.shown
    assert_nowhere({*passwords.values(), *lost.values()}, held_in.out, shown_in_all)
    report = escrow("transcript", held_in.out).expect().out
    assert made["folder"] in report
    assert f"The handover sheet is in bag {facts_of(held_in.out, 'handover-bag')[0]['bag']}" in " ".join(report.split())


@pytest.mark.parametrize(
    "kind", [ISSUED_KINDS[0], *(pytest.param(k, marks=pytest.mark.long) for k in ISSUED_KINDS[1:])]
)
def test_a_whole_ceremony_with_keys_of_every_kind_ends_in_a_step_ca_that_serves(kind: Algorithm, shm: Path) -> None:
    need("step", "step-ca", "openssl", "ssh-keygen")
    held_in, port = room_for(shm)
    plan = shm / "ceremony.toml"
    keys = f'key = "{kind}"\n'
    plan.write_text(
        plan.read_text().replace("\n[ssh]\n", f"\n[ssh]\n{keys}") + f"\n[root]\n{keys}\n[[intermediate]]\n{keys}"
    )
    held_in = Room(shm)
    player = Player(held_in)
    player.play()
    assert player.end() == 0, player.terminal.shown[-2000:]
    assert {each["algorithm"] for each in facts_of(held_in.out, "keys")[0]["keys"]} == {kind}
    (made,) = facts_of(held_in.out, "online")
    shutil.copytree(shm / "online-1" / made["folder"] / "step-ca", shm / "tree")
    for name, password in passwords_on(held_in.newest("handover")).items():
        (shm / name).write_text(password + "\n")
    ca = Online(shm / "tree", f"https://localhost:{port}", free_port(), shm / "the provisioner")
    acme = ["--insecure", "--acme-http-port", ca.acme_port]
    command = ["step-ca", "--password-file", shm / "the keys", *acme, ca.place / "config/ca.json"]
    with serving(command, ca.url, held_in.out / "certs/root_ca.crt"):
        check_all(ca, shm)


def assert_serves(shm: Path, port: int, out: Path) -> None:
    """The real step-ca, from the tree that was copied off the medium, with the passwords that were scanned."""
    url, root = f"https://localhost:{port}", out / "certs/root_ca.crt"
    with serving(["step-ca", "--password-file", shm / "the keys", shm / "tree/config/ca.json"], url, root):
        own = ("--provisioner", "admin", "--provisioner-password-file", shm / "the provisioner")
        client = ("--ca-url", url, "--root", root, *own)
        run("step", "ca", "certificate", *client, "leaf.test", shm / "leaf.crt", shm / "leaf.key").expect()
        plain = ("--no-password", "--insecure", "--no-agent")
        run("step", "ssh", "certificate", *client, *plain, "someone", shm / "ssh").expect()
    run("step", "certificate", "verify", shm / "leaf.crt", "--roots", root).expect()
    intermediate = out / "certs/intermediate_ca.crt"
    run("openssl", "verify", "-CAfile", root, "-untrusted", intermediate, shm / "leaf.crt").expect()


def assert_nowhere(passwords: set[str], out: Path, shown: str) -> None:
    """Neither in any file of the archive nor in what was shown."""
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file()) + shown.encode()
    for half in (half for password in passwords for half in (password[:39], password[40:])):
        assert half.encode() not in everything
        assert half.replace("-", " ").encode() not in everything


def test_a_recipient_opens_the_passwords_with_openssl_and_there_is_no_paper(shm: Path) -> None:
    need("openssl", "step", "step-ca")
    key = ec.generate_private_key(ec.SECP384R1())
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
    held_in, port = room_for(shm, f'recipient = """\n{public}"""\n')
    player = Player(held_in)
    player.play()
    assert player.end() == 0, player.terminal.shown[-2000:]
    assert not list((shm / "tray").glob("*-handover.pdf"))
    assert not [question for question in player.asked if "handover" in question]
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (shm / "key").write_bytes(own)
    (made,) = facts_of(held_in.out, "online")
    digest = hashlib.sha256(key.public_key().public_bytes(serialization.Encoding.DER, spki)).hexdigest()
    assert made["recipient"] == digest
    assert digest in "".join(player.terminal.shown.split())
    medium = shm / "online-1" / made["folder"]
    opened = {}
    for name in ("intermediate", "provisioner"):
        sealed = medium / f"passwords/{name}.cms"
        opened[name] = run("openssl", "cms", "-decrypt", "-inform", "PEM", "-in", sealed, "-inkey", shm / "key")
    tree = medium / "step-ca"
    password = opened["intermediate"].expect().out.encode()
    serialization.load_pem_private_key((tree / "secrets/intermediate_ca_key").read_bytes(), password)
    encrypted = json.loads((tree / "config/ca.json").read_text())["authority"]["provisioners"][0]["encryptedKey"]
    with Secret.of(opened["provisioner"].expect().out.encode()) as secret:
        assert jwe.opens(encrypted, secret)
    shutil.copytree(tree, shm / "tree")
    decrypt = f"openssl cms -decrypt -inform PEM -in {medium}/passwords/intermediate.cms -inkey {shm}/key"
    command = f"exec step-ca --password-file <({decrypt}) {shm}/tree/config/ca.json"  # as FORMAT.md says
    with serving(["bash", "-c", command], f"https://localhost:{port}", held_in.out / "certs/root_ca.crt"):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('dns = ["ca.example.com"]', "site is missing"),
        ('dns = []\nsite = "Bank"\nmedium = "x"', "dns has too few entries"),
        ('dns = ["a b"]\nsite = "Bank"\nmedium = "x"', "must be a DNS name or an IP address"),
        ('dns = ["a"]\nsite = "Nowhere"\nmedium = "x"', "online, site is 'Nowhere', and there is no such [[site]]"),
        ('dns = ["a"]\nsite = "Bank"\nmedium = "x"\naddress = "443"', "must be a host and a port"),
        ('dns = ["a"]\nsite = "Bank"\nmedium = "x"\nplace = "x"', "must be a whole path"),
        ('dns = ["a"]\nsite = "Bank"\nmedium = "x"\nprovisioner = "a b"', "must be letters, digits"),
        ('dns = ["a"]\nsite = "Bank"\nmedium = "x"\nrecipient = "x"', "is no public key and no certificate"),
        ('dns = ["a"]\nsite = "Bank"\nmedium = "x"\npassword = "x"', "password is not known"),
    ],
)
def test_what_is_wrong_with_an_online_ca_is_named_in_the_plan(change: str, message: str, tmp_path: Path) -> None:
    room(tmp_path)
    plan = tmp_path / "ceremony.toml"
    plan.write_text(f"{plan.read_text()}\n[online]\n{change}\n")
    done = escrow("lint", plan).expect(2)
    assert message in " ".join(done.err.split())


def test_an_online_ca_is_of_keys_that_are_made() -> None:
    """An imported CA has its tree already."""
    from ceremony.planning.plan_errors import contradictions

    found = [
        problem for problem in contradictions({"ca": {"keys": "import"}, "online": {}}) if problem.place == ("online",)
    ]
    assert [problem.text for problem in found] == ['belongs to keys = "generate": remove it, or generate.']
