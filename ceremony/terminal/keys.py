"""What a terminal sends for each key: bytes in, strokes out, one at a time."""

from escrow.entry import Key, Stroke

_ESCAPE = 0x1B
_PRINTABLE = range(0x21, 0x7F)
_SINGLE = {
    0x04: Key.END,  # Ctrl-D
    0x08: Key.BACKSPACE,
    0x09: Key.TAB,
    0x0A: Key.ENTER,
    0x0D: Key.ENTER,
    0x12: Key.SHOW,  # Ctrl-R
    0x15: Key.CLEAR,  # Ctrl-U
    0x20: Key.BLANK,
    0x7F: Key.BACKSPACE,
}
# What follows ESC [ or ESC O, for xterm and its kind, and for the console of Linux.
_SEQUENCES = {
    "A": Key.UP,
    "B": Key.DOWN,
    "C": Key.RIGHT,
    "D": Key.LEFT,
    "Q": Key.SHOW,  # F2
    "12~": Key.SHOW,
    "[B": Key.SHOW,
    "200~": Key.PASTE_BEGINS,
    "201~": Key.PASTE_ENDS,
}
_LONGEST = 16


class Keys:
    """Puts escape sequences together. It keeps nothing but the beginning of one."""

    def __init__(self) -> None:
        self._sequence: str | None = None  # what came after ESC, if one is under way

    def take(self, byte: int) -> Stroke | None:
        """The key that this byte completes, if any; keys that nobody needs are none."""
        if byte == _ESCAPE:
            self._sequence = ""
            return None
        if self._sequence is None:
            return byte if byte in _PRINTABLE else _SINGLE.get(byte)
        return self._go_on(self._sequence, byte)

    def _go_on(self, sequence: str, byte: int) -> Stroke | None:
        if not sequence and byte not in b"[O":
            self._sequence = None  # a lone ESC, and then another key
            return self.take(byte)
        self._sequence = sequence + chr(byte)
        inside = self._sequence[1:]
        if not inside or byte in b"0123456789;" or inside == "[":
            if len(inside) > _LONGEST:
                self._sequence = None
            return None
        self._sequence = None
        return _SEQUENCES.get(inside)
