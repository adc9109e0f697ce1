"""Paper: `sheet` renders shares, `scan` reads them back."""
