"""A reissue: a quorum of one group makes one lost share again. Its steps, and the rules that are its own."""
