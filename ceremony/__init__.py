"""The workflow around the library: the command line, the console. No cryptography here."""
