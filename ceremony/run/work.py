"""What a ceremony's actions share: the plan, the equipment, and the secrets of this session of the program.

Secrets live in Secrets of the workshop alone, and end with `forget`. What is written into the ceremony's folder is
public: the package, certificates, documents.
"""

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ceremony.planning.plan import Drill, Plan, Recovery, Session
from ceremony.planning.reissuing import Reissue
from ceremony.preflight.machine import Machine
from ceremony.rules.state import State
from ceremony.run.archive import sign_journal
from ceremony.run.before import Before, Last
from ceremony.run.examine import Examine
from ceremony.run.journal import Entry
from ceremony.run.paper import Paper
from ceremony.run.pile import Pile
from ceremony.run.questions import StepError
from ceremony.run.readback import Lots
from escrow import documents, standalone
from escrow.authority import Authority, EscrowedKey, PasswordSource
from escrow.certificates import Certificate
from escrow.errors import PackageError
from escrow.files import NewFiles, read_public
from escrow.keys import PrivateKey
from escrow.manifest import Manifest
from escrow.memory import Secret
from escrow.online.tree import OnlineTree
from escrow.package import MAX_LENGTH, Package
from escrow.policy import Position
from escrow.printing import Printer
from escrow.progress import Progress
from escrow.reissue import reissue
from escrow.sealing import PACKAGE_FILE
from escrow.token import Token


@dataclass(frozen=True)
class Target:
    """Where a recovery restores to: a folder, and a token for the keys if its plan has one."""

    folder: Path
    token: Token | None = None


@dataclass(frozen=True)
class Equipment:
    """What a ceremony works with: all of it handed in."""

    out: Path
    printer: Printer
    paper: Paper
    passwords: PasswordSource
    forget_passwords: Callable[[], None]
    """Wipes what `passwords` still has."""
    preflight: Examine
    entries: Callable[[], Sequence[Entry]]
    """The journal so far."""
    now: Callable[[], dt.datetime]
    progress: Progress
    lots: Lots
    before: Last | None = None
    """What a session or a drill follows."""
    machine: Machine = field(default_factory=Machine)
    step_ca: Path | None = None
    """The program that a drill starts as a scratch CA."""
    target: Target | None = None
    """Where a recovery restores to."""


