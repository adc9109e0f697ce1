"""`python -m ceremony` is the program `escrow`."""

from ceremony.cli import main

main()
