"""Gather shares from pages: every share is judged the moment it is read, and none that is good is ever lost."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from escrow.errors import EscrowError, PageError, WorkerError
from escrow.files import read_secret
from escrow.judge import Verdict, judge_file
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.paper.scan import MAX_FILE, prepare
from escrow.pasted import MAX_TEXT
from escrow.policy import Position
from escrow.share import VALUE_LENGTH
from escrow.watch import Ending, Glance, watch

STANDARD_INPUT = Path("-")
TWICE = "the same share was already read"


class Collection:
    """The shares of one set gathered so far.

    With `keep`, the values of valid shares are held, one Secret each; without, they never leave the worker
    that read them. Close it to wipe them.
    """

    def __init__(self, manifest: Manifest, *, keep: bool) -> None:
        self.manifest = manifest
        self.verdicts: list[Verdict] = []
        self.shares: dict[Position, Secret] = {}
        self._keep = keep
        prepare()

    def add_file(self, path: Path) -> list[Verdict]:
        """Read all pages of a file, in a worker of its own, and judge what is on them."""
        name = "standard input" if path == STANDARD_INPUT else str(path)
        try:
            if path.is_dir():
                message = f"it is a directory. Name the files in it: {path / '*'}"
                raise PageError(message)
            found = self._read(path, name)
        except EscrowError as error:
            reason = (
                "the file is damaged beyond reading. Scan the sheet again."
                if isinstance(error, WorkerError)
                else str(error)
            )
            found = [Verdict(name, reason)]
        verdicts = [self._against_earlier(verdict) for verdict in found]
        self.verdicts += verdicts
        return verdicts

    def add_text(self, name: str, content: Secret, confirm: Callable[[], bool]) -> Verdict:
        """Judge one typed or pasted share. Only what is valid and confirmed is added: the rest may be mended."""
        with Secret(self._room) as values:
            verdict, *_ = map(self._against_earlier, self._judge(name, content, values))
            if verdict.position and confirm():
                self.verdicts.append(verdict)
                if self._keep:
                    self._hold(values, [verdict.position])
        return verdict

    def add_camera(self, camera: Path, start: int, told: Sequence[Verdict], stop: Callable[[], bool]) -> Glance:
        """Watch a camera or a video from picture `start` on, in a worker of its own, until there is something to say.

        Neither what this collection has nor what was `told` is said again. Valid shares are added; whether a problem
        counts is the caller's to decide. `stop` is asked at each picture, in the worker. Raises PageError, and
        WorkerError where a decoder breaks.
        """
        with Secret(self._room) as values:

            def in_worker() -> bytes:
                records, glance = watch(self.manifest, camera, start, (*self.verdicts, *told), stop)
                if self._keep:
                    values.fill(b"".join(record.value for record in records))
                found = [asdict(verdict) for verdict in glance.verdicts]
                return json.dumps([glance.ending.name, glance.frame, found]).encode()

            ending, frame, found = json.loads(isolate(in_worker, values))
            glance = Glance(Ending[ending], frame, tuple(Verdict(**fields) for fields in found))
            self.verdicts += [verdict for verdict in glance.verdicts if verdict.valid]
            if self._keep:
                self._hold(values, [verdict.position for verdict in glance.verdicts if verdict.position])
        return glance

    @property
    def present(self) -> set[Position]:
        """The positions of all valid shares."""
        return {verdict.position for verdict in self.verdicts if verdict.position}

    @property
    def missing(self) -> int:
        """How many more shares a quorum needs."""
        return self.manifest.policy.missing(self.present)

    @property
    def problems(self) -> list[Verdict]:
        """Everything that is not a valid share."""
        return [verdict for verdict in self.verdicts if not verdict.valid]

    def only(self, positions: Iterable[Position]) -> "Collection":
        """A collection of some of these shares; they stay this one's to wipe."""
        chosen = Collection(self.manifest, keep=True)
        chosen.shares = {position: self.shares[position] for position in positions}
        return chosen

    def close(self) -> None:
        """Wipe every share."""
        for secret in self.shares.values():
            secret.close()

    def _against_earlier(self, verdict: Verdict) -> Verdict:
        if not verdict.valid:
            return verdict
        for earlier in self.verdicts:
            if earlier.position == verdict.position:
                return replace(verdict, problem=f"{TWICE} from {earlier.page}. Leave one of the two out.")
        return verdict

    @property
    def _room(self) -> int:
        return VALUE_LENGTH * len(self.manifest.policy.positions)

    def _read(self, path: Path, name: str) -> list[Verdict]:
        content = Secret.read(0, MAX_TEXT, name) if path == STANDARD_INPUT else read_secret(path, MAX_FILE)
        with content, Secret(self._room) as values:
            verdicts = self._judge(name, content, values)
            if self._keep:
                self._hold(values, dict.fromkeys(v.position for v in verdicts if v.position))
        return verdicts

    def _judge(self, name: str, content: Secret, values: Secret) -> list[Verdict]:
        def in_worker() -> bytes:
            judged = list(judge_file(self.manifest, name, bytes(content.view)))
            if self._keep:
                values.fill(b"".join({r.position: r.value for r, _ in judged if r}.values()))
            return json.dumps([asdict(verdict) for _, verdict in judged]).encode()

        return [Verdict(**fields) for fields in json.loads(isolate(in_worker, content, values))]

    def _hold(self, values: Secret, positions: Iterable[Position]) -> None:
        for number, position in enumerate(positions):
            if position not in self.shares:
                start = number * VALUE_LENGTH
                self.shares[position] = Secret.of(values.view[start : start + VALUE_LENGTH])