class Workshop:
    """One ceremony's work, in one session of the program."""

    def __init__(self, plan: Plan, equipment: Equipment) -> None:
        self.plan, self.equipment = plan, equipment
        self.keys: tuple[EscrowedKey, ...] = ()
        """Made, and without certificates yet."""
        self.drafts: tuple[Certificate, ...] = ()
        """What the root's key will sign for these keys, and nothing else; public."""
        self.authority: Authority | None = None
        self.shares: dict[Position, Secret] = {}
        self.proved: Mapping[str, Secret] = {}
        """What the online CA, a scratch CA or a recovery is made of, as a quorum from paper gave it."""
        self.online: OnlineTree | None = None
        self.root: PrivateKey | None = None
        """In a session: between the opening of the package and the wiping."""
        self.key: PrivateKey | None = None
        self.pile = Pile()
        """Papers that came out in a step that was not finished yet."""

    def session(self) -> Session:
        """What a session's plan says is signed. Raises StepError in another ceremony."""
        if not self.plan.session:
            message = "This ceremony signs nothing with the root alone."
            raise StepError(message)
        return self.plan.session

    def before(self) -> Before:
        """The archive that a session follows. Raises StepError in another ceremony."""
        last = self.last()
        if not isinstance(last, Before):
            message = "This ceremony follows none whose root can sign."
            raise StepError(message)
        return last

    def drill(self) -> Drill:
        """What a drill's plan says is tried. Raises StepError in another ceremony."""
        if not self.plan.drill:
            message = "This ceremony is no drill."
            raise StepError(message)
        return self.plan.drill

    def reissue(self) -> Reissue:
        """What a reissue's plan says was lost. Raises StepError in another ceremony."""
        if not self.plan.reissue:
            message = "This ceremony makes no share again."
            raise StepError(message)
        return self.plan.reissue

    def recovery(self) -> Recovery:
        """What a recovery's plan says. Raises StepError in another ceremony."""
        if not self.plan.recovery:
            message = "This ceremony is no recovery."
            raise StepError(message)
        return self.plan.recovery

    def last(self) -> Last:
        """The archive that a session or a drill follows. Raises StepError in another ceremony."""
        if not self.equipment.before:
            message = "This ceremony follows no other."
            raise StepError(message)
        return self.equipment.before

    def used_before(self) -> set[str]:
        """The numbers of bags that were used in the ceremonies before."""
        last = self.equipment.before
        return {number for numbers in last.bags.values() for number in numbers} if last else set()

    def carry(self, files: Mapping[str, bytes]) -> None:
        """Keep files in the archive; those of a start that was cut off are replaced."""
        with NewFiles(self.equipment.out) as out:
            for name, content in files.items():
                (out.root / name).unlink(missing_ok=True)
                out.write(name, content)
            out.publish()

    def end(self) -> None:
        """Sign the whole journal, and let the key go that signs it."""
        if self.key:
            sign_journal(self.equipment.out, self.equipment.entries(), self.key)
            self.key.pem.close()
            self.key = None

    def close(self) -> None:
        """Wipe everything secret, the key that signs the journal included."""
        self.forget()
        if self.key:
            self.key.pem.close()
            self.key = None

    def forget(self) -> None:
        """Wipe everything secret but the key that signs the journal."""
        if self.authority:
            self.authority.close()
        for entry in self.keys:
            entry.key.pem.close()
        if self.root:
            self.root.pem.close()
        self.keys, self.drafts, self.authority, self.root = (), (), None, None
        self.forget_shares()
        self.forget_proved()
        self.forget_online()

    def forget_shares(self) -> None:
        """Wipe the shares alone."""
        for share in self.shares.values():
            share.close()
        self.shares = {}

    def forget_proved(self) -> None:
        """Wipe what a quorum from paper gave back."""
        for member in self.proved.values():
            member.close()
        self.proved = {}

    def forget_online(self) -> None:
        """Wipe the passwords of the online CA."""
        if self.online:
            self.online.close()
        self.online = None

    def zeroize(self) -> None:
        """Wipe everything secret that nothing needs any more: keys, shares, and the passwords of imported keys."""
        self.forget()
        self.equipment.forget_passwords()

    def share(self, manifest: Manifest, position: Position) -> Secret:
        """A share, made again from others if it is not in memory. Raises QuorumError, ShareError."""
        if position not in self.shares:
            self.shares[position] = reissue(manifest, self.shares, position)
        return self.shares[position]

    def made(self) -> Authority:
        """The CA whose keys are in memory. Raises StepError if they are not."""
        if not self.authority:
            message = "The keys are not in memory: this session did not make them."
            raise StepError(message)
        return self.authority

    def package(self, state: State) -> Package:
        """The package that this ceremony sealed. Raises FileError, PackageError."""
        text = read_public(self.equipment.out / PACKAGE_FILE, MAX_LENGTH)
        package, sealed = Package.decode(text), state.done["seal"]
        # The set id is the manifest's alone: the rest of the file could have been replaced.
        if (package.manifest.set_id.hex(), hashlib.sha256(text).hexdigest()) != (sealed["set_id"], sealed["package"]):
            message = f"{self.equipment.out / PACKAGE_FILE} is not the package that this ceremony sealed."
            raise PackageError(message)
        return package

    def manifest(self, state: State) -> Manifest:
        """The manifest of the set whose sheets are printed. Raises FileError, PackageError, StepError."""
        return self.package(state).manifest if self.plan.seals else self.last().manifest

    def remove_void(self) -> None:
        """Remove the package of a set that is void, or was never noted as sealed, and what was made with it."""
        for folder in (documents.FOLDER, "certs"):
            shutil.rmtree(self.equipment.out / folder, ignore_errors=True)
        for made in (documents.PACKAGE_SHEETS_FILE, standalone.FILE, PACKAGE_FILE):
            (self.equipment.out / made).unlink(missing_ok=True)
