"""A session's acts: what is signed is drafted and shown, a quorum opens the package, the root signs, all is written.

The draft is a file of the archive, `draft.der`: signed by a throw-away key, and with the very bytes that the root will
sign. Its hash is in the journal before any sheet is read, and nothing else is ever signed in this ceremony.
"""

import datetime as dt
import hashlib
from dataclasses import replace

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.acts.comparing import listed
from ceremony.run.acts.reading import read_sheets
from ceremony.run.before import Before, facts_of
from ceremony.run.copying import DELIVERY, Copying, Load
from ceremony.run.following import DRAFT, INPUTS, SIGNED
from ceremony.run.paper import OLD_SET
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.task import Input, facts, read_input, signable
from ceremony.run.work import Workshop
from escrow import keys, recovery
from escrow.contents import key_fingerprint
from escrow.files import NewFiles, read_public
from escrow.gather import Collection
from escrow.inventory import Inventory, text_of
from escrow.issuing.lints import stop
from escrow.issuing.signing import sign_same
from escrow.keys import PrivateKey
from escrow.manifest import TIME
from escrow.package import Package
from escrow.signable import Signable, to_be_signed

_MAX = 1 << 20


def draft(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Fix what is to be signed, show it, and lint it. Raises CertificateError for what is not as planned."""
    before, session = shop.before(), shop.session()
    given = read_input(session)
    at = shop.equipment.now()
    wanted = signable(shop.plan, session, before, given, at)
    tried = wanted.try_out()
    findings = wanted.lint(tried)
    reasons = shop.plan.certificate_reasons
    stop(findings, reasons)
    number = wanted.number(tried)
    rows = [(label, value) for label, value in wanted.found(tried) if value]
    ask.page([f"To be signed: a {wanted.what}", "", *listed([*rows, ("Its number", number)]), ""])
    for finding in findings:
        ask.say(f"WAIVED {finding.lint}: {finding.text}\n  because: {reasons[finding.certificate, finding.lint]}")
    for note in wanted.notes:
        ask.say(note)
    wanted.compare(tried)  # before any bag is opened: afterwards only the signature can be wrong
    ask.enter(Asked.DRAFTED)
    _carry(shop, before, given, tried)
    return {
        **facts_of(before),
        **facts(wanted, tried),
        "at": text_of(at),
        "fields": [list(row) for row in rows],
        "waived": [
            {"lint": each.lint, "text": each.text, "reason": reasons[each.certificate, each.lint]} for each in findings
        ],
        "notes": list(wanted.notes),
    }


def read_quorum(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Read sheets until there is a quorum; each is judged as it comes."""
    shop.forget()
    what, share = ("a sheet of the old set", OLD_SET) if shop.plan.refresh else ("a sheet of the set", "")
    collection = Collection(Package.decode(shop.last().package).manifest, keep=True)
    shop.shares = collection.shares  # so that whatever ends this step wipes what was read
    while collection.missing:
        for line in read_sheets(shop, collection, what, share, ask):
            ask.say(line)
        if collection.missing:
            ask.say(recovery.still_needed(collection))
    ask.say("The quorum is complete.")
    return {"positions": sorted(collection.present)}


def unlock(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Recombine, open the package, prove all of it, and keep the root's key alone."""
    package = Package.decode(shop.before().package)
    collection = Collection(package.manifest, keep=True)
    collection.shares = shop.shares
    entry = next(each for each in package.manifest.keys if each.name == "root")
    with recovery.recombine(collection) as wrapping_key:
        members = recovery.open_checked(package, wrapping_key)
    for name in members.keys() - {entry.file}:
        members[name].close()
    shop.root = PrivateKey(members[entry.file], keys.public_half(members[entry.file], entry.name), entry.algorithm)
    shop.forget_shares()
    ask.say(f"The root's key, {entry.algorithm}: {key_fingerprint(shop.root.public)}")
    return {"public_key": key_fingerprint(shop.root.public)}


def sign(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Sign what was drafted, and nothing else; compare, lint, check. Raises StepError, CertificateError."""
    if not shop.root:
        message = "The root's key is not in memory: the quorum is read again."
        raise StepError(message)
    wanted, tried = drafted(shop, state)
    wanted.compare(tried)  # again, with plan and request: the file lay in a folder since it was drafted
    signed = sign_same(tried, shop.root)
    if to_be_signed(signed) != state.done["draft"]["to_be_signed"]:
        message = "What was signed is not what was drafted: do not use it."
        raise StepError(message)
    stop(wanted.lint(signed), shop.plan.certificate_reasons)
    wanted.check(signed)
    with NewFiles(shop.equipment.out) as out:
        (out.root / SIGNED).unlink(missing_ok=True)  # of a start that was cut off: the same octets
        out.write(SIGNED, signed)
        out.publish()
    digest = hashlib.sha256(signed).hexdigest()
    ask.say(f"What was signed is what was drafted, octet for octet. SHA-256: {digest}")
    return {"to_be_signed": to_be_signed(signed), "sha256": digest}


def outcome(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Write what was signed for those who use it."""
    wanted, _ = drafted(shop, state)
    files = wanted.files(_signed(shop, state))
    with NewFiles(shop.equipment.out) as out:
        for name, content in files.items():
            (out.root / name).unlink(missing_ok=True)
            out.write(name, content)
        out.publish()
    for name in files:
        ask.say(str(shop.equipment.out / name))
    return {"files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}}


def deliver(shop: Workshop, step: Step, state: State, ask: Questions) -> Facts:
    """Write what was signed to a medium, and read it back after it was taken out."""
    copy = step.copy or 1
    planned = shop.plan.deliveries[copy - 1]
    own = f"{DELIVERY}-{shop.plan.ceremony.id}"
    files = {
        name.rpartition("/")[2]: read_public(shop.equipment.out / name, _MAX) for name in state.done["outcome"]["files"]
    }
    load = Load(f"copy {copy} of the delivery", DELIVERY, copy, f"{own}-copy-{copy}", files)
    copied = Copying(ask, shop.equipment.machine, shop.equipment.out, shop.plan.ceremony.kind).copy(load)
    ask.say(f"Copy {copy} is the same byte for byte, read back from {copied.place}. Unmount it.")
    return {
        "site": planned.site,
        "medium": planned.medium,
        "sha256": state.done["issue"]["sha256"],
        "files": sorted(files),
        "proof": copied.proof.value,
    }


def inventory_of(shop: Workshop, state: State) -> Inventory:
    """The inventory after a session, also after one that was aborted: what was drafted then counts as used."""
    before = shop.before()
    found = replace(before.inventory, before=before.archive)
    if "draft" not in state.done:
        return found
    wanted, tried = drafted(shop, state)
    ceremony = shop.plan.ceremony.id
    if "issue" in state.done:
        return wanted.enter(found, _signed(shop, state), ceremony)
    return wanted.spend(found, tried, ceremony, to_be_signed(tried))


def drafted(shop: Workshop, state: State) -> tuple[Signable, bytes]:
    """What the journal says was drafted. Raises StepError if the file is another one."""
    noted = state.done["draft"]
    tried = read_public(shop.equipment.out / DRAFT, _MAX)
    if to_be_signed(tried) != noted["to_be_signed"]:
        message = f"{shop.equipment.out / DRAFT} is not what was drafted and shown: nothing is signed."
        raise StepError(message)
    kept = read_input(shop.session(), shop.equipment.out / INPUTS)
    at = dt.datetime.strptime(noted["at"], TIME).replace(tzinfo=dt.UTC)
    wanted = signable(shop.plan, shop.session(), shop.before(), kept, at)
    return wanted, tried


def _signed(shop: Workshop, state: State) -> bytes:
    signed = read_public(shop.equipment.out / SIGNED, _MAX)
    if hashlib.sha256(signed).hexdigest() != state.done["issue"]["sha256"]:
        message = f"{shop.equipment.out / SIGNED} is not what was signed."
        raise StepError(message)
    return signed


def _carry(shop: Workshop, before: Before, given: Input | None, tried: bytes) -> None:
    """Keep what the archive has to have: what it takes over, what was given, and the draft."""
    files = {**before.files, **({f"{INPUTS}{given.name}": given.content} if given else {}), DRAFT: tried}
    shop.carry(files)
