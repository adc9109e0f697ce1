"""A SoftHSM 2 with one token, in a folder of its own: it stands for an HSM."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers import need, run

LABEL, SO_PIN = "Our CA; 1", "8765 4321"
MODULES = [Path(f"/usr/lib/{place}/libsofthsm2.so") for place in ("softhsm", "x86_64-linux-gnu/softhsm", "pkcs11")]


@dataclass(frozen=True)
class Hsm:
    """The module, what has to be in the environment, and the PIN."""

    module: Path
    env: Mapping[str, str]
    pin_file: Path

    def objects(self) -> list[str]:
        """What lies in the token, as its owner sees it: a line for each object's class, id, label and access."""
        pin = self.pin_file.read_text()
        listing = ["pkcs11-tool", "--module", self.module, "--token-label", LABEL, "--login", "--pin", pin, "-O"]
        return run(*listing, env=self.env).expect().out.splitlines()

    def options(self) -> list[object]:
        """What recovers into the token."""
        return ["--token", LABEL, "--module", self.module, "--pin-file", self.pin_file, "--pin-source", self.pin_file]


def make(folder: Path, pin: str) -> Hsm:
    """Initialise one."""
    need("softhsm2-util", "pkcs11-tool")
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    (folder / "pin").write_text(pin)
    env = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    run("softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", pin, "--so-pin", SO_PIN, env=env).expect()
    return Hsm(next(path for path in MODULES if path.exists()), env, folder / "pin")
