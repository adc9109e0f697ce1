"""A page of Markdown as flowables: headings, paragraphs, lists, tables and code, as RECOVERY.md has them.

What it has not is refused, so that nothing of a page is lost on the way onto paper.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from reportlab.platypus import Flowable, ListFlowable, ListItem

from ceremony.forms.pieces import MM, THIN, grid, heading, marked, space, text
from escrow.errors import TemplateError
from escrow.paper.fonts import FONTS

LONGEST_LINE = 76
"""Characters of a line of code: so many fit onto a page, within a list."""
_INDENT = 7 * MM
_CHARACTER, _PADDING = 6.0, 10.0  # of code, which has the widest; of a cell
_DASH = "\u2013"


def story(source: str, width: float) -> list[Flowable]:
    """The flowables of a page. Raises TemplateError for what it cannot show."""
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(source))
    return [piece for node in tree.children for piece in _block(node, width)]


def _block(node: SyntaxTreeNode, width: float) -> Iterator[Flowable]:
    match node.type:
        case "heading" if node.tag == "h1":
            yield text(_plain(node), "title")
            yield space()
        case "heading" if node.tag == "h2":
            yield from heading(_plain(node))
        case "heading":
            yield text(_plain(node), "subheading")
        case "paragraph":
            yield marked(_inline(node.children[0]))
            yield space()
        case "bullet_list" | "ordered_list":
            yield _list(node, width)
            yield space()
        case "table":
            yield _table(node, width)
            yield space()
        case "fence" | "code_block":
            yield _code(node.content, width)
            yield space()
        case _:
            _refuse(node)


def _list(node: SyntaxTreeNode, width: float) -> Flowable:
    items = [[piece for child in item.children for piece in _block(child, width - _INDENT)] for item in node.children]
    look: dict[str, Any] = {"bulletFontName": FONTS["regular"], "bulletFontSize": 10, "leftIndent": _INDENT}
    shown: list[Any] = [ListItem(item, **look) for item in items]  # what it takes, its types do not say
    if node.type == "ordered_list":
        return ListFlowable(shown, bulletType="1", bulletFormat="%s.", **look)
    return ListFlowable(shown, bulletType="bullet", start=_DASH, **look)


def _table(node: SyntaxTreeNode, width: float) -> Flowable:
    rows = [row for part in node.children for row in part.children]
    cells = [[marked(_inline(cell.children[0])) if cell.children else "" for cell in row.children] for row in rows]
    columns = range(len(cells[0]))
    lengths = [max(len(_plain(row.children[column])) for row in rows) for column in columns]
    words = [max(len(word) for row in rows for word in _plain(row.children[column]).split()) for column in columns]
    least = [_CHARACTER * word + _PADDING for word in words]  # so that none is broken; the rest by what there is to say
    rest = width - sum(least)
    return grid(
        [[_plain(cell) for cell in rows[0].children], *cells[1:]],
        [own + rest * length / sum(lengths) for own, length in zip(least, lengths, strict=True)],
        head=1,
        pad=2,
    )


def _code(content: str, width: float) -> Flowable:
    lines = content.rstrip("\n").split("\n")
    if long := [line for line in lines if len(line) > LONGEST_LINE]:
        message = f"A line of code has more than {LONGEST_LINE} characters, and would be broken on paper: {long[0]}"
        raise TemplateError(message)
    # Blanks at the beginning of a line would be lost, and they show what belongs together.
    kept = [line.replace("  ", "\u00a0\u00a0") for line in lines]
    return grid([[text("\n".join(kept), "mono")]], [width], [("BOX", (0, 0), (-1, -1), THIN, "black")], lines=False)


def _inline(node: SyntaxTreeNode) -> Sequence[tuple[str, str]]:
    """Runs of words, each with its font."""
    return list(_runs(node.children, "regular"))


def _runs(nodes: Sequence[SyntaxTreeNode], font: str) -> Iterator[tuple[str, str]]:
    for node in nodes:
        match node.type:
            case "text":
                yield node.content, font
            case "softbreak":
                yield " ", font
            case "code_inline":
                yield node.content, "mono"
            case "strong":
                yield from _runs(node.children, "bold")
            case _:
                _refuse(node)


def _plain(node: SyntaxTreeNode) -> str:
    """The words of a heading or cell."""
    return "".join(words for child in node.children for words, _ in _inline(child))


def _refuse(node: SyntaxTreeNode) -> NoReturn:
    where = f", line {node.map[0] + 1}" if node.map else ""
    message = f"Markdown of the kind '{node.type}' has no form on paper{where}: write it otherwise."
    raise TemplateError(message)
