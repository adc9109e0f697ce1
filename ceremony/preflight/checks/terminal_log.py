"""Nobody writes down what the terminal shows: no recorder, no multiplexer, no connection from elsewhere."""

from ceremony.preflight.finding import Finding, check, failed, listed, passed
from ceremony.preflight.machine import Machine, UnreadableError

# The beginnings of names, as the kernel has them: what records a terminal, keeps it, or sends it away.
_RECORDERS = ("script", "tmux", "screen", "asciinema", "ttyrec", "termrec", "tlog", "sshd", "mosh-server", "in.telnetd")


@check(
    "terminal-log",
    requirement="Nothing records this terminal or shows it elsewhere.",
    measured="the programs above this one: /proc/PID/status",
    remedy="Leave script, tmux, screen or ssh, and start again at the machine's own console.",
)
def terminal_log(machine: Machine) -> Finding:
    """The programs from this one up to the first."""
    above = []
    seen = set()
    process = "self"
    while process != "0":
        if process in seen:
            message = "the programs above this one are not understood"
            raise UnreadableError(message)
        seen.add(process)
        fields = dict(line.split(":\t", 1) for line in machine.read(f"/proc/{process}/status").strip().split("\n"))
        above.append(fields["Name"])
        process = str(int(fields["PPid"]))
    found = [name for name in above if name.lower().startswith(_RECORDERS)]
    return failed(listed(found)) if found else passed(f"none among {listed(above)}")
