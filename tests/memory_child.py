"""Run the program's real entry point, stopping at marks so that another process can read this one's memory.

Marks: each progress report, the end of each worker's task, and "closed" when the command has ended and every
secret should be gone. At a mark the contents of all living Secrets are written, straight from their pages, to a
pipe: what to look for. Descriptors come in the environment: ESCROW_MARKS="marks,secrets,go".
"""

import os
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from foreseen import scalar

import ceremony.cli
import ceremony.terminal.console
from escrow.memory import Secret, secret, worker

PLAUSIBLE = 1 << 12  # bytes; a longer Secret is a file, and would fill the pipe
MARKS, SECRETS, GO = map(int, os.environ["ESCROW_MARKS"].split(","))


def mark(name: str, known: Iterable[Secret] | None = None) -> None:
    """Tell the contents of all Secrets that this process can reach, then its name, and wait."""
    for living in reachable() if known is None else known:
        if 0 < len(living) <= PLAUSIBLE:
            os.write(SECRETS, struct.pack("=I", len(living)))
            view = living.view
            while view:
                view = view[os.write(SECRETS, view) :]
    os.write(SECRETS, struct.pack("=I", 0))
    os.write(MARKS, f"{name}\t{os.getpid()}\n".encode())
    os.read(GO, 1)


def reachable() -> list[Secret]:
    """The Secrets whose pages this process has: in a worker only those that it was handed."""
    regions = []
    for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
        start, _, end = line.split()[0].partition("-")
        if line.split()[1].startswith("r"):
            regions.append((int(start, 16), int(end, 16)))
    return [living for living in secret._living if any(a <= living._address < b for a, b in regions)]


def stop_at_the_end_of_workers() -> None:
    """Make every worker stop when its task is done and all that it computed is still in its memory."""
    work = worker._work

    def stopping(task: Callable[[], bytes], writing: int, parent: int) -> None:
        def stopped() -> bytes:
            answer = task()
            mark(f"worker {task.__qualname__.partition('.')[0]}")
            return answer

        work(stopped, writing, parent)

    worker._work = stopping  # type: ignore[assignment]


def stop_at_progress() -> None:
    """Stop at every progress report."""
    show = ceremony.terminal.console.Progress.__call__

    def stopping(self: ceremony.terminal.console.Progress, stage: str, done: int, total: int) -> None:
        show(self, stage, done, total)
        mark(f"{stage} {done}/{total}")

    ceremony.terminal.console.Progress.__call__ = stopping  # type: ignore[method-assign]


def stop_before_becoming_another_program() -> None:
    """Stop at the last moment of a command that ends by becoming another program."""
    execute = os.execvpe

    def stopping(*arguments: Any) -> NoReturn:  # noqa: ANN401 - whatever execvpe takes
        mark("closed")
        execute(*arguments)

    os.execvpe = stopping  # type: ignore[assignment]


LEAKS: dict[str, Callable[[Secret], object]] = {
    "bytes": lambda s: bytes(s.view),
    "integer": lambda s: int.from_bytes(s.view, "big"),
    "hex": lambda s: s.view.hex(),
    "text": lambda s: "\N{GREEK SMALL LETTER ALPHA}" + s.view.hex(),  # stored with two bytes a character
}


def deep_down(levels: int, action: Callable[[], object]) -> None:
    """Act far down the C stack, where nothing that is called later overwrites what is left there.

    Through map(), because calls from Python to Python do not use the C stack.
    """
    if levels:
        list(map(lambda _: deep_down(levels - 1, action), [None]))  # noqa: C417 - the C frame is the point
    else:
        action()


def leak(kind: str) -> None:
    """Leak a Secret on purpose, in one of the ways that the scanner must see."""
    from escrow.memory import isolate, protect

    protect(required=False)
    held = Secret.random(32)

    def leak_in_worker() -> bytes:
        kept = bytes(held.view)
        mark("leaked in a worker")
        return kept[:0]

    if kind == "worker":
        isolate(leak_in_worker, held)
    if kind == "stack":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        deep_down(100, lambda: AESGCM(held.view).encrypt(bytes(12), b"text", None))
        leaked: object = None
    else:
        leaked = LEAKS[kind](held) if kind in LEAKS else None
    mark("leaked", [held])  # nothing else in between: a residue on the stack is soon overwritten
    del leaked
    held.close()
    mark("closed")


