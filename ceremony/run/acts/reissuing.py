"""A reissue's acts: what was lost is told, sheets of its group are read, and the one sheet is made from them.

The share is interpolated at its own index, in `Workshop.share`: the wrapping key is not formed, and no package opened.
"""

from collections.abc import Iterable

from ceremony.rules.lists import listing_of
from ceremony.rules.reissuing.rules import Reissuing
from ceremony.rules.state import State
from ceremony.rules.steps import Step, key_of
from ceremony.run.acts import papers
from ceremony.run.acts.reading import read_sheets
from ceremony.run.before import facts_of
from ceremony.run.pile import Pile
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import documents
from escrow.gather import Collection
from escrow.label import set_words
from escrow.manifest import group_hex
from escrow.paper import documents as made
from escrow.policy import Position


def tell_loss(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Say what was lost and what making it again does not do; carry on what the archive takes over."""
    last, lost = shop.last(), shop.reissue()
    name, custodian = shop.plan.policy.name_of(lost.position), shop.plan.custodian_at(lost.position)
    position = lost.position
    shop.carry({**last.files, **_papers_of(shop, position)})
    ask.say(f"The set: {group_hex(last.manifest.short_set_id)}  {set_words(last.manifest.set_id)}")
    ask.say(f"Share {name} is {lost.reason}: {lost.why}")
    ask.say(f"It is made again for {custodian.name}, {custodian.site}.")
    if lost.reason == "lost":
        found = "If it turns up there are two: it is brought to the officers as it is, and shredded before a witness."
        ask.say(f"The lost sheet stays valid. {found}")
    ask.say("If somebody may have SEEN it, this is the wrong thing to do: abort, and make a new set.")
    return {
        **facts_of(last),
        "share": key_of(position),
        "reason": lost.reason,
        "why": lost.why,
        "custodian": custodian.name,
        "previous_bags": [*last.bags.get(position, [])],
    }


def read_group(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Read sheets until there are as many of the group as its threshold. A share of another group is let go at once.

    Raises StepError if the share that was lost lies in the scanner.
    """
    shop.forget()
    lost, listing = shop.reissue().position, listing_of(shop.plan)
    if not isinstance(listing, Reissuing):
        message = "This ceremony makes no share again."
        raise StepError(message)
    collection = Collection(shop.last().manifest, keep=True)
    shop.shares = collection.shares  # so that whatever ends this step wipes what was read
    opened: set[Position] = set()
    while not listing.enough(opened):
        for line in read_sheets(shop, collection, "a sheet of the set", "", ask):
            ask.say(line)
        opened |= collection.present
        if lost in opened:
            message = (
                f"Share {shop.plan.policy.name_of(lost)} is not lost: it was just read. Abort, and have it noted: "
                "'escrow report REGISTER SHARE found'. If it lay open, it is exposed."
            )
            raise StepError(message)
        _let_go(collection, (each for each in opened if each.group != lost.group), ask)
    ask.say("These are enough: the share can be made again.")
    return {"positions": sorted(opened)}


def print_again(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Print label and receipts of the share for whoever gets it."""
    position, pile = shop.reissue().position, shop.pile
    papers.print_once(shop, papers.of_share(shop, position), pile, ask)
    shop.pile = Pile()
    return pile.facts


def destroy_sheet(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Have whatever came out of the printer of the share's sheet shredded; nobody knows whether anything did."""
    sheets = sorted(state.printed)
    ask.say(f"To be shredded: the sheet of share {shop.plan.policy.names_of(sheets)}, whole, half or spoilt.")
    ask.say("If nothing came out of the printer, the number is 0.")
    while not (counted := ask.line(Asked.DESTROYED, sheets=len(sheets))).isdecimal():
        ask.say("Count what was shredded, and type the number.")
    return {"sheets": sheets, "counted": int(counted)}


def _papers_of(shop: Workshop, position: Position) -> dict[str, bytes]:
    """Label and receipt of the share: its custodian may be another one now."""
    plan, manifest = shop.plan, shop.last().manifest
    name, kept = plan.custodian_at(position).name, plan.keeping[plan.policy.positions.index(position)]
    label, receipt = (
        f"{documents.FOLDER}/{file(plan.policy, position)}" for file in (documents.label_file, documents.receipt_file)
    )
    return {
        label: made.label(manifest, position, name, plan.stationery),
        receipt: made.receipt(manifest, position, name, plan.stationery, kept),
    }


def _let_go(collection: Collection, positions: Iterable[Position], ask: Questions) -> None:
    """Wipe shares that are not needed: so many together could be a quorum."""
    for position in positions:
        if share := collection.shares.pop(position, None):
            share.close()
            name = collection.manifest.policy.name_of(position)
            ask.say(
                f"Share {name} is of another group, and is not needed: its sheet goes into a new bag with the others."
            )
