"""Say of everything that was read whether it is a share of a set, or what is wrong with it. Call in a worker."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from escrow.errors import PageError, ShareError
from escrow.label import Label, is_label_text
from escrow.manifest import Manifest
from escrow.package import TITLE
from escrow.paper.rescue import read_sheet
from escrow.paper.scan import scan
from escrow.pasted import is_pasted, shares_in
from escrow.policy import Position
from escrow.share import Record, is_share_text

MAX_CODES_ON_PAGE = 12
"""A sheet has a few codes. A page with more is a collage: which of them counts?"""


@dataclass(frozen=True)
class Verdict:
    """What was found at one place: a share, or the reason why there is none. `problem` is None if it is valid.

    `name` is what people call the share; it, `group` and `x` are None where nothing says which share it is.
    """

    page: str
    problem: str | None
    name: str | None = None
    group: int | None = None
    x: int | None = None

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
        share = "No share" if self.name is None else f"Share {self.name}"
        return f"{share} ({self.page}): " + (self.problem or "valid")


def judge_file(manifest: Manifest, name: str, content: bytes) -> Iterable[tuple[Record | None, Verdict]]:
    """Judge all codes on all pages of a file; a valid share comes with its record. Call in a worker.

    A share that stands several times on one page is one share: sheets carry their code more than once.
    """
    if is_pasted(content) or content.startswith(TITLE.encode()):
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
            yield None, Verdict(where, problem)
        elif texts:
            yield from (judge(manifest, where, text) for text in texts)
        elif labels := [text for text in page.texts if is_label_text(text)]:
            yield from ((None, Verdict(where, _about_label(manifest, text))) for text in labels)
        elif not page.is_blank or len(pages) == 1:
            problem = "no code of a share can be read on this page. Scan it again, flat and sharp, at 300 dpi."
            yield None, Verdict(where, problem)
    if damage:
        yield None, Verdict(name, damage)


def judge_pasted(manifest: Manifest, name: str, content: bytes) -> Iterable[tuple[Record | None, Verdict]]:
    """Judge all shares in a text; which words were mended is said with the place. Call in a worker."""
    if content.startswith(TITLE.encode()):
        yield None, Verdict(name, "this is a package, and no share. It is named first, before the pages.")
        return
    shares = list(shares_in(content))
    for number, share in enumerate(shares, 1):
        where = name if len(shares) == 1 else f"{name}, share {number}"
        if share.problem:
            yield None, Verdict(where, _as_clause(share.problem))
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
        return None, Verdict(where, _as_clause(str(error)))
    problem = manifest.problem_with(record)
    name = manifest.policy.name_of(record.position)
    return (None if problem else record), Verdict(where, problem, name, record.group, record.x)


def _about_label(manifest: Manifest, text: str) -> str:
    try:
        label = Label.from_text(text)
        label.check(manifest)
    except ShareError as error:
        return _as_clause(str(error))
    share = manifest.policy.name_of(Position(label.group, label.x))
    return f"this is the label of share {share} of this set, on the outside of its bag. The sheet is inside."


def _as_clause(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
