"""The commands, one a module: parse, call the library, show."""
