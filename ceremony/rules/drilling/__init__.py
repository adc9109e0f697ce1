"""A drill: it is tried whether a quorum, a package and people are there. Its steps, and the rules that are its own."""
