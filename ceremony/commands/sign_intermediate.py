"""`escrow sign-intermediate`: a session of the root."""

from ceremony.commands.signing import session

command = session("sign-intermediate", "Have the root sign the request of a new intermediate, by PLAN.")
