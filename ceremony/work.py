"""The work of a ceremony's steps: each action done with the library, and answered by public facts for the journal.

Secrets live in Secrets of this object alone, and end with `forget`. What it writes into the ceremony's folder is
public: the package, certificates, documents.
"""

import datetime as dt
import hashlib
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ceremony import spoken
from ceremony.archive import seal_archive, sign_journal
from ceremony.engine import State, bag_number
from ceremony.journal import Entry
from ceremony.loss import enough_to_go_on
from ceremony.paper import Paper
from ceremony.plan import Plan
from ceremony.readback import compare_words, drawn
from ceremony.runner import Asked, Facts, Questions, StepError, print_again
from ceremony.steps import Action, Step
from ceremony.wording import share_name
from escrow import certificates, documents, recovery, sealing, signature, standalone
from escrow.authority import Authority, PasswordSource, generate, import_tree
from escrow.contents import certificates_of, key_fingerprint
from escrow.errors import PackageError
from escrow.files import NewFiles, read_public
from escrow.gather import Collection
from escrow.keys import PrivateKey
from escrow.manifest import Manifest, group_hex
from escrow.memory import Secret
from escrow.package import MAX_LENGTH, Package
from escrow.paper.stationery import Stationery
from escrow.policy import Position
from escrow.printing import Printer
from escrow.progress import Progress
from escrow.reissue import reissue
from escrow.sealing import PACKAGE_FILE, Order


@dataclass(frozen=True)
class Equipment:
    """What a ceremony works with: all of it handed in."""

    out: Path
    printer: Printer
    paper: Paper
    stationery: Stationery
    passwords: PasswordSource
    preflight: Callable[[Plan], tuple[Sequence[Mapping[str, Any]], Sequence[str]]]
    """Makes all checks: the results, and what failed."""
    entries: Callable[[], Sequence[Entry]]
    """The journal so far."""
    now: Callable[[], dt.datetime]
    progress: Progress
    chance: random.Random
    """For lots that are drawn: of words and of custodians. Not for keys."""


