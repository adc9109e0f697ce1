"""The custody register: who holds which share, since when, and what became of it.

events    what can happen to a set in the years after its ceremony, and when each may be noted
register  what follows from the events: every set, share and copy
status    what that means on a day: quorum margin, what is due, what could be lost or put together
later     the events that come from archives of later ceremonies
changes   what the events have in common
taking    which event an archive makes: entering (a set), signed (a session), drilled
book      the folder: a journal of events, and the register as a plain file that people read
plain     the register as that file
"""
