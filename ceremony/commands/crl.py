"""`escrow crl`: a session of the root."""

from ceremony.commands.signing import session

command = session("crl", "Have the root sign a new CRL, by PLAN.")
