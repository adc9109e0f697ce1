"""Act 7: each custodian's sheet is printed, read back from paper and bagged; and what a loss of power makes of it."""

from collections.abc import Collection as Collected
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ceremony.rules.bags import LONGEST, bag_number
from ceremony.rules.refreshing.rules import old_policy
from ceremony.rules.sealing.rules import enough_to_go_on
from ceremony.rules.state import State
from ceremony.rules.steps import Step, key_of
from ceremony.run.acts import papers
from ceremony.run.acts.reading import read_sheets, type_words
from ceremony.run.pile import Pile
from ceremony.run.questions import PRINT, Asked, Facts, Questions, StepError, is_spoilt, print_again
from ceremony.run.work import Workshop
from escrow import sealing
from escrow.errors import PageError, PrintError
from escrow.gather import Collection
from escrow.label import share_words
from escrow.policy import Policy, Position


def print_sheet(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Print one share's sheet."""
    position = _position(step)
    manifest = shop.manifest(state)
    share = shop.share(manifest, position)
    custodian = shop.plan.custodian_at(position).name
    shop.equipment.printer.check()
    try:
        shop.equipment.printer.print(
            partial(sealing.write_sheet, manifest, position, share, custodian, shop.plan.stationery)
        )
    except PrintError as error:
        message = f"{error} Shred what came out, also if it looks whole: the sheet is printed again."
        raise StepError(message) from None
    ask.say(f"Share {shop.plan.policy.name_of(position)} was printed.")
    while (answer := ask.line(Asked.CLEAR).lower()) not in {"", "yes"}:
        if answer == PRINT:
            message = "The sheet came out spoilt, and is shredded."
            raise StepError(message, told=True)
        ask.say("Type print if the sheet is spoilt, and exception if something else is not as it should be.")
    return {}


def read_back(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Read a sheet from paper, and have words of it typed. Raises StepError, and says if it has to be printed again."""
    position = _position(step)
    name = shop.plan.policy.name_of(position)
    collection = Collection(shop.manifest(state), keep=True)
    try:
        _read_something(shop, collection, name, ask)
        if collection.problems or collection.present != {position}:
            problem = "\n".join([f"This is not share {name} alone:", *(f"  {each}" for each in collection.verdicts)])
            raise print_again(step, problem) if is_spoilt(ask, problem) else StepError(problem, told=True)
        words = type_words(shop, collection, position, ask)
    finally:
        collection.close()
    share = share_words(collection.manifest.commitment_at(position))
    ask.say(f"Share {name} is proven from paper. The words of the share:  {share}")
    return {"words": words}


def _read_something(shop: Workshop, collection: Collection, name: str, ask: Questions) -> None:
    """Read what lies in the scanner; where nothing does, it is asked for again."""
    while not collection.verdicts:
        try:
            shop.equipment.paper.read(collection, f"the sheet of share {name}", name, ask)
        except PageError as error:
            ask.say(str(error))


def bag(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Note the bag of a sheet. One that had a bag before gets a new label first, and new receipts."""
    position = _position(step)
    printed = papers.once_more(shop, position, ask) if position in state.bagged else {}
    return {"bag": _new_bag(shop, shop.plan.policy.name_of(position), state, set(), ask), **printed}


def bag_again(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Print new labels for the sheets that were read, and note their new bags."""
    given: dict[str, str] = {}
    proof = sorted(state.opened)
    lost = [shop.plan.reissue.position] if shop.plan.reissue else []  # which has no bag
    opened = proof if step.position else [*proof, *_opened_besides(shop.plan.policy, [*proof, *lost], ask)]
    if not opened:
        ask.say("No bag was opened.")
    # What follows has no printer: less to trust beside the root's key. Its labels were made before.
    printed = papers.new_labels(shop, opened, ask) if shop.plan.prints else {}
    for position in opened:
        name = shop.plan.policy.name_of(position)
        given[key_of(position)] = _new_bag(shop, name, state, set(given.values()), ask)
    return {"bags": given, **printed}


def bag_old(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Note the bags of the sheets of the old set that were read. They have no label: nobody takes them home."""
    policy, read = old_policy(state), sorted(state.opened)
    given: dict[str, str] = {}
    for position in [*read, *_opened_besides(policy, read, ask)]:
        given[key_of(position)] = _new_bag(shop, policy.name_of(position), state, set(given.values()), ask)
    return {"bags": given}


def _opened_besides(policy: Policy, known: Sequence[Position], ask: Questions) -> list[Position]:
    """Whose bags were opened for a proof that was broken off: asked, because nobody else knows."""
    rest = {policy.short_name_of(position): position for position in policy.positions if position not in known}
    if not rest:
        return []
    while not set(names := ask.line(Asked.OPENED, shares=" ".join(rest)).split()) <= set(rest):
        ask.say(f"The other shares are {', '.join(rest)}.")
    return [rest[name] for name in dict.fromkeys(names)]


def _new_bag(shop: Workshop, name: str, state: State, also: set[str], ask: Questions) -> str:  # name: the share's
    used = {bag_number(number) for number in {*state.bags, *state.old_bags, *shop.used_before(), *also}}
    while True:
        number = ask.line(Asked.BAG, share=name)
        if problem := problem_with(number, used):
            ask.say(problem)
        elif bag_number(ask.line(Asked.BAG_AGAIN)) != bag_number(number):
            ask.say("The two differ. Type the number as it stands on the bag.")
        else:
            return number


def problem_with(number: str, used: Collected[str]) -> str:
    """Why this cannot be a bag's number; empty if it can."""
    if not bag_number(number):
        return "Every bag has a number: type it."
    if not number.isprintable():
        return "There is a character in it that nobody can see: type the number again."
    if (length := len(bag_number(number))) > LONGEST:
        return (
            f"This number has {length} characters, and label and receipt have boxes for {LONGEST}. Use its last "
            f"{LONGEST}, here, on the label and on the receipt."
        )
    return "This number was used before: each bag is used once." if bag_number(number) in used else ""


def gather(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Read sheets from paper until every missing share can be made again."""
    manifest = shop.package(state).manifest
    collection = Collection(manifest, keep=True)
    shop.shares = collection.shares  # so that whatever ends this step wipes what was read
    while collection.missing or not enough_to_go_on(shop.plan.policy, set(state.done), collection.present):
        for line in read_sheets(shop, collection, "a sheet that had been read back", "", ask):
            ask.say(line)
    ask.say("The missing shares can be made again.")
    return {"positions": sorted(collection.present)}


def destroy(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Have every sheet of a void set shredded, and remove its package."""
    sheets = sorted(state.printed)
    if sheets:
        names = shop.plan.policy.names_of(sheets)
        ask.say(f"To be shredded, with every spoilt printout of them: the sheets of shares {names}.")
    else:
        ask.say("No share sheet of this set came out of the printer.")
    ask.say("To be shredded, too: every label, receipt, recovery card and package sheet of this set.")
    if shop.plan.online:
        ask.say("And the handover sheet of the online CA, and the medium with its tree, if they were made.")
    papers_out = shop.pile.facts.get("papers", [])  # of a step that was not finished: no line of the journal has them
    for paper in papers_out:
        ask.say(f"  {Path(paper['name']).stem}: {paper['printed']}")
    if ask.line(Asked.DESTROYED, sheets=len(sheets)) != str(len(sheets)):
        message = f"There are {len(sheets)} shares of which a sheet came out: count again."
        raise StepError(message)
    shop.remove_void()
    shop.pile = Pile()
    return {"sheets": sheets, "papers": papers_out}


def _position(step: Step) -> Position:
    if not step.position:
        message = f"The step {step.id} is of no share."
        raise StepError(message)
    return step.position
