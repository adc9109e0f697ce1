"""The ids of all checks, in the order in which they are made and shown. A plan waives a check by its id."""

IDS = (
    "memory-lock",
    "self-tests",
    "tool",
    "random",
    "clock-zone",
    "clock-drift",
    "clock-day",
    "root-in-memory",
    "no-swap",
    "no-hibernation",
    "no-core-dumps",
    "no-fixed-disks",
    "no-network",
    "no-radio",
    "inventory",
    "no-virtual-machine",
    "lockdown",
    "secure-boot",
    "tracing",
    "printer",
    "print-spool",
    "print-history",
    "camera",
    "power",
    "shell-history",
    "terminal-log",
    "system-log",
)

NEVER_WAIVED = ("memory-lock", "self-tests")
"""Without these nothing else that the program promises holds."""
