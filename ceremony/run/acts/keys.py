"""Acts 4 to 6: keys are made or imported, certificates issued and compared, everything sealed and split."""

import hashlib
from contextlib import ExitStack

from ceremony.planning.profiles import profiles_of
from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.comparing import compare, show_imported
from ceremony.run.questions import Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import sealing
from escrow.authority import import_tree
from escrow.contents import certificates_of, key_fingerprint
from escrow.files import NewFiles
from escrow.issuing import make
from escrow.issuing.profile import Profiles
from escrow.label import set_words
from escrow.manifest import Superseded, group_hex
from escrow.sealing import PACKAGE_FILE, Order
from escrow.share import Kind


def make_keys(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Make or import the keys of the CA; name them by the fingerprints of their public halves."""
    shop.forget()
    notes: tuple[str, ...] = ()
    equipment = shop.equipment
    if profiles := profiles_of(shop.plan):
        _refuse_future(shop, profiles)
        shop.keys = made = make.make_keys(profiles, equipment.progress)
        shop.drafts = make.prepare(profiles, made)
    elif tree := shop.plan.ca.tree:
        shop.authority = import_tree(
            tree, equipment.passwords, equipment.progress, equipment.now(), shop.plan.ca.choice
        )
        made, notes = shop.authority.keys, tuple(map(str, shop.authority.notes))
    named = [
        {"name": entry.name, "algorithm": entry.key.algorithm, "public_key": key_fingerprint(entry.key.public)}
        for entry in made
    ]
    for entry in named:
        ask.say(f"{entry['name']}, {entry['algorithm']}: {entry['public_key']}")
    for note in notes:
        ask.say(note)
    return {
        "generated": profiles is not None,
        "keys": named,
        "fingerprints": [each["public_key"] for each in named],
        "notes": list(notes),
        "to_be_signed": make.to_be_signed(shop.drafts),
    }


def _refuse_future(shop: Workshop, profiles: Profiles) -> None:
    """Raise StepError if certificates would begin later: nobody could use or verify them. A specimen may."""
    begin, now = profiles.root.validity.first, shop.equipment.now()
    if now < begin and shop.plan.ceremony.kind is Kind.PRODUCTION:
        message = f"The certificates begin at {begin:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC: wait."
        raise StepError(message)


def certificates(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Issue the certificates and compare each with the plan, or show those that were imported."""
    profiles = profiles_of(shop.plan)
    if profiles is None:
        return show_imported(shop.made().files, ask)
    if not shop.keys:
        message = "The keys are not in memory: this session did not make them."
        raise StepError(message)
    reasons = shop.plan.certificate_reasons
    issued = make.issue(profiles, shop.keys, reasons, shop.equipment.progress, tried=shop.drafts)
    facts = compare(profiles, issued, reasons, ask)
    shop.authority, shop.keys = issued.authority, ()
    return {**facts, "to_be_signed": make.to_be_signed(issued.certificates)}


def _after(shop: Workshop) -> tuple[int, tuple[Superseded, ...]]:
    """Which set of the CA this is, counted from 1, and the sets before it."""
    if not shop.plan.refresh:
        return 1, ()
    old = shop.last().manifest
    return old.epoch + 1, (*old.supersedes, Superseded(old.epoch, old.set_id.hex()))


def seal(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Seal the keys, split the wrapping key, and keep the shares in memory; write the package and what goes with it."""
    shop.remove_void()
    names = tuple(custodian.name for custodian in shop.plan.custodians)
    plan = shop.plan
    now = shop.equipment.now()
    epoch, superseded = _after(shop)
    order = Order(plan.ceremony.kind, plan.policy, names, now, plan.stationery, epoch, superseded, plan.keeping)
    sealed = sealing.seal_package(shop.made(), order, shop.equipment.progress)
    with ExitStack() as undo, NewFiles(shop.equipment.out) as out:
        undo.callback(sealed.close)
        sealing.write_public(sealed, order, out, shop.equipment.progress)
        for name, content in shop.made().files.items():
            if certificates_of(shop.made().files, name):
                out.write(name, content.view)
        out.write(PACKAGE_FILE, sealed.text)
        out.publish()
        undo.pop_all()
    shop.shares = dict(sealed.shares)
    set_id = group_hex(sealed.manifest.short_set_id)
    ask.say(f"Set {set_id}: sealed, and opened again.")
    ask.say(f"The words of the set:  {set_words(sealed.manifest.set_id)}")
    return {
        "set_id": sealed.manifest.set_id.hex(),
        "epoch": order.epoch,
        "policy": str(order.policy),
        "package": hashlib.sha256(sealed.text).hexdigest(),
    }