class Workshop:
    """One ceremony's work, in one session of the program."""

    def __init__(self, plan: Plan, equipment: Equipment) -> None:
        self._plan, self._with = plan, equipment
        self._authority: Authority | None = None
        self._shares: dict[Position, Secret] = {}
        self._key: PrivateKey | None = None

    def do(self, step: Step, state: State, ask: Questions) -> Facts:
        """Do a step's action. Raises EscrowError, StepError, Aborted."""
        return {
            Action.COMPARE_PLAN: self._compare_plan,
            Action.PREFLIGHT: self._preflight,
            Action.OPEN: self._open,
            Action.WRITE_HEAD: self._write_head,
            Action.MAKE_KEYS: self._make_keys,
            Action.SHOW_CERTIFICATES: self._show_certificates,
            Action.SEAL: self._seal,
            Action.PRINT: self._print,
            Action.READ_BACK: self._read_back,
            Action.BAG: self._bag,
            Action.PROVE_QUORUM: self._prove_quorum,
            Action.BAG_AGAIN: self._bag_again,
            Action.COPY_PACKAGE: self._copy_package,
            Action.SETTLE: lambda *_: {},
            Action.ZEROIZE: self._zeroize,
            Action.CLOSE: self._close,
            Action.DESTROY: self._destroy,
            Action.GATHER: self._gather,
        }[step.action or Action.SETTLE](step, state, ask)

    def end(self) -> None:
        """Sign the whole journal, and let the key go that signs it."""
        if self._key:
            sign_journal(self._with.out, self._with.entries(), self._key)
            self._key.pem.close()
            self._key = None

    def forget(self) -> None:
        """Wipe everything secret but the key that signs the journal."""
        if self._authority:
            self._authority.close()
        for share in self._shares.values():
            share.close()
        self._authority, self._shares = None, {}

    def _compare_plan(self, _step: Step, _state: State, ask: Questions) -> Facts:
        for number, row in enumerate(spoken.rows_of(self._plan.words), 1):
            ask.say(f"{number}  {row}")
        return {"plan": self._plan.digest.hex()}

    def _preflight(self, _step: Step, _state: State, ask: Questions) -> Facts:
        results, failures = self._with.preflight(self._plan)
        for result in results:
            if result["status"] != "PASS":
                ask.say(
                    f"{result['status']}  {result['id']}: {result['value']}. {result['remedy'] or result['waiver']}"
                )
        ask.say(f"{len(results)} checks were made; {len(failures)} failed.")
        if failures:
            message = f"This machine is not fit: {', '.join(failures)}. Mend it, or plan a waiver with its reason."
            raise StepError(message)
        return {"checks": list(results)}

    def _open(self, _step: Step, _state: State, ask: Questions) -> Facts:
        words, officers = self._plan.words, self._plan.officers[:2]
        halves = words[: len(words) // 2], words[len(words) // 2 :]
        for officer, half in zip(officers, halves, strict=True):
            with ask.secret(Asked.HALF, officer=officer.name) as typed:
                if bytes(typed.view).decode("utf-8", "replace").lower().split() != list(half):
                    message = f"These are not the words that {officer.name} should have: the ceremony is not opened."
                    raise StepError(message)
        if self._key:
            self._key.pem.close()
        self._key = signature.new_key()
        ask.say("The ceremony is open.")
        return {"officers": [officer.name for officer in officers], "key": self._key.public.hex()}

    def _write_head(self, _step: Step, _state: State, ask: Questions) -> Facts:
        head = self._with.entries()[-1].digest
        words = spoken.words_of(head)
        ask.say(f"The journal's head:  {spoken.first_three_and_last(words)}")
        return {"head": head.hex()}

    def _make_keys(self, _step: Step, _state: State, ask: Questions) -> Facts:
        generated = self._plan.ca.keys == "generate"
        if self._plan.ca.tree:
            self._authority = import_tree(self._plan.ca.tree, self._with.passwords, self._with.progress)
        else:
            self._authority = generate(self._plan.ca.name, self._with.now(), self._with.progress)
        made = [
            {"name": entry.name, "algorithm": entry.key.algorithm, "public_key": key_fingerprint(entry.key.public)}
            for entry in self._authority.keys
        ]
        for entry in made:
            ask.say(f"{entry['name']}, {entry['algorithm']}: {entry['public_key']}")
        for note in self._authority.notes:
            ask.say(note)
        return {"generated": generated, "keys": made, "fingerprints": [entry["public_key"] for entry in made]}

    def _show_certificates(self, _step: Step, _state: State, ask: Questions) -> Facts:
        shown = []
        files = self._made().files
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

    def _seal(self, _step: Step, state: State, ask: Questions) -> Facts:
        self._remove_void(state)
        names = tuple(custodian.name for custodian in self._plan.custodians)
        plan = self._plan
        order = Order(plan.ceremony.kind, plan.policy, names, self._with.now(), self._with.stationery)
        sealed = sealing.seal_package(self._made(), order, self._with.progress)
        self._shares = dict(sealed.shares)
        with NewFiles(self._with.out) as out:
            sealing.write_public(sealed, order, out, self._with.progress)
            for name, content in self._made().files.items():
                if certificates_of(self._made().files, name):
                    out.write(name, content.view)
            out.write(PACKAGE_FILE, sealed.text)
            out.publish()
        set_id = group_hex(sealed.manifest.short_set_id)
        ask.say(f"Set {set_id}: sealed, and opened again.")
        return {
            "set_id": sealed.manifest.set_id.hex(),
            "epoch": order.epoch,
            "policy": str(order.policy),
            "package": hashlib.sha256(sealed.text).hexdigest(),
        }

    def _print(self, step: Step, state: State, ask: Questions) -> Facts:
        position = _position(step)
        manifest = self._package(state).manifest
        share = self._share(manifest, position)
        custodian = self._plan.custodian_at(position).name
        self._with.printer.check()
        self._with.printer.print(
            partial(sealing.write_sheet, manifest, position, share, custodian, self._with.stationery)
        )
        ask.say(f"Share {share_name(self._plan.policy, position)} was printed.")
        return {}

    def _read_back(self, step: Step, state: State, ask: Questions) -> Facts:
        position = _position(step)
        name = share_name(self._plan.policy, position)
        collection = Collection(self._package(state).manifest, keep=True)
        try:
            self._with.paper.read(collection, f"the sheet of share {name}", ask)
            if collection.problems or collection.present != {position}:
                said = "; ".join(str(verdict) for verdict in collection.verdicts)
                problem = f"What was read is not share {name} alone: {said}"
                raise print_again(step, problem) if self._is_spoilt(ask, problem) else StepError(problem)
            places = drawn(self._with.chance)
            for place in places:
                with ask.secret(Asked.WORDS, row=place.row, columns=place.columns_text) as typed:
                    compare_words(collection.manifest, position, collection.shares[position], place, typed)
        finally:
            collection.close()
        ask.say(f"Share {name} is proven from paper.")
        return {"words": [str(place) for place in places]}

    def _is_spoilt(self, ask: Questions, problem: str) -> bool:
        ask.say(problem)
        while (answer := ask.line(Asked.TRY_AGAIN).lower()) not in {"again", "print"}:
            pass
        return answer == "print"

    def _bag(self, step: Step, state: State, ask: Questions) -> Facts:
        return {"bag": self._new_bag(_position(step), state, set(), ask)}

    def _bag_again(self, _step: Step, state: State, ask: Questions) -> Facts:
        given: dict[str, str] = {}
        for pair in state.done["quorum"]["positions"]:
            position = Position(*pair)
            given[f"{position.group}.{position.x}"] = self._new_bag(position, state, set(given.values()), ask)
        return {"bags": given}

    def _new_bag(self, position: Position, state: State, also: set[str], ask: Questions) -> str:
        used = {bag_number(number) for number in {*state.bags, *also}}
        name = share_name(self._plan.policy, position)
        while True:
            number = ask.line(Asked.BAG, share=name)
            if not bag_number(number) or bag_number(number) in used:
                ask.say("A bag has a number of its own, and is used once.")
            elif bag_number(ask.line(Asked.BAG_AGAIN)) != bag_number(number):
                ask.say("The two differ.")
            else:
                return number

    def _prove_quorum(self, _step: Step, state: State, ask: Questions) -> Facts:
        package = self._package(state)
        policy = self._plan.policy
        drawn_by_lot = self._with.chance.sample(policy.positions, len(policy.positions))
        wanted = _quorum_of(drawn_by_lot, policy.missing)
        collection = Collection(package.manifest, keep=True)
        try:
            for position in wanted:
                name = share_name(policy, position)
                custodian = self._plan.custodian_at(position).name
                self._with.paper.read(collection, f"{custodian}, the sheet of share {name}", ask)
            recovery.require_quorum(collection)
            with recovery.recombine(collection) as wrapping_key:
                members = recovery.open_checked(package, wrapping_key)
                for member in members.values():
                    member.close()
        finally:
            collection.close()
        ask.say("A quorum from paper opens the package, and every key in it is the right one.")
        return {"positions": sorted(collection.present)}

    def _copy_package(self, step: Step, state: State, ask: Questions) -> Facts:
        package = self._plan.packages[(step.copy or 1) - 1]
        text = self._package(state).encode()
        folder = Path(ask.line(Asked.MEDIUM, copy=step.copy))
        with NewFiles(folder) as out:
            out.write(PACKAGE_FILE, text)
            out.publish()
        ask.line(Asked.REPLUGGED, copy=step.copy)
        if read_public(folder / PACKAGE_FILE, MAX_LENGTH) != text:
            message = f"What {folder} gives back is not what was written: take another medium."
            raise StepError(message)
        ask.say(f"Copy {step.copy} is the same byte for byte.")
        return {"site": package.site, "medium": package.medium, "sha256": hashlib.sha256(text).hexdigest()}

    def _zeroize(self, _step: Step, _state: State, ask: Questions) -> Facts:
        self.forget()
        ask.say("Nothing secret is left in the program's memory.")
        return {}

    def _close(self, _step: Step, _state: State, ask: Questions) -> Facts:
        if not self._key:
            message = "The ceremony has no key to sign its journal with: open it again."
            raise StepError(message)
        digest = seal_archive(self._with.out, self._with.entries(), self._key)
        ask.say(f"The archive's hash:  {spoken.first_three_and_last(spoken.words_of(digest))}")
        return {"archive": digest.hex()}

    def _destroy(self, _step: Step, state: State, ask: Questions) -> Facts:
        sheets = sorted(state.printed)
        names = ", ".join(share_name(self._plan.policy, position) for position in sheets)
        ask.say(f"To be shredded, with every spoilt printout of them: the sheets of shares {names}.")
        if ask.line(Asked.DESTROYED) != str(len(sheets)):
            message = f"There are {len(sheets)} shares of which a sheet came out: count again."
            raise StepError(message)
        self._remove_void(state)
        return {"sheets": sheets}

    def _gather(self, _step: Step, state: State, ask: Questions) -> Facts:
        manifest = self._package(state).manifest
        collection = Collection(manifest, keep=True)
        while collection.missing or not enough_to_go_on(self._plan.policy, set(state.done), collection.present):
            for verdict in self._with.paper.read(collection, "a sheet that had been read back", ask):
                ask.say(str(verdict))
        self._shares = dict(collection.shares)
        ask.say("The missing shares can be made again.")
        return {"positions": sorted(collection.present)}

    def _share(self, manifest: Manifest, position: Position) -> Secret:
        if position not in self._shares:
            self._shares[position] = reissue(manifest, self._shares, position)
        return self._shares[position]

    def _made(self) -> Authority:
        if not self._authority:
            message = "The keys are not in memory: this session did not make them."
            raise StepError(message)
        return self._authority

    def _package(self, state: State) -> Package:
        package = Package.decode(read_public(self._with.out / PACKAGE_FILE, MAX_LENGTH))
        if package.manifest.set_id.hex() != state.done["seal"]["set_id"]:
            message = f"{self._with.out / PACKAGE_FILE} is not the package that this ceremony sealed."
            raise PackageError(message)
        return package

    def _remove_void(self, state: State) -> None:
        """Remove the package of a void set, and what was made with it."""
        path = self._with.out / PACKAGE_FILE
        if path.exists() and Package.decode(read_public(path, MAX_LENGTH)).manifest.set_id.hex() in state.void_sets:
            for made in (PACKAGE_FILE, documents.PACKAGE_SHEETS_FILE, standalone.FILE):
                (self._with.out / made).unlink(missing_ok=True)
            for folder in (documents.FOLDER, "certs"):
                shutil.rmtree(self._with.out / folder, ignore_errors=True)


def _position(step: Step) -> Position:
    if not step.position:
        message = f"The step {step.id} is of no share."
        raise StepError(message)
    return step.position


def _quorum_of(ordered: Sequence[Position], missing: Callable[[list[Position]], int]) -> list[Position]:
    """The first of these that bring a quorum nearer, until it is there."""
    chosen: list[Position] = []
    for position in ordered:
        if missing([*chosen, position]) < missing(chosen):
            chosen.append(position)
    return chosen
