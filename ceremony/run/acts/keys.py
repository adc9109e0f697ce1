"""Acts 4 to 6: keys are made or imported, certificates shown, everything sealed and split."""

import hashlib
from contextlib import ExitStack

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.questions import Facts, Questions
from ceremony.run.work import Workshop
from escrow import certificates, sealing
from escrow.authority import generate, import_tree
from escrow.contents import certificates_of, key_fingerprint
from escrow.files import NewFiles
from escrow.label import set_words
from escrow.manifest import group_hex
from escrow.sealing import PACKAGE_FILE, Order


def make_keys(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Make or import the keys of the CA; name them by the fingerprints of their public halves."""
    generated = shop.plan.ca.keys == "generate"
    if shop.plan.ca.tree:
        equipment, choice = shop.equipment, shop.plan.ca.choice
        shop.authority = import_tree(
            shop.plan.ca.tree, equipment.passwords, equipment.progress, equipment.now(), choice
        )
    else:
        shop.authority = generate(shop.plan.ca.name, shop.equipment.now(), shop.equipment.progress)
    made = [
        {"name": entry.name, "algorithm": entry.key.algorithm, "public_key": key_fingerprint(entry.key.public)}
        for entry in shop.authority.keys
    ]
    for entry in made:
        ask.say(f"{entry['name']}, {entry['algorithm']}: {entry['public_key']}")
    for note in shop.authority.notes:
        ask.say(str(note))
    return {
        "generated": generated,
        "keys": made,
        "fingerprints": [entry["public_key"] for entry in made],
        "notes": [str(note) for note in shop.authority.notes],
    }


def show_certificates(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show every certificate."""
    shown = []
    files = shop.made().files
    for file in files:
        for certificate in certificates_of(files, file):
            entry = {
                "file": file,
                "subject": certificate.subject.rfc4514_string(),
                "from": certificate.not_valid_before_utc.isoformat(),
                "to": certificate.not_valid_after_utc.isoformat(),
                "sha256": certificates.fingerprint(certificate),
            }
            shown.append(entry)
            ask.say(f"{entry['subject']}\n  valid {entry['from']} to {entry['to']}\n  SHA-256 {entry['sha256']}")
    return {"certificates": shown}


def seal(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Seal the keys, split the wrapping key, and keep the shares in memory; write the package and what goes with it."""
    shop.remove_void()
    names = tuple(custodian.name for custodian in shop.plan.custodians)
    plan = shop.plan
    now = shop.equipment.now()
    order = Order(plan.ceremony.kind, plan.policy, names, now, plan.stationery, keeping=plan.keeping)
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
