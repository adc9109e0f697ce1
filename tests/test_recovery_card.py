"""Somebody has the sheets, the package and the recovery card, and does what the card says, word for word.

Its commands are taken from the printed card; nothing is known here but what stands on paper. What a person reads off a
sheet is what pdftotext reads there.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import escrow, need, run

from escrow import standalone

GOLDEN = Path(__file__).parent / "golden/v1/plain"
SHEETS = ("1-5", "1-2", "1-3")
WATERMARK = re.compile(r"^ *(SP|EC|IM|EN) *\n", re.MULTILINE)


def printed(pdf: Path) -> str:
    """What can be read on paper."""
    return WATERMARK.sub("", run("pdftotext", "-layout", pdf, "-").expect().out)


@dataclass(frozen=True)
class Table:
    """A directory in memory with the package, its decoder and the scans of three sheets; and the card."""

    place: Path
    card: str

    def sheets(self) -> list[str]:
        return [printed(self.place / f"scan-{name}.pdf") for name in SHEETS]

    def in_the_text(self, beginning: str) -> str:
        """A command in the running text of the card, with the scans that lie here, and here instead of /dev/shm."""
        found = re.search(
            rf"{re.escape(beginning)}(?: SCANS\.\.\.)?(?: --to /dev/shm/step)?", " ".join(self.card.split())
        )
        assert found, f"no {beginning} on the card"
        here = str(self.place)  # in /dev/shm, but of this test alone
        return found[0].replace("SCANS...", "scan-*.pdf").replace("/dev/shm", here)  # noqa: S108 - a directory of its own

    def line(self, beginning: str) -> str:
        """A command that has lines of its own on the card, without what is explained beside it."""
        lines = iter(self.card.splitlines())
        found = next(line.strip() for line in lines if line.strip().startswith(beginning))
        while found.endswith("\\"):
            found = found.removesuffix("\\") + next(lines).strip()
        return re.split(r" {3,}", found)[0]

    def does(self, command: str, stdin: str = "") -> str:
        """Type a command into a shell, which has to end with status 0; what is then seen."""
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=self.place,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.place)},
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def has_the_keys(self, secrets: Path, certs: Path) -> None:
        """Each key fits its certificate, and the intermediate's chains to the root's."""
        for name in ("root_ca", "intermediate_ca"):
            public = self.does(f"openssl x509 -in {certs}/{name}.crt -noout -pubkey")
            assert self.does(f"openssl pkey -in {secrets}/{name}_key -pubout -passin pass:'a new one'") == public
        self.does(f"openssl verify -CAfile {certs}/root_ca.crt {certs}/intermediate_ca.crt")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> str:
    need("pdftotext", "openssl")
    out = tmp_path_factory.mktemp("card") / "made"
    custodians = [part for number in range(5) for part in ("--custodian", f"Custodian {number}")]
    escrow("documents", GOLDEN / "package.escrow", *custodians, "--out", out).expect()
    (pdf,) = out.rglob("recovery-card.pdf")
    return printed(pdf)


@pytest.fixture
def table(shm: Path, card: str) -> Table:
    for name in SHEETS:
        shutil.copy(GOLDEN / f"share-{name}.pdf", shm / f"scan-{name}.pdf")
    shutil.copy(GOLDEN / "package.escrow", shm)
    (shm / standalone.FILE).write_bytes(standalone.source())
    return Table(shm, card)


def test_with_the_program_the_steps_of_the_card_restore_the_ca(table: Table) -> None:
    of_set = re.search(r"Words of the set.*?\n((?: *[A-Z]){16})\n", table.card)
    assert of_set
    words = re.findall("....", "".join(of_set[1].split()))
    assert " ".join(words) in table.does(table.in_the_text("escrow inspect package.escrow")).upper()
    assert all(f"Set {' '.join(words)}" in " ".join(sheet.split()) for sheet in table.sheets())
    assert table.does(table.in_the_text("escrow check package.escrow")).count(": valid") == len(SHEETS)
    typed = "--password-file -"  # what a person is asked for at the terminal
    table.does(f"{table.in_the_text('escrow recover package.escrow')} {typed}", "a new one\n")
    table.has_the_keys(table.place / "step/secrets", table.place / "step/certs")


def test_with_programs_of_debian_the_lines_of_the_card_restore_the_ca(table: Table) -> None:
    need("ssss-combine", "unzip", "sha256sum")
    combine = table.line("ssss-combine")
    key = ""
    for lane in ("left", "right"):
        typed = [
            line.split()[1] for sheet in table.sheets() for line in sheet.splitlines() if line.startswith(f"{lane} ")
        ]
        key += table.does(combine, "\n".join(typed) + "\n").split()[-1]
    table.does(table.line("openssl cms").replace("-secretkey W", f"-secretkey {key}"))
    table.does(table.line("unzip"))
    of_set = re.search(r"must begin with ([0-9a-f]{32})", table.card)
    assert of_set
    assert table.does(table.line("sha256sum manifest.json")).startswith(of_set[1])
    table.has_the_keys(table.place / "secrets", table.place / "certs")


def test_with_python_alone_the_lines_of_the_card_restore_the_ca(table: Table) -> None:
    stated = re.search(r"SHA-256 of decode.py.*?\n((?:[ 0-9a-f]*\n){2,4})", table.card)
    assert stated
    assert table.does(table.line("sha256sum decode.py")).startswith("".join(stated[1].split())[:64])
    for number, sheet in enumerate(table.sheets(), 1):
        in_words = sheet.partition("The same share in words")[2].partition("Rows 1 to 8")[0]
        words = re.findall(r"\b[a-z]{4}\b", in_words)  # the mark across a specimen cuts a row in two
        assert len(words) == 72
        (table.place / f"SHEET{number}.txt").write_text(" ".join(words))
    command = table.line("python3 decode.py")
    table.does(command.replace(" ...", " SHEET3.txt"))
    table.does("unzip keys.zip")
    table.has_the_keys(table.place / "secrets", table.place / "certs")
