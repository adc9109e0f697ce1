"""Where the rehearsal spends its time, and what protecting the process costs."""

from collections.abc import Iterator

from measure import Line, duration, job, median_of_jobs, ratio, size

from escrow.memory.process import HARDENED_ENVIRONMENT

# What the library calls its stages, and what it does then. Anything else is shown under its own name.
_STAGES = {
    "Starting": "start Python, import the library",
    "Generating keys": "generate two keys",
    "After: Generating keys": "issue their certificates",
    "Splitting the wrapping key": "split the wrapping key, prove the shares",
    "After: Splitting the wrapping key": "seal the package, open it again",
    "Making share sheets": "render the sheets, read each back",
    "Taking pictures of the sheets": "rasterise the sheets, write PNG",
    "Reading pages": "scan the pictures",
    "Recombining every quorum": "recombine every quorum",
    "After: Recombining every quorum": "recombine one, open the package",
    "Encrypting keys": "encrypt the keys (PBKDF2)",
    "After: Encrypting keys": "write the restored tree",
    "Opening keys": "decrypt and compare the keys (PBKDF2)",
}
_WORTH_A_LINE = 0.005


def lines(*, quick: bool) -> Iterator[Line]:
    """Shares of the stages, then the rehearsal protected in part and wholly against one without protection."""
    plain, hardened, locked = [], [], []
    for _ in range(2 if quick else 7):  # in turn, so that disturbances fall on all of them
        plain.append(job("rehearsal"))
        hardened.append(job("rehearsal", env=HARDENED_ENVIRONMENT))
        locked.append(job("protected-rehearsal"))
    seconds, with_allocator, protected = (
        median_of_jobs(result["seconds"] for result in results) for results in (plain, hardened, locked)
    )
    whole = sum(seconds.values())
    for stage, used in seconds.items():
        if used >= _WORTH_A_LINE * whole:
            yield Line(f"{used / whole:.1%}", _STAGES.get(stage, stage), duration(used))
    rest = sum(used for used in seconds.values() if used < _WORTH_A_LINE * whole)
    yield Line(f"{rest / whole:.1%}", "everything else", duration(rest))
    yield ratio(
        sum(with_allocator.values()), whole, "rehearsal: allocator that overwrites what it frees / ordinary allocator"
    )
    yield ratio(
        sum(protected.values()),
        whole,
        "rehearsal: protect(), so the allocator, locked memory and a second start / none of it",
    )
    memory = median_of_jobs(result["locked"] for result in locked)
    yield Line(size(memory["first"]), "locked right after protect()", "a figure, not a ratio")
    yield Line(size(memory["most"]), "locked at most between stages of the rehearsal", "a figure, not a ratio")
