"""Act 8, where the plan has an online CA: its tree onto a medium, its passwords onto a handover sheet in a bag."""

import hashlib
from collections.abc import Mapping
from functools import partial

from ceremony.planning.tables import Online
from ceremony.rules.bags import bag_number
from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.proof import media_of_others
from ceremony.run.acts.reading import TRIES
from ceremony.run.acts.sheets import problem_with
from ceremony.run.copying import ONLINE, Copying, Load
from ceremony.run.paper import HANDOVER
from ceremony.run.questions import Asked, Facts, Questions, StepError, is_spoilt
from ceremony.run.readback import Place, drawn
from ceremony.run.work import Workshop
from escrow import handover
from escrow.errors import PageError, PrintError, ShareError
from escrow.memory import Secret
from escrow.online import recipient, tree
from escrow.online.tree import OnlineTree
from escrow.paper.handover import FORM, Handover

_TREE, _PASSWORDS = "step-ca", "passwords"
"""The folders on the medium: the tree as it is, and beside it passwords that are encrypted to a recipient."""

_NAMES = {tree.KEYS: "the keys", tree.PROVISIONER: "the provisioner"}
_DIGITS = 8


def make_online(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Make the tree of what came back from paper, write it onto its medium, and read it back from there."""
    online = _planned(shop)
    shop.online = made = shop.online or tree.make(online.settings, shop.proved, shop.equipment.progress)
    files = {f"{_TREE}/{name}": content for name, content in made.files.items()}
    facts: dict[str, object] = {}
    if online.recipient:
        to = recipient.parse(online.recipient)
        ask.say(f"The passwords are encrypted to this public key ({to.kind}): {to.fingerprint}")
        files |= {f"{_PASSWORDS}/{name}.cms": recipient.encrypt(to, made.passwords[name]) for name in made.passwords}
        facts["recipient"] = to.fingerprint
    load = Load(
        what="the tree of the online CA",
        of=ONLINE,
        copy=1,
        folder=folder_of(made),
        files=files,
        avoid={"package-": "a copy of the package. The online CA needs a medium of its own."},
        taken=dict(media_of_others(step, state)),
    )
    copied = Copying(ask, shop.equipment.machine, shop.equipment.out, shop.plan.ceremony.kind).copy(load)
    shop.forget_proved()
    if online.recipient:
        shop.forget_online()
    ask.say(f"The tree is the same byte for byte, read back from {copied.place}. Unmount it.")
    return {
        **facts,
        "site": online.site,
        "medium": online.medium,
        "folder": load.folder,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "proof": copied.proof.value,
        "identity": copied.identity.facts if copied.identity else None,
    }


def folder_of(made: OnlineTree) -> str:
    """The name of a tree's folder on its medium. Each tree has another: its keys are encrypted anew."""
    digest = hashlib.sha256(b"".join(made.files[name] for name in sorted(made.files))).hexdigest()
    return f"{ONLINE}-{digest[:_DIGITS].upper()}"


def hand_over(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Print the handover sheet, read it back from paper, and have words of each password typed."""
    made = _made(shop)
    of = Handover(shop.package(state).manifest, folder_of(made), _planned(shop).settings, made.root)
    _print(shop, of, made)
    while problem := _read(shop, made, ask):
        if is_spoilt(ask, problem):
            _print(shop, of, made)
    places = [(name, place) for name in _NAMES for place in drawn(shop.equipment.lots, handover.ROWS, handover.COLUMNS)]
    for name, place in places:
        _compare(made.passwords[name], name, place, ask)
    shop.forget_online()
    ask.say("The handover sheet is proven from paper.")
    return {"words": [f"{name} {place}" for name, place in places]}


def bag_handover(_shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Note the bag of the handover sheet."""
    used = {bag_number(number) for number in state.bags}
    while True:
        number = ask.line(Asked.BAG_HANDOVER)
        if problem := problem_with(number, used):
            ask.say(problem)
        elif bag_number(ask.line(Asked.BAG_AGAIN)) != bag_number(number):
            ask.say("The two differ. Type the number as it stands on the bag.")
        else:
            return {"bag": number}


def _print(shop: Workshop, of: Handover, made: OnlineTree) -> None:
    shop.equipment.printer.check()
    design = shop.plan.stationery.design(FORM, discreet=shop.plan.stationery.discreet)
    try:
        write = partial(handover.write_sheet, of, made.passwords, shop.plan.stationery)
        shop.equipment.printer.print(write, HANDOVER, design.media)
    except PrintError as error:
        message = f"{error} Shred what came out, also if it looks whole: the sheet is printed again."
        raise StepError(message) from None


def _read(shop: Workshop, made: OnlineTree, ask: Questions) -> str:
    """Read the sheet; what is wrong with what was read, if anything is."""
    try:
        found = shop.equipment.paper.passwords(made.passwords, ask)
    except PageError as error:
        return str(error)
    absent = [text for name, text in _NAMES.items() if name not in found]
    return f"Not read: the code of the password of {' and '.join(absent)}." if absent else ""


def _compare(password: Secret, name: str, place: Place, ask: Questions) -> None:
    """Have the words of a place typed; a slip of the finger may happen twice. Raises StepError."""
    asked: Mapping[str, object] = {"name": _NAMES[name], "row": place.row, "columns": place.columns_text}
    for tries_left in reversed(range(TRIES)):
        with ask.secret(Asked.HANDOVER_WORDS, **asked, place=place, password=name) as typed:
            try:
                handover.compare_words(password, place.row, place.columns, typed)
            except ShareError as error:
                if not tries_left:
                    message = f"{error} Shred it: the sheet is printed again."
                    raise StepError(message) from None
                ask.say(f"{error} Type them again.")
            else:
                return


def _planned(shop: Workshop) -> Online:
    if not shop.plan.online:
        message = "The plan has no online CA."
        raise StepError(message)
    return shop.plan.online


def _made(shop: Workshop) -> OnlineTree:
    if not shop.online:
        message = "The passwords are not in memory: this session did not make the tree."
        raise StepError(message)
    return shop.online
