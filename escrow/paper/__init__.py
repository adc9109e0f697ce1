"""Paper: `sheet` renders shares, `scan` reads them back, and `rescue` reads what is left of damaged ones."""
