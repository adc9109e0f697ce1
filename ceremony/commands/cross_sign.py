"""`escrow cross-sign`: a session of the root."""

from ceremony.commands.signing import session

command = session("cross-sign", "Have the root certify another CA's name and key, by PLAN.")
