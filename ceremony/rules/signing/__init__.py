"""A session in which a quorum lets the root sign one thing: its steps, and the rules that are its own."""
