"""One-shot workers: a forked process that does one thing with one or two secrets, and is gone.

Libraries leave copies of keys on the stack and the heap. In a worker those copies end with the process: the
kernel clears its pages before anyone else gets them.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from escrow import errors
from escrow.memory import libc
from escrow.memory.process import lock_again
from escrow.memory.secret import Secret
from escrow.memory.signals import release_signals, signals_held

_DONE, _FAILED, _BROKEN = b"D", b"F", b"B"
_CHUNK = 1 << 16


def isolate(task: Callable[[], bytes], *shared: Secret) -> bytes:
    """Run `task` in a forked child that can reach no Secret but the `shared` ones; return its public result.

    The child answers secretly by filling a shared Secret. An EscrowError raised in it is raised here again;
    of any other error only the type and the place are told, because its text may quote what it failed on.

    Raises WorkerError when the child dies or fails unforeseen.
    """
    reading, writing = os.pipe()
    with ExitStack() as undo:
        undo.callback(os.close, reading)
        for secret in shared:
            secret.set_inherited(inherited=True)
            undo.callback(secret.set_inherited, inherited=False)
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        with signals_held():
            child = os.fork()
            if child == 0:
                _work(task, writing, parent)
            exit_codes = undo.enter_context(_reaped(child))
        os.close(writing)
        answer = _read_all(reading)
    return _unpack(answer, exit_codes[0])


@contextmanager
def _reaped(child: int) -> Iterator[list[int]]:
    """Wait for a child at the end of the block and tell its exit code; on an exception kill it first."""
    exit_codes: list[int] = []
    try:
        yield exit_codes
    except BaseException:
        os.kill(child, signal.SIGKILL)  # nobody waits for the answer any more
        raise
    finally:
        exit_codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _work(task: Callable[[], bytes], writing: int, parent: int) -> NoReturn:
    try:
        libc.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both; the parent decides
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        release_signals()
        try:
            lock_again()
            answer = _DONE + task()
        except errors.EscrowError as error:
            answer = _FAILED + json.dumps([type(error).__name__, str(error)]).encode()
        except BaseException as error:  # noqa: BLE001 - nothing may unwind into the parent's frames
            answer = _BROKEN + errors.place(error).encode()
        rest = memoryview(answer)
        while rest:
            rest = rest[os.write(writing, rest) :]
    finally:
        os._exit(0)


def _read_all(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, _CHUNK):
        chunks.append(chunk)
    return b"".join(chunks)


def _unpack(answer: bytes, exit_code: int) -> bytes:
    kind, content = answer[:1], answer[1:]
    if kind == _DONE:
        return content
    if kind == _FAILED:
        name, message = json.loads(content)
        raise getattr(errors, name)(message)
    reason = content.decode() if kind == _BROKEN else f"it ended with status {exit_code} without an answer"
    message = f"A worker process failed: {reason}. Run the command again; if it fails again, report this line."
    raise errors.WorkerError(message)
