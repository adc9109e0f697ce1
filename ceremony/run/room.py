"""The room of a rehearsal: where its paper and media are, and what stands on the paper that came out."""

from pathlib import Path

from ceremony.planning.plan import Plan
from ceremony.run.paper import HANDOVER, TEST_PAGE
from ceremony.run.readback import Place
from escrow import handover
from escrow.documents import made_up
from escrow.errors import PageError
from escrow.files import read_public
from escrow.gather import Collection
from escrow.judge import judge_file
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.online.tree import KEYS, PROVISIONER
from escrow.package import MAX_LENGTH, Package
from escrow.paper.scan import read_downwards, scan
from escrow.printing import SHEET
from escrow.sealing import PACKAGE_FILE
from escrow.share import Kind
from escrow.words import to_words

_LONGEST_WORDS = 64


class Room:
    """Where the rehearsed paper is: the tray of the printer, the folder of the scanner, the media."""

    def __init__(self, plan: Plan, base: Path, out: Path) -> None:
        self.plan, self.out = plan, out
        self.tray, self.scans, self.media = base / "tray", base / "scans", base / "media"
        for folder in (self.tray, self.scans, self.media):
            folder.mkdir(mode=0o700)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the set that was sealed."""
        return Package.decode(read_public(self.out / PACKAGE_FILE, MAX_LENGTH)).manifest

    @property
    def made_up(self) -> Manifest:
        """The manifest of the set that the test page is of."""
        return made_up(Kind.SPECIMEN, self.plan.policy, self.plan.ca.name)

    def newest(self, title: str) -> Path:
        """The newest document with a title. Raises PageError if there is none."""
        found = sorted(self.tray.glob(f"*-{title}.pdf"))
        if not found:
            message = f"There is no {title} in the tray."
            raise PageError(message)
        return found[-1]

    def sheet(self, share: str) -> Path:
        """The newest sheet of a share, or test page. Raises PageError if there is none."""
        if share == TEST_PAGE:
            return self.newest(share)
        manifest = self.manifest
        for path in sorted(self.tray.glob(f"*-{SHEET}.pdf"), reverse=True):
            found = Collection(manifest, keep=False)
            found.add_file(path)
            if any(manifest.policy.name_of(position) == share for position in found.present):
                return path
        message = f"There is no sheet of share {share} in the tray."
        raise PageError(message)

    def words_at(self, share: str, place: Place) -> Secret:
        """The words at a place of a share's newest sheet. The caller closes it."""
        manifest, path = self.made_up if share == TEST_PAGE else self.manifest, self.sheet(share)
        typed = Secret(_LONGEST_WORDS)

        def in_worker() -> bytes:
            record = next(record for record, _ in judge_file(manifest, path.name, path.read_bytes()) if record)
            row = to_words(record.encode())[place.row - 1]
            text = " ".join(row[column - 1] for column in place.columns).encode()
            typed.fill(text)
            return str(len(text)).encode()

        typed.shorten(int(isolate(in_worker, typed)))
        return typed

    def password_words_at(self, name: str, place: Place) -> Secret:
        """The words at a place of a password on the newest handover sheet. The caller closes it."""
        content = self.newest(HANDOVER).read_bytes()
        typed = Secret(_LONGEST_WORDS)

        def in_worker() -> bytes:
            texts = [text for page in scan(content, read_downwards) for text in page.texts]
            words = texts[(KEYS, PROVISIONER).index(name)].split("-")[handover.COLUMNS * (place.row - 1) :]
            typed.fill(" ".join(words[column - 1] for column in place.columns).encode())
            return b""

        isolate(in_worker, typed)
        return typed
