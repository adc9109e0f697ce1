"""The list of all checks, and what they compare the machine with."""

from dataclasses import dataclass
from datetime import timedelta

from ceremony.preflight.checks.camera import camera
from ceremony.preflight.checks.clock import Day, clock_day_check, clock_drift_check, clock_zone
from ceremony.preflight.checks.core_dumps import core_dumps
from ceremony.preflight.checks.fixed_disks import fixed_disks
from ceremony.preflight.checks.hardware import hardware_check
from ceremony.preflight.checks.hibernation import hibernation
from ceremony.preflight.checks.lockdown import lockdown
from ceremony.preflight.checks.memory_lock import memory_lock
from ceremony.preflight.checks.network import network
from ceremony.preflight.checks.power import power
from ceremony.preflight.checks.printer import printer
from ceremony.preflight.checks.printing import print_history, print_spool
from ceremony.preflight.checks.radio import radio
from ceremony.preflight.checks.randomness import randomness
from ceremony.preflight.checks.root import root
from ceremony.preflight.checks.secure_boot import secure_boot
from ceremony.preflight.checks.self_tests import self_tests
from ceremony.preflight.checks.shell_history import shell_history
from ceremony.preflight.checks.swap import swap
from ceremony.preflight.checks.system_log import system_log
from ceremony.preflight.checks.terminal_log import terminal_log
from ceremony.preflight.checks.tool import tool_check
from ceremony.preflight.checks.tracing import tracing
from ceremony.preflight.checks.virtual_machine import virtual_machine
from ceremony.preflight.finding import Check, not_needed
from ceremony.preflight.inventory import Inventory


@dataclass(frozen=True)
class Expected:
    """What plan and people say this machine should be; each may be missing, and then it is only shown.

    `drifts` says, for each person who typed the time, how far the clock was off.
    """

    inventory: Inventory | None = None
    tool_words: tuple[str, ...] = ()
    drifts: tuple[timedelta, ...] = ()
    day: Day | None = None
    prints: bool = True
    """Whether the ceremony prints anything: beside a key that signs or is brought back there is no printer."""


def checks(expected: Expected) -> tuple[Check, ...]:
    """All checks, in the order of `ceremony.preflight.ids.IDS`."""
    return (
        memory_lock,
        self_tests,
        tool_check(expected.tool_words),
        randomness,
        clock_zone,
        clock_drift_check(expected.drifts),
        clock_day_check(expected.day),
        root,
        swap,
        hibernation,
        core_dumps,
        fixed_disks,
        network,
        radio,
        hardware_check(expected.inventory),
        virtual_machine,
        lockdown,
        secure_boot,
        tracing,
        *(each if expected.prints else not_needed(each) for each in (printer, print_spool, print_history)),
        camera,
        power,
        shell_history,
        terminal_log,
        system_log,
    )
