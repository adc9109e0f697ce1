"""The custody register: who holds which share, since when, and what became of it.

events    what can happen to a set in the years after its ceremony, and when each may be noted
register  what follows from the events: every set, share and copy
status    what that means on a day: quorum margin, what is due, what could be lost or put together
entering  the set of a ceremony's archive, as the first event
book      the folder: a journal of events, and the register as a plain file that people read
plain     the register as that file
"""
