"""A recovery's acts: what was called for, which set it is, and the keys to their target.

Nothing is written but what was called for, and that never in clear: under a new password, or to a recipient's key.
"""

import hashlib
from contextlib import ExitStack
from pathlib import Path

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.archive import MAX_FILE
from ceremony.run.before import facts_of
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.work import Workshop
from escrow import recovery
from escrow.errors import FileError
from escrow.files import NewFiles, read_public
from escrow.label import set_words
from escrow.manifest import Manifest, group_hex
from escrow.memory import Secret
from escrow.online import recipient
from escrow.package import README_MEMBER, Package

NOT_RESTORED = (
    "Not in the package, and so not restored: the database with issued and revoked certificates, the number of the "
    "last CRL, ACME accounts, and provisioners managed remotely."
)


def called(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show who called for what on whose word; carry on what the archive takes over, or the package alone."""
    plan, last = shop.recovery(), shop.last()
    recovery.check_names(last.manifest, plan.only)
    _try_target(_check_target(shop, last.manifest), len(last.package))
    shop.carry(last.files)
    keys = [entry.name for entry in last.manifest.keys if entry.name in plan.only]
    ask.say(f"What happened: {plan.incident}")
    ask.say(f"Called by {plan.called_by}; agreed by {' and '.join(plan.agreed)}.")
    ask.say(f"Restored is: {', '.join(keys)}. Not restored, though in the package: {_rest(last.manifest, keys)}.")
    ask.say(NOT_RESTORED)
    fingerprint = ""
    if plan.recipient:
        to = recipient.parse(plan.recipient)
        fingerprint = to.fingerprint
        ask.say(f"It is encrypted to this public key ({to.kind}): {fingerprint}")
    else:
        ask.say(f"It is written to {shop.equipment.target}, encrypted under a new password.")
    if not last.archive:
        ask.say(
            "There is no archive: nobody knows which bags the sheets should be in. Compare with labels and receipts."
        )
    return {
        **facts_of(last),
        "incident": plan.incident,
        "called_by": plan.called_by,
        "agreed": list(plan.agreed),
        "keys": keys,
        "recipient": fingerprint,
    }


def _rest(manifest: Manifest, keys: list[str]) -> str:
    return ", ".join(entry.name for entry in manifest.keys if entry.name not in keys) or "nothing"


def show_set(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show what the package says of itself, to be compared with the sheets."""
    manifest = shop.last().manifest
    ask.say(f"{manifest.ca}, set {group_hex(manifest.short_set_id)}, epoch {manifest.epoch}: {manifest.policy}.")
    ask.say(f"The words of the set:  {set_words(manifest.set_id)}")
    return {"words": set_words(manifest.set_id)}


def restore(shop: Workshop, _step: Step, state: State, ask: Questions) -> Facts:
    """Write what was called for to its target, and nothing else."""
    if not shop.proved:
        message = "The keys are not in memory: the quorum is read again."
        raise StepError(message)
    plan, manifest = shop.recovery(), Package.decode(shop.last().package).manifest
    target, progress = _check_target(shop, manifest), shop.equipment.progress
    called = state.done["called"]
    try:
        with NewFiles(target) as out, ExitStack() as ending:
            if plan.recipient:
                to = recipient.parse(plan.recipient)
                recovery.restore_to_recipient(manifest, shop.proved, plan.only, to, out=out, progress=progress)
            else:
                password = ending.enter_context(_new_password(ask))
                recovery.restore(manifest, shop.proved, plan.only, password, out=out, progress=progress)
            out.publish()
    except FileError as error:
        raise _no_room(error) from None
    shop.forget_proved()
    ask.say(f"Restored to {target}: {', '.join(called['keys'])}, and the certificates and configuration beside them.")
    ask.say(NOT_RESTORED)
    return {
        "keys": called["keys"],
        "recipient": called["recipient"],
        "target": str(target),
        "sha256": _digest(target / recovery.RECOVERED) if plan.recipient else "",
    }


def _check_target(shop: Workshop, manifest: Manifest) -> Path:
    """Where to. Raises StepError if that is not said, RefusedError if something is there already."""
    target = shop.equipment.target
    if target is None:
        message = "It is not said where to: start the program again with --to DIR."
        raise StepError(message)
    files = NewFiles(target)
    if shop.recovery().recipient:
        files.check_absent([recovery.RECOVERED, README_MEMBER])
    else:
        recovery.check_target(files, manifest)
    return target


def _try_target(target: Path, length: int) -> None:
    """Write as much as a package has, and let it go: no bag is opened for a target that is full or cannot be written.

    Raises StepError.
    """
    try:
        with NewFiles(target) as out:  # nothing is published, so nothing of it stays
            out.write("trial", bytes(length))
    except FileError as error:
        raise _no_room(error) from None


def _no_room(error: FileError) -> StepError:
    return StepError(
        f"{error} Make room there, or end the program with Ctrl-C and give the same command another --to: "
        "no sheet is worth less for it."
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(read_public(path, MAX_FILE)).hexdigest()


def _new_password(ask: Questions) -> Secret:
    """A password that was typed twice. The caller closes it."""
    while True:
        first = ask.secret(Asked.NEW_PASSWORD)
        with ask.secret(Asked.PASSWORD_AGAIN) as second:
            if len(first) and first.view == second.view:
                return first
        first.close()
        ask.say("The two differ, or are empty. An empty password would leave the keys in clear.")
