"""The end that somebody outside asked for, by a signal or by closing the terminal."""


class Interrupted(BaseException):
    """Not KeyboardInterrupt, which click would catch and answer by writing to a terminal that may be gone."""


class CtrlC(Interrupted):
    """Ctrl-C, which may be a slip: whoever is being asked something is asked whether it was meant."""
