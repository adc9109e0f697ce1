"""A ceremony held: the runner, what it asks, what it does, and the archive that it leaves."""
