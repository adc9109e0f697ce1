"""A refresh: keys that an old set gives back are sealed into a new one. Its steps, and the rules that are its own."""
