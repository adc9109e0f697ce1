"""The checks of an audit that are of what follows an archive: what was signed, the inventory, the old set.

Each yields what is wrong.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ceremony.rules.state import State
from ceremony.run.archive import MAX_FILE, digest_of
from escrow.errors import EscrowError
from escrow.files import read_public
from escrow.inventory import FILE, Inventory
from escrow.sealing import PACKAGE_FILE
from escrow.signable import to_be_signed

DRAFT, SIGNED, INPUTS = "draft.der", "issued/signed.der", "inputs/"
"""Files of a session's archive: what a throw-away key signed, what the root signed, and what that was made from."""


def check_session(folder: Path, state: State) -> Iterator[str]:
    """Draft, signature and package are those that the journal saw: another list, newly signed, would not do."""
    try:
        if "draft" in state.done:
            yield from _check_drafted(folder, state)
        if "issue" in state.done:
            yield from _check_signed(folder, state)
        for name in {"brief", "lost", "called"} & set(state.done):
            yield from _check_followed(folder, state.done[name])
        if "old-set" in state.done:
            noted = state.done["old-set"]
            yield from _check_followed(folder, noted) if state.aborting else _check_inventory(folder, noted)
    except EscrowError as error:
        yield str(error)


def _check_drafted(folder: Path, state: State) -> Iterator[str]:
    noted = state.done["draft"]
    yield from _check_followed(folder, noted)
    if to_be_signed(read_public(folder / DRAFT, MAX_FILE)) != noted["to_be_signed"]:
        yield f"{DRAFT}: this is not what was drafted and shown."


def _check_followed(folder: Path, noted: Mapping[str, Any]) -> Iterator[str]:
    if _sha256(folder / PACKAGE_FILE) != noted["package"]:
        yield f"{PACKAGE_FILE}: this is not the package of the archive that was followed."
    yield from _check_inventory(folder, noted)


def _check_inventory(folder: Path, noted: Mapping[str, Any]) -> Iterator[str]:
    if (folder / FILE).exists() and Inventory.decode(read_public(folder / FILE, MAX_FILE)).before != noted["archive"]:
        yield f"{FILE}: it follows another archive than the ceremony did."


def _check_signed(folder: Path, state: State) -> Iterator[str]:
    signed = {SIGNED: state.done["issue"]["sha256"], **state.done.get("outcome", {}).get("files", {})}
    for name, digest in signed.items():
        if _sha256(folder / name) != digest:
            yield f"{name}: this is not what was signed."


def check_before(folder: Path, before: Path) -> Iterator[str]:
    """The inventory goes on from that of the archive that the session followed."""
    try:
        one, other = (Inventory.decode(read_public(each / FILE, MAX_FILE)) for each in (before, folder))
        yield from (f"{FILE}: {what}." for what in other.problems_after(one, digest_of(before).hex()))
    except EscrowError as error:
        yield str(error)


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_public(path, MAX_FILE)).hexdigest()