def issue() -> None:
    """Make a CA with a key of every kind, stopping at every progress report, and wipe it."""
    from authorities import every_kind

    from escrow.issuing.make import issue, make_keys
    from escrow.memory import protect

    protect(required=False)
    profiles = every_kind()
    waivers = {(each.name, "certificate-stronger-than-root"): "the root is to be RSA here" for each in profiles}

    def progress(stage: str, done: int, total: int) -> None:
        mark(f"{stage} {done}/{total}")

    authority = issue(profiles, make_keys(profiles, progress), waivers, progress).authority
    mark("issued")
    authority.close()
    mark("closed")


def hand_over(directory: Path) -> None:
    """Make the tree of an online CA, its handover sheet, and the same for a recipient; and wipe all of it."""
    from authorities import profiles_of

    from escrow import documents, handover
    from escrow.issuing.make import issue, make_keys
    from escrow.memory import protect
    from escrow.online import recipient
    from escrow.online.settings import Settings
    from escrow.online.tree import make
    from escrow.paper.handover import Handover
    from escrow.paper.stationery import PLAIN
    from escrow.policy import Policy
    from escrow.share import Kind

    protect(required=False)
    foresee_the_provisioners_key()
    profiles = profiles_of("EC P-256")

    def progress(stage: str, done: int, total: int) -> None:
        mark(f"{stage} {done}/{total}")

    authority = issue(profiles, make_keys(profiles, progress), {}, progress).authority
    members = {**authority.files, **{entry.file: entry.key.pem for entry in authority.keys}}
    settings = Settings(("ca.test",))
    tree = make(settings, members, progress)
    mark("tree made")
    (directory / "ca.json").write_bytes(tree.files["config/ca.json"])
    of = Handover(documents.made_up(Kind.SPECIMEN, Policy.plain(2, 2), "X"), "online-0", settings, tree.root)
    sheet = directory / "sheet.pdf"
    with sheet.open("xb", buffering=0) as opened:
        handover.write_sheet(of, tree.passwords, PLAIN, opened.fileno(), sheet)
    if len(handover.found_in(tree.passwords, sheet)) != len(tree.passwords):
        sys.exit("the sheet was not read back")
    mark("sheet read back")
    for password in tree.passwords.values():
        recipient.encrypt(recipient.parse((directory / "recipient").read_text("ascii")), password)
    tree.close()
    authority.close()
    mark("closed")


def scratch_ca(folder: Path, package: Path, *sheets: Path) -> None:
    """Open a package from sheets as a drill does, and have the real step-ca serve what it gives, stopping meanwhile."""
    from escrow import recovery, scratch
    from escrow.client import Client
    from escrow.memory import protect

    protect(required=False)

    def progress(stage: str, done: int, total: int) -> None:
        mark(f"{stage} {done}/{total}")

    sealed = recovery.read_package(package, progress)
    collection = recovery.gather(sealed.manifest, sheets, keep=True, progress=progress)
    with recovery.recombine(collection) as wrapping_key:
        members = recovery.open_checked(sealed, wrapping_key)
    collection.close()
    wanted = scratch.needed(sealed.manifest)
    for name in members.keys() - wanted:
        members[name].close()
    is_healthy = Client.is_healthy

    def stopping(self: Client) -> bool:
        healthy = is_healthy(self)
        mark("served")
        return healthy

    Client.is_healthy = stopping  # type: ignore[method-assign]
    program = scratch.found()
    kept = {name: members[name] for name in wanted}
    tried = program and scratch.try_out(program, scratch.digest(program), folder, sealed.manifest, kept, progress)
    if not tried or not tried.issued:
        sys.exit(f"the scratch CA did not issue: {tried}")
    for member in kept.values():
        member.close()
    mark("closed")


def foresee_the_provisioners_key() -> None:
    """Have the provisioner's worker make a key that the test knows. It is derived in the worker: nobody else has it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    from escrow.online import provisioner

    class Foreseen:
        SECP256R1 = ec.SECP256R1

        @staticmethod
        def generate_private_key(curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
            return ec.derive_private_key(int.from_bytes(scalar(), "big"), curve)

    provisioner.ec = Foreseen  # type: ignore[assignment, attr-defined]


if __name__ == "__main__":
    if sys.argv[1] == "leak":
        leak(sys.argv[2])
    elif sys.argv[1] == "issue":
        stop_at_the_end_of_workers()
        issue()
    elif sys.argv[1] == "hand-over":
        stop_at_the_end_of_workers()
        hand_over(Path(sys.argv[2]))
    elif sys.argv[1] == "scratch":
        stop_at_the_end_of_workers()
        scratch_ca(*map(Path, sys.argv[2:]))
    else:
        stop_at_progress()
        stop_at_the_end_of_workers()
        stop_before_becoming_another_program()
        status = ceremony.cli.run()
        mark("closed")
        sys.exit(status)
