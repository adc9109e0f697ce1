"""Is this machine fit for the ceremony? One check for each thing that must hold; it writes nothing.

`run` is what is called; `machine` is what the checks look at, `checks` holds them, `show` lays the table out.
Nothing is imported here: `ids` alone costs a linter nothing.
"""
