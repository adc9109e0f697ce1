"""A recovery's acts: what was called for, which set it is, and the keys to their target.

Nothing is written but what was called for, and that never in clear: under a new password, to a recipient's key, or
into a token.
"""

import hashlib
from contextlib import ExitStack
from pathlib import Path

from ceremony.rules.state import State
from ceremony.rules.steps import Step
from ceremony.run.archive import MAX_FILE
from ceremony.run.before import facts_of
from ceremony.run.questions import Asked, Facts, Questions, StepError
from ceremony.run.work import Target, Workshop
from escrow import recovery, token
from escrow.configuration import CONFIG
from escrow.errors import FileError
from escrow.files import NewFiles, is_memory_backed, read_public
from escrow.label import set_words
from escrow.manifest import Manifest, group_hex
from escrow.memory import Secret
from escrow.online import recipient
from escrow.package import README_MEMBER, Package
from escrow.token import Token

NOT_RESTORED = (
    "Not in the package, and so not restored: the database with issued and revoked certificates, the number of the "
    "last CRL, ACME accounts, and provisioners managed remotely."
)


def called(shop: Workshop, _step: Step, _state: State, ask: Questions) -> Facts:
    """Show who called for what on whose word; carry on what the archive takes over, or the package alone."""
    plan, last = shop.recovery(), shop.last()
    recovery.check_names(last.manifest, plan.only)
    target = _check_target(shop, last.manifest)
    _try_target(target.folder, len(last.package))
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
    elif target.token:
        ask.say(f"The keys go into the token {target.token.label}, which is: {token.look(target.token)}.")
        ask.say(f"All else is written to {target.folder}.")
    else:
        ask.say(f"It is written to {target.folder}, encrypted under a new password.")
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
        "token": plan.token or "",
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
    folder, called = target.folder, state.done["called"]
    if plan.recipient:
        ask.say(f"It will be encrypted to the public key {recipient.parse(plan.recipient).fingerprint}")
        ask.say("Compare it with what the recipient tells you, not with the plan: nobody can take it back afterwards.")
        ask.enter(Asked.READY)
    try:
        with NewFiles(folder) as out, ExitStack() as ending:
            if plan.recipient:
                to = recipient.parse(plan.recipient)
                recovery.restore_to_recipient(manifest, shop.proved, plan.only, to, out=out, progress=progress)
                out.publish()
            elif target.token:
                pin = ending.enter_context(ask.secret(Asked.PIN, token=target.token.label))
                recovery.restore_to_token(
                    manifest, shop.proved, plan.only, target.token, pin, out=out, progress=progress
                )
            else:
                password = ending.enter_context(_new_password(ask))
                recovery.restore(manifest, shop.proved, plan.only, password, out=out, progress=progress)
                out.publish()
    except FileError as error:
        raise _no_room(error) from None
    shop.forget_proved()
    in_memory, named = is_memory_backed(folder), ", ".join(called["keys"])
    if target.token:
        ask.say(f"Stored in the token {target.token.label}: {named}. All else is in {folder}.")
        _say_how_it_starts(target.token, ask)
    else:
        ask.say(f"Restored to {folder}: {named}, and the certificates and configuration beside them.")
        if in_memory:
            ask.say("That is in memory: no disk has a key, and without power all of it is gone.")
    ask.say(NOT_RESTORED)
    return {
        "keys": called["keys"],
        "recipient": called["recipient"],
        "token": called["token"],
        "target": str(folder),
        "in_memory": in_memory,
        "sha256": _digest(folder / recovery.RECOVERED) if plan.recipient else "",
    }


def _say_how_it_starts(into: Token, ask: Questions) -> None:
    if not into.pin_source:
        ask.say(f"{CONFIG} does not say where the PIN is: add ?pin-source=FILE to kms.uri before step-ca can start.")
    ask.say("step-ca has to be one that was built with PKCS#11 (CGO_ENABLED=1).")


def _check_target(shop: Workshop, manifest: Manifest) -> Target:
    """Where to. Raises StepError if that is not said or not as planned, RefusedError if something is there already.

    TokenError or UsageError for a token that is not there, or cannot take these keys.
    """
    target = shop.equipment.target
    if target is None:
        message = "It is not said where to: start the program again with --to DIR."
        raise StepError(message)
    files, plan = NewFiles(target.folder), shop.recovery()
    if plan.token != (target.token and target.token.label):
        message = "The token of the plan is not the one that was named: start the program again with its --module."
        raise StepError(message)
    if plan.recipient:
        files.check_absent([recovery.RECOVERED, README_MEMBER])
    else:
        if target.token:
            token.fitting(manifest.keys, plan.only)
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
