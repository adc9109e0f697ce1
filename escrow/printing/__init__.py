"""Where share sheets go: into files, to a queue of CUPS, or straight to a device."""

from escrow.printing.destination import SHEET, Attend, Destination, Files, Printer, Printouts, Write, public
from escrow.printing.device import Device
from escrow.printing.queue import Queue

__all__ = ["SHEET", "Attend", "Destination", "Device", "Files", "Printer", "Printouts", "Queue", "Write", "public"]
