"""Gather shares from pages: every share is judged the moment it is read, and none that is good is ever lost."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from escrow.errors import EscrowError, PageError, ShareError, WorkerError
from escrow.files import read_secret
from escrow.label import Label, is_label_text
from escrow.manifest import Manifest
from escrow.memory import Secret, isolate
from escrow.paper.rescue import read_sheet
from escrow.paper.scan import MAX_FILE, prepare, scan
from escrow.pasted import MAX_TEXT, is_pasted, shares_in
from escrow.policy import Position
from escrow.share import VALUE_LENGTH, Record, is_share_text

STANDARD_INPUT = Path("-")
TWICE = "the same share was already read"

MAX_CODES_ON_PAGE = 12
"""A sheet has a few codes. A page with more is a collage: which of them counts?"""


@dataclass(frozen=True)
class Verdict:
    """What was found at one place: a share, or the reason why there is none. `problem` is None if it is valid."""

    page: str
    group: int | None
    x: int | None
    problem: str | None

    @property
    def valid(self) -> bool:
        """Whether this is a share of the set."""
        return self.problem is None

    @property
    def position(self) -> Position | None:
        """Where a valid share stands in its policy; None for anything that is not a valid share."""
        if not self.valid or self.group is None or self.x is None:
            return None
        return Position(self.group, self.x)

    def __str__(self) -> str:
        share = "No share" if self.x is None else f"Share {self.x}"
        if self.group is not None and self.group > 1:
            share += f" of group {self.group}"
        return f"{share} ({self.page}): " + (self.problem or "valid")


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
            found = self._read(path, name)
        except EscrowError as error:
            reason = (
                "the file is damaged beyond reading. Scan the sheet again."
                if isinstance(error, WorkerError)
                else str(error)
            )
            found = [Verdict(name, None, None, reason)]
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
            if earlier.valid and (earlier.group, earlier.x) == (verdict.group, verdict.x):
                problem = f"{TWICE} from {earlier.page}. Leave one of the two out."
                return Verdict(verdict.page, verdict.group, verdict.x, problem)
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


def judge_file(manifest: Manifest, name: str, content: bytes) -> Iterable[tuple[Record | None, Verdict]]:
    """Judge all codes on all pages of a file; a valid share comes with its record. Call in a worker.

    A share that stands several times on one page is one share: sheets carry their code more than once.
    """
    if is_pasted(content):
        yield from judge_pasted(manifest, name, content)
        return
    pages, damage = [], None
    try:
        for page in scan(content, read_sheet):
            pages.append(page)  # noqa: PERF402 - one by one: extend() would lose those before an error
    except PageError as error:  # what was read before it still counts
        damage = str(error)
    for page in pages:
        where = name if len(pages) == 1 else f"{name}, page {page.number}"
        texts = [text for text in page.texts if is_share_text(text)]
        if len(texts) > MAX_CODES_ON_PAGE:
            problem = f"{len(texts)} different codes are on one page: scan each sheet by itself."
            yield None, Verdict(where, None, None, problem)
        elif texts:
            yield from (judge(manifest, where, text) for text in texts)
        elif labels := [text for text in page.texts if is_label_text(text)]:
            yield from ((None, Verdict(where, None, None, _about_label(manifest, text))) for text in labels)
        elif not page.is_blank or len(pages) == 1:
            problem = "no code of a share can be read on this page. Scan it again, flat and sharp, at 300 dpi."
            yield None, Verdict(where, None, None, problem)
    if damage:
        yield None, Verdict(name, None, None, damage)


def judge_pasted(manifest: Manifest, name: str, content: bytes) -> Iterable[tuple[Record | None, Verdict]]:
    """Judge all shares in a text; which words were mended is said with the place. Call in a worker."""
    shares = list(shares_in(content))
    for number, share in enumerate(shares, 1):
        where = name if len(shares) == 1 else f"{name}, share {number}"
        if share.problem:
            yield None, Verdict(where, None, None, _as_clause(share.problem))
        else:
            record, verdict = judge(manifest, where, share.text)
            # Without the commitment's word, what was mended is only a guess and not worth showing.
            place = f"{where}, mended {share.mended}" if record and share.mended else where
            yield record, replace(verdict, page=place)


def judge(manifest: Manifest, where: str, text: str) -> tuple[Record | None, Verdict]:
    """Judge one code. Call in a worker."""
    try:
        record = Record.from_text(text)
    except ShareError as error:
        return None, Verdict(where, None, None, _as_clause(str(error)))
    problem = manifest.problem_with(record)
    return (None if problem else record), Verdict(where, record.group, record.x, problem)


def _about_label(manifest: Manifest, text: str) -> str:
    try:
        label = Label.from_text(text)
        label.check(manifest)
    except ShareError as error:
        return _as_clause(str(error))
    share = f"share {label.x}" + (f" of group {label.group}" if len(manifest.policy.groups) > 1 else "")
    return f"this is the label of {share} of this set, on the outside of its envelope. The sheet is inside."


def _as_clause(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
