"""Paper that holds no secret: what goes with the sheets, and labels for new bags."""

from collections.abc import Sequence
from pathlib import Path

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.paper import PACKAGE_SHEETS
from ceremony.run.pile import Pile, Stack
from ceremony.run.questions import PRINT, Asked, Facts, Questions, is_spoilt
from ceremony.run.work import Workshop
from escrow import assemble, documents
from escrow.errors import EscrowError, FileError, PackageError, PageError, WorkerError
from escrow.files import read_public
from escrow.paper.raster import sizes
from escrow.paper.stationery import media
from escrow.policy import Position
from escrow.printing import public

_MAX_DOCUMENT = 64 << 20


def print_papers(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Print labels, receipts, recovery cards and package sheets, stack by stack; read the package sheets back.

    After a failure what is finished is not printed again.
    """
    package, pile = shop.package(state), shop.pile
    card = f"{documents.FOLDER}/{documents.CARD_FILE}"
    for position in shop.plan.policy.positions:
        print_once(shop, of_share(shop, position), pile, ask)
    sheets = (documents.PACKAGE_SHEETS_FILE,) if (shop.equipment.out / documents.PACKAGE_SHEETS_FILE).exists() else ()
    what = "Recovery card and package sheets" if sheets else "Recovery card"
    for number, copy in enumerate(shop.plan.packages, 1):
        place = f"copy {number} of the package, which goes to {copy.site}"
        print_once(shop, Stack(what, place, (card, *sheets)), pile, ask)
        if sheets and number not in pile.read:
            pile.read[number] = _prove(shop, Stack("Package sheets", place, sheets), package.encode(), pile, ask)
    print_once(shop, Stack("Recovery card", "the ceremony's file", (card,)), pile, ask)
    if not sheets:
        ask.say("This package is too large for paper: there are no package sheets.")
    shop.pile = Pile()
    return {**pile.facts, "read_back": [{"copy": copy, "codes": codes} for copy, codes in pile.read.items()]}


def new_labels(shop: Workshop, positions: Sequence[Position], ask: Questions) -> Facts:
    """Print a label once more for each share whose old one was used up with its bag."""
    policy, pile = shop.plan.policy, Pile()
    if positions:
        names = policy.names_of(positions)
        files = tuple(f"{documents.FOLDER}/{documents.label_file(policy, position)}" for position in positions)
        print_stack(shop, Stack(f"New labels, shares {names}", "the new bags", files), pile, ask)
    return pile.facts


def once_more(shop: Workshop, position: Position, ask: Questions) -> Facts:
    """Print label and receipts of a share once more: its bag was opened, and all of it is signed again."""
    pile = Pile()
    ask.say("This sheet's bag was opened. Shred its old label and its three old receipts.")
    print_stack(shop, of_share(shop, position), pile, ask)
    return pile.facts


def print_once(shop: Workshop, stack: Stack, pile: Pile, ask: Questions) -> None:
    """Print a stack unless it was finished before; one that was broken off is printed from its beginning."""
    if stack in pile.finished:
        return
    if pile.begun == stack:
        ask.say(f"{stack.what} for {stack.place}: this was broken off. Shred what came out of it.")
    pile.begun = stack
    print_stack(shop, stack, pile, ask)
    pile.finished.add(stack)


def print_stack(shop: Workshop, stack: Stack, pile: Pile, ask: Questions) -> None:
    """Print a stack until somebody says that it is good. A print that fails is made again from that document on."""
    ready = {file: read_public(shop.equipment.out / file, _MAX_DOCUMENT) for file in stack.files}
    pages = {file: sizes(document) for file, document in ready.items()}
    total = sum(map(len, pages.values()))
    answer = PRINT
    while answer not in {"", "yes"}:
        if answer == PRINT:
            ask.say(f"{stack.what} ({total} page{'s' * (total > 1)}): for {stack.place}.")
            for file, document in ready.items():
                while problem := _try(shop, file, document, media(pages[file][0])):
                    pile.problems.append(f"{file}: {problem}")
                    ask.say(f"{file}: {problem} Shred what came out of it.")
                    ask.enter(Asked.PRINT_AGAIN)
                pile.add(file, document, len(pages[file]))
        else:
            ask.say("Type print if it is spoilt, and exception if something else is not as it should be.")
        answer = ask.line(Asked.PRINTED).lower()


def of_share(shop: Workshop, position: Position) -> Stack:
    """Label and receipts of one share, and whom they go to."""
    policy = shop.plan.policy
    files = (documents.label_file(policy, position), documents.receipt_file(policy, position))
    return Stack(
        f"Label and three receipts of share {policy.name_of(position)}",
        shop.plan.custodian_at(position).name,
        tuple(f"{documents.FOLDER}/{file}" for file in files),
    )


def _prove(shop: Workshop, stack: Stack, package: bytes, pile: Pile, ask: Questions) -> int:
    """Have package sheets read back until every code of them was read; how many there are."""
    texts: list[str] = []
    while True:
        try:
            found = shop.equipment.paper.codes(f"the package sheets for {stack.place}", PACKAGE_SHEETS, ask)
            total, absent = assemble.compare([*texts, *found], package)
            texts += found  # what is of another package is not kept
            problem = f"Not read: {', '.join(absent)}." if absent else ""
        except (PageError, PackageError, FileError, WorkerError) as error:
            problem = str(error)
        if not problem:
            ask.say(f"The package sheets give the package: all {total} codes were read.")
            return total
        if is_spoilt(ask, problem):
            print_stack(shop, stack, pile, ask)
            texts = []


def _try(shop: Workshop, file: str, document: bytes, paper: str) -> str:
    """Print a document; what went wrong, if anything did."""
    try:
        shop.equipment.printer.check()
        shop.equipment.printer.print(public(document), Path(file).stem, paper)
    except EscrowError as error:
        return str(error)
    return ""
