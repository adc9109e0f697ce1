"""A whole ceremony with a real CA of `step ca init`: rehearsed, held, audited, told, and restored from its paper."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import PASSWORD, StepTree, escrow, run, step_ca
from player import Player, Room, room

from escrow.certificates import fingerprint, read

OTHER_PASSWORD = "one of its own"


class Import(Room):
    """A room whose plan imports a tree; of the keys' passwords one is in a file."""

    def command(self) -> list[object]:
        return [*super().command(), "--password-file", f"intermediate={self.base / 'password'}"]


def importing(base: Path, tree: StepTree) -> Import:
    """A room with a copy of the tree: the root's key elsewhere, under a password of its own, the SSH keys left out."""
    copy = Path(shutil.copytree(tree.path, base / "step"))
    config = copy / "config/ca.json"
    config.write_text(config.read_text().replace(str(tree.path), str(copy)))  # or keys are found where they were made
    root = base / "stick/root.pem"
    root.parent.mkdir()
    (copy / "secrets/root_ca_key").rename(root)
    for name, text in (("password", PASSWORD), ("other", OTHER_PASSWORD)):
        (base / name).write_text(text)
    change = ("step", "crypto", "change-pass", "--force", "--password-file", base / "password")
    run(*change, "--new-password-file", base / "other", root).expect()
    (base / "other").unlink()
    (copy / "secrets/ssh_user_ca_key").unlink()
    plan = base / "ceremony.toml"
    room(base, threshold=2, custodians=2)
    ca = f'keys = "import"\ntree = "{copy}"\nkey_files = {{ root = "{root}" }}\nwithout = ["ssh-user"]\n'
    waiver = '\n[[waiver]]\nlint = "no-spare"\nreason = "Two are quicker to play."\n'
    waiver += '\n[[waiver]]\nlint = "quorum-at-one-site"\nreason = "The same."\n'
    plan.write_text(plan.read_text().replace('keys = "generate"\n', ca) + waiver)
    return Import(base)


@pytest.mark.long
def test_an_imported_ca_is_rehearsed_held_audited_told_and_restored(
    trees: Callable[[str], StepTree], shm: Path
) -> None:
    made = trees("ssh")
    held = importing(shm, made)
    plan = held.base / "ceremony.toml"
    escrow("rehearse", plan, "--auto", "--out", shm / "rehearsal").expect()
    escrow("audit", shm / "rehearsal").expect()

    player = Player(held)
    player.answers["Password of the key root"] = ["a wrong one", OTHER_PASSWORD]
    player.answers["Password of the key ssh-host"] = [PASSWORD]
    player.play()
    assert player.end() == 0, player.terminal.shown[-2000:]
    assert not any(player.answers.values())
    assert OTHER_PASSWORD not in player.terminal.shown

    entries = [json.loads(line) for line in (held.out / "journal.jsonl").read_text().splitlines()]
    facts = {entry["step"]: entry["facts"] for entry in entries if entry["event"] == "end"}
    assert facts["keys"]["generated"] is False
    assert [key["name"] for key in facts["keys"]["keys"]] == ["root", "intermediate", "ssh-host"]
    assert facts["keys"]["notes"][0].startswith("NOT ESCROWED: The key ssh-user")
    shown = {(each["file"], each["sha256"]) for each in facts["certificates"]["certificates"]}
    files = ("certs/root_ca.crt", "certs/intermediate_ca.crt")
    assert shown == {(file, fingerprint(read((made.path / file).read_bytes(), file)[0])) for file in files}

    escrow("audit", held.out).expect()
    told = " ".join(escrow("transcript", held.out).expect().out.split())
    assert "The private keys were imported." in told
    assert "NOT ESCROWED: The key ssh-user" in told
    assert "until they are destroyed there" in told

    sheets = list(held.sheets().values())
    restored = shm / "restored"
    escrow(
        *("recover", held.out / "package.escrow", *sheets, "--to", restored),
        *("--password-file", held.base / "password"),
    ).expect()
    (restored / "secrets/ssh_user_ca_key").write_bytes((made.path / "secrets/ssh_user_ca_key").read_bytes())
    with step_ca(restored, made.password_file, made.url):
        pass


@pytest.fixture
def unprinted(shm: Path, trees: Callable[[str], StepTree]) -> Import:
    return importing(shm, trees("ssh"))


def test_the_script_says_what_is_imported_from_where_and_what_is_not_escrowed(unprinted: Import) -> None:
    out = unprinted.base / "paper"
    escrow("script", unprinted.base / "ceremony.toml", "--out", out).expect()
    script = next(path for path in out.iterdir() if "officers" in path.name)
    text = " ".join(run("pdftotext", "-l", "1", script, "-").expect().out.split())
    assert f"imported from {unprinted.base}/step" in text
    assert f"the key root: {unprinted.base}/stick/root.pem" in text
    assert "NOT ESCROWED: ssh-user" in text
