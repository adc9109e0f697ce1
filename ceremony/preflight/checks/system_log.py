"""The system's log is kept in memory: the names of programs, devices and print jobs are in it."""

import re

from ceremony.preflight.finding import Finding, check, failed, passed
from ceremony.preflight.machine import Machine

_LOG = "/var/log"
_OTHERS = ("syslog", "messages")
_MAIN = "/etc/systemd/journald.conf"
_ADDED = ("/usr/lib/systemd", "/run/systemd", "/etc/systemd")
_FOLDER = "journald.conf.d"


@check(
    "system-log",
    requirement="The system's log is not kept.",
    measured=f"the file system of {_LOG}, Storage in journald.conf",
    remedy=f"As root: write Storage=volatile below [Journal] in {_MAIN}; then systemctl restart systemd-journald",
)
def system_log(machine: Machine) -> Finding:
    """In memory anything may be written; on a disk, neither the journal nor another logger may write."""
    holder = machine.holder(_LOG)
    if holder.in_memory:
        return passed(f"in memory: {_LOG} is on {holder.kind}")
    others = [name for name in _OTHERS if machine.exists(f"{_LOG}/{name}")]
    if others:
        return failed(f"kept: {_LOG}/{others[0]} on {holder.kind}")
    storage = _storage(machine)
    return (
        passed(f"the journal's storage is {storage}")
        if storage in {"volatile", "none"}
        else failed(f"the journal's storage is {storage}")
    )


def _storage(machine: Machine) -> str:
    """What journald.conf(5) and the files added to it say, the last of them first."""
    added: dict[str, str] = {}
    for directory in _ADDED:
        if machine.exists(f"{directory}/{_FOLDER}"):
            added |= {name: f"{directory}/{_FOLDER}/{name}" for name in machine.names(f"{directory}/{_FOLDER}")}
    files = [_MAIN, *(path for name, path in sorted(added.items()) if name.endswith(".conf"))]
    found = [value for path in files for value in re.findall(r"^Storage=(\w+)\s*$", machine.read(path), re.MULTILINE)]
    return found[-1] if found else "automatic"
