"""One file for each thing to check. A check is a pure function of the machine that is handed in."""
