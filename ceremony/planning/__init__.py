"""The plan: its file, its schema, what is unwise in it, and how one is written."""
