"""The ceremony that seals a CA: its steps, and the rules that are its own."""
