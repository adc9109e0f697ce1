"""Issue a CA: profiles say what each certificate is to be, `make` makes keys and certificates of them.

profile   what a certificate is to say; `step ca init`'s profile as one of them
validity  from a start and a number of years or days to the first and the last second
naming    subjects and name constraints, from text and to X.509
draft     everything of a certificate but its signature
signing   sign drafts: with a throw-away key, and with the real one
lints     what speaks against a certificate: our own, and pkilint
request   read what somebody else made: a request, another CA's certificate
subordinate  one more certificate under a root that there is already
revocation   the root's list of what it has revoked
hierarchy whether certificates fit each other
fields    what is planned and what was issued, in the same words, for comparing
"""
