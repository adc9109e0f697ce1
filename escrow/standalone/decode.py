#!/usr/bin/env python3
"""Open a step-ca escrow package with a quorum of its shares. One file; Python 3.8 or newer and nothing else.

    python3 decode.py package.escrow share1.txt share2.txt ... --out /dev/shm/keys.zip

Each FILE is text, '-' is standard input, and what is in a file is recognised by itself. Any mixture of
  - the package file, or instead of it the codes of the package sheets, one a line:   PKG1:...
  - the QR code of a share sheet:                                                     ESCR1:...  (SPEC1: for practice)
  - the words of a share sheet, 8 rows of 8, with or without the row numbers and the ninth word of each row that
    checks it; write ? for a word that cannot be read. Up to 8 wrong or 16 illegible words of a share are mended
  - the two lines of a share sheet:   left  2-<32 hex digits>   and   right 2-<32 hex digits>
In text of words, lines that begin with # are comments.

Everything is checked in this order, and nothing is written before the last check: the package's hash; each share's
checksum, set and commitment; the quorum; the key that it gives; the key wrap and the authentication tag of the
package; that the description inside is the one outside. Exit status 0 done, 1 something is wrong, 2 wrong usage.

WHAT THIS PROGRAM DOES NOT DO. It is for emergencies. It does not lock memory: keys may reach the swap space, so use
a computer without swap, without a network, that you destroy or wipe afterwards. Its arithmetic takes a time that
depends on the keys. It does not compare the keys with the certificates: do that with openssl pkey and openssl x509.
It writes the private keys UNENCRYPTED: write them to memory (/dev/shm), and encrypt them as README.txt inside says.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import io
import json
import os
import re
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Dict, Iterable, NamedTuple, NoReturn, Sequence, Tuple

# Bytewords (Blockchain Commons, BCR-2020-012), in the order of the bytes 0 to 255 that they stand for.
WORDS = """
able acid also apex aqua arch atom aunt away axis back bald barn belt beta bias blue body brag brew bulb buzz calm cash
cats chef city claw code cola cook cost crux curl cusp cyan dark data days deli dice diet door down draw drop drum dull
duty each easy echo edge epic even exam exit eyes fact fair fern figs film fish fizz flap flew flux foxy free frog fuel
fund gala game gear gems gift girl glow good gray grim guru gush gyro half hang hard hawk heat help high hill holy hope
horn huts iced idea idle inch inky into iris iron item jade jazz join jolt jowl judo jugs jump junk jury keep keno kept
keys kick kiln king kite kiwi knob lamb lava lazy leaf legs liar limp lion list logo loud love luau luck lung main many
math maze memo menu meow mild mint miss monk nail navy need news next noon note numb obey oboe omit onyx open oval owls
paid part peck play plus poem pool pose puff puma purr quad quiz race ramp real redo rich road rock roof ruby ruin runs
rust safe saga scar sets silk skew slot soap solo song stub surf swan taco task taxi tent tied time tiny toil tomb toys
trip tuna twin ugly undo unit urge user vast very veto vial vibe view visa void vows wall wand warm wasp wave waxy webs
what when whiz wolf work yank yawn yell yoga yurt zaps zero zest zinc zone zoom
""".split()  # noqa: SIM905 - a list literal would be 256 lines
PARITY_WORDS = 16
KINDS = {0x01: ("ESCR1:", "production"), 0x81: ("SPEC1:", "specimen")}  # by the first byte of a share

Values = Dict[Tuple[int, int], bytes]  # the 32 bytes of each share by (group, number), or of a group by (0, number)


class WrongError(Exception):
    """Something given is wrong; the message says what, and what to do."""


class Share(NamedTuple):
    """A share as it was read. The lines for ssss have no record: they do not say set, group and threshold."""

    where: str
    record: bytes | None  # 48 bytes: version, set id (8), group, x, k, value (32), CRC-32
    x: int
    value: bytes


def fail(message: str) -> NoReturn:
    """Give up with a message for people."""
    raise WrongError(message)


def say(text: str) -> None:
    """Tell the person something; standard output stays empty."""
    print(text, file=sys.stderr)


# ---- Reed-Solomon over GF(256), modulo x^8 + x^4 + x^3 + x^2 + 1: the words of a share, the codes of a package

EXP = [1]
while len(EXP) < 255:
    EXP.append((EXP[-1] << 1) ^ (0x11D if EXP[-1] & 0x80 else 0))
LOG = {value: power for power, value in enumerate(EXP)}
TABLES = [bytes(EXP[(LOG[a] + LOG[b]) % 255] if a and b else 0 for b in range(256)) for a in range(256)]


def add(a: bytes, b: bytes) -> bytes:
    """The sum of two rows, byte by byte."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def solve(matrix: Sequence[Sequence[int]], right: Sequence[bytes]) -> list[bytes] | None:
    """Gauss: the rows x with matrix * x = right; None unless there is exactly one solution."""
    rows = [(bytes(row), value) for row, value in zip(matrix, right)]
    unknowns = len(matrix[0]) if matrix else 0
    for column in range(unknowns):
        pivot = next((n for n in range(column, len(rows)) if rows[n][0][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        inverse = TABLES[EXP[-LOG[rows[column][0][column]] % 255]]
        own = (rows[column][0].translate(inverse), rows[column][1].translate(inverse))
        for n, other in enumerate(rows):
            left, value = (part.translate(TABLES[other[0][column]]) for part in own)
            rows[n] = own if n == column else (add(other[0], left), add(other[1], value))
    return None if any(any(value) for _, value in rows[unknowns:]) else [value for _, value in rows[:unknowns]]


def repair(rows: Sequence[bytes], parity: int, lost: Sequence[int], *, mistakes: bool) -> list[bytes]:
    """The codeword of which these are the symbols, those at the indices `lost` being unknown; empty if there is none.

    Each row holds one symbol of many codewords side by side. With `mistakes` (one codeword only) other symbols may
    be wrong too, as many as half the parity that the lost ones leave.
    """
    last, zero = len(rows) - 1, bytes(len(rows[0]))
    rows = [zero if index in lost else row for index, row in enumerate(rows)]
    syndromes = [zero] * parity
    for power in range(parity):
        for index, row in enumerate(rows):
            syndromes[power] = add(syndromes[power], row.translate(TABLES[EXP[power * (last - index) % 255]]))
    for errors in range((parity - len(lost)) // 2 + 1 if mistakes else 1):
        unknown = [*lost, *find_mistakes(syndromes, last, lost, errors)]
        equations = [[EXP[power * (last - index) % 255] for index in unknown] for power in range(parity)]
        found = solve(equations, syndromes) if len(unknown) == len(lost) + errors else None
        if found is not None:
            mended = dict(zip(unknown, found))
            return [add(row, mended.get(index, zero)) for index, row in enumerate(rows)]
    return []


def find_mistakes(syndromes: Sequence[bytes], last: int, lost: Sequence[int], errors: int) -> list[int]:
    """The indices of so many wrong symbols, if there are so many (Peterson, Gorenstein, Zierler)."""
    blind = [row[0] for row in syndromes]  # in the end, these do not see the lost symbols any more
    for index in lost:
        blind = [s ^ TABLES[EXP[last - index]][before] for s, before in zip(blind, [0, *blind])]
    places = range(len(lost) + errors, len(blind))
    equations = [[blind[place - step] for step in range(1, errors + 1)] for place in places]
    locator = solve(equations, [bytes([blind[place]]) for place in places])
    wrong = []
    for index in range(last + 1 if locator else 0):
        value = 1
        for step, coefficient in enumerate(locator or [], 1):
            value ^= TABLES[EXP[-step * (last - index) % 255]][coefficient[0]]
        wrong += [] if value or index in lost else [index]
    return wrong


# ---- Shamir over GF(2^128), modulo x^128 + x^7 + x^2 + x + 1, as ssss does it: p(x) = x^k + ... + secret


def multiply(a: int, b: int) -> int:
    """The product of two field elements."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a >> 128:
            a ^= (1 << 128) | 0x87
        b >>= 1
    return product


def raise_to(base: int, exponent: int) -> int:
    """A field element to a power; to 2^128 - 2 it is its inverse."""
    result = 1
    while exponent:
        if exponent & 1:
            result = multiply(result, base)
        base, exponent = multiply(base, base), exponent >> 1
    return result


def interpolate(points: dict[int, bytes], at: int) -> bytes:
    """The 32 bytes at index `at` (0 is the secret) from exactly k shares of 32 bytes: two lanes of 16."""
    k = len(points)
    if k == 1:
        return next(iter(points.values()))  # a group of one holds its part itself
    lanes = []
    for start in (0, 16):
        total = raise_to(at, k)
        for x, value in points.items():
            top, bottom = 1, 1
            for other in points:
                if other != x:
                    top, bottom = multiply(top, at ^ other), multiply(bottom, x ^ other)
            y = int.from_bytes(value[start : start + 16], "big") ^ raise_to(x, k)
            total ^= multiply(y, multiply(top, raise_to(bottom, (1 << 128) - 2)))
        lanes.append(total.to_bytes(16, "big"))
    return b"".join(lanes)


def combine(points: dict[int, bytes], k: int, name: str) -> bytes:
    """The secret from k or more shares; those beyond k must lie on the same polynomial. `name` has {} for a number."""
    chosen = {x: points[x] for x in sorted(points)[:k]}
    for x, value in points.items():
        if x not in chosen and interpolate(chosen, x) != value:
            fail(f"{name.format(x)} contradicts the others: the set was made wrongly. Try again without it.")
    return interpolate(chosen, 0)


# ---- AES-256 (FIPS 197), key wrap (RFC 3394), GCM (NIST SP 800-38D), and the DER around them (RFC 5083)


def double(a: int) -> int:
    """A byte times x, in the field of AES."""
    return (a << 1) ^ (0x11B if a & 0x80 else 0)


def make_sbox() -> bytes:
    """The S-box: the inverse in the field of AES, through the powers of 3, then an affine map."""
    powers = [1]
    while len(powers) < 255:
        powers.append(powers[-1] ^ double(powers[-1]))
    box = []
    for byte in range(256):
        inverse, value = powers[-powers.index(byte) % 255] if byte else 0, 0x63
        for shift in range(5):
            value ^= (inverse << shift | inverse >> (8 - shift)) & 0xFF
        box.append(value)
    return bytes(box)


SBOX = make_sbox()
UNSBOX = bytes(SBOX.index(byte) for byte in range(256))
SHIFT = [(n + 4 * (n % 4)) % 16 for n in range(16)]  # where each byte of a state comes from
UNSHIFT = [SHIFT.index(n) for n in range(16)]


class Aes:
    """AES with a 256-bit key."""

    def __init__(self, key: bytes) -> None:
        words, constant = [key[n : n + 4] for n in range(0, 32, 4)], 1
        for n in range(8, 60):
            word = words[-1]
            if n % 8 == 0:
                word = add((word[1:] + word[:1]).translate(SBOX), bytes([constant, 0, 0, 0]))
                constant = double(constant)
            elif n % 8 == 4:
                word = word.translate(SBOX)
            words.append(add(words[n - 8], word))
        self.rounds = [b"".join(words[n : n + 4]) for n in range(0, 60, 4)]

    def encrypt(self, block: bytes) -> bytes:
        """One block of 16 bytes."""
        state = add(block, self.rounds[0])
        for number, key in enumerate(self.rounds[1:], 1):
            state = state.translate(SBOX)
            state = bytes(state[n] for n in SHIFT)
            state = add(mix(state) if number < 14 else state, key)
        return state

    def decrypt(self, block: bytes) -> bytes:
        """The inverse of `encrypt`."""
        state = block
        for number in range(14, 0, -1):
            state = add(state, self.rounds[number])
            if number < 14:
                state = mix(mix(mix(state)))  # MixColumns four times is the identity
            state = bytes(state[n] for n in UNSHIFT).translate(UNSBOX)
        return add(state, self.rounds[0])


def mix(state: bytes) -> bytes:
    """MixColumns."""
    mixed = []
    for column in range(0, 16, 4):
        a = state[column : column + 4]
        every = a[0] ^ a[1] ^ a[2] ^ a[3]
        mixed += [a[n] ^ every ^ double(a[n] ^ a[(n + 1) % 4]) for n in range(4)]
    return bytes(mixed)


def unwrap(key: bytes, wrapped: bytes) -> bytes | None:
    """The key inside an RFC 3394 key wrap; None if it does not fit."""
    aes, check = Aes(key), wrapped[:8]
    blocks = [wrapped[n : n + 8] for n in range(8, len(wrapped), 8)]
    for step in range(6 * len(blocks), 0, -1):
        n = (step - 1) % len(blocks)
        plain = aes.decrypt(add(check, step.to_bytes(8, "big")) + blocks[n])
        check, blocks[n] = plain[:8], plain[8:]
    return b"".join(blocks) if hmac.compare_digest(check, b"\xa6" * 8) else None


def open_gcm(key: bytes, nonce: bytes, content: bytes, tag: bytes) -> bytes | None:
    """The plaintext of AES-GCM without additional data; None if the tag does not fit."""
    aes = Aes(key)
    h, digest = int.from_bytes(aes.encrypt(bytes(16)), "big"), 0
    padded = content + bytes(-len(content) % 16) + bytes(8) + (8 * len(content)).to_bytes(8, "big")
    for start in range(0, len(padded), 16):
        x, product = digest ^ int.from_bytes(padded[start : start + 16], "big"), 0
        v = h
        for bit in range(127, -1, -1):
            product ^= v if x >> bit & 1 else 0
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        digest = product
    if not hmac.compare_digest(add(aes.encrypt(nonce + b"\0\0\0\1"), digest.to_bytes(16, "big")), tag):
        return None
    stream = b"".join(aes.encrypt(nonce + n.to_bytes(4, "big")) for n in range(2, 2 + -(-len(content) // 16)))
    return add(content, stream[: len(content)])


def leaves(der: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents of everything in DER that has no parts itself, in order."""
    found: list[tuple[int, bytes]] = []
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        if start + length > len(der):
            fail("The package's encrypted part is cut off. Use another copy.")
        content, der = der[start : start + length], der[start + length :]
        found += leaves(content) if tag & 0x20 else [(tag, content)]
    return found


# ---- What is given: a package or its codes, shares in three forms


def package_of_codes(codes: Iterable[str]) -> bytes:
    """The package from the codes of its sheets: PKG1:PACKAGE:NUMBER:DATA:ALL:LENGTH:PAYLOAD:CRC."""
    rows: dict[int, bytes] = {}
    heads = set()
    for code in codes:
        match = re.fullmatch(r"PKG1:([0-9A-F]{16}):(\d+):(\d+):(\d+):(\d+):((?:[A-Z2-7]{8})+):([0-9A-F]{8})", code)
        if not match or zlib.crc32(code[:-9].encode()) != int(match[7], 16):
            fail(f"The code {code[:36]}... was misread (its checksum) or is cut off. Scan it again, or leave it out.")
        heads.add((match[1], int(match[3]), int(match[4]), int(match[5])))
        row = base64.b32decode(match[6])
        if len(heads) > 1 or rows.setdefault(int(match[2]), row) != row:
            fail(f"The code {code[:36]}... contradicts the others. Give the codes of one package only.")
    name, data, total, length = heads.pop()
    size = -(-length // (data * 5)) * 5 if data else 0
    if not data <= total <= 255 or not all(1 <= n <= total and len(row) == size for n, row in rows.items()):
        fail("The numbers in the codes of the package contradict each other: they were changed.")
    lost = [number for number in range(1, total + 1) if number not in rows]
    if len(rows) < data:
        fail(f"{len(rows)} codes of the package are there, {data} are needed: any {data - len(rows)} more of {lost}.")
    ordered = [rows.get(number, bytes(size)) for number in range(1, total + 1)]
    whole = repair(ordered, total - data, [number - 1 for number in lost], mistakes=False)
    text = b"".join(whole[:data])[:length]
    if hashlib.sha256(text).hexdigest()[:16].upper() != name:
        fail("The codes do not give the package that they name: at least one was changed. Use another copy.")
    return text


def record_of_words(where: str, words: Sequence[str]) -> bytes:
    """The 48 bytes in 64 words, and a message about every mistake that was mended."""
    lost = [index for index, word in enumerate(words) if word not in WORDS]
    rows = [bytes([WORDS.index(word) if word in WORDS else 0]) for word in words]
    mended = repair(rows, PARITY_WORDS, lost, mistakes=True) if len(lost) <= PARITY_WORDS else []
    if not mended:
        fail(f"{where}: too many words are wrong or illegible; 8 wrong or 16 illegible ones (write ?) can be mended.")
    for index, (given, row) in enumerate(zip(words, mended)):
        if WORDS[row[0]] != given:
            say(f"{where}: row {index // 8 + 1}, word {index % 8 + 1}: {given} was mended to {WORDS[row[0]]}.")
    return b"".join(mended)[:48]


def records_of_words(where: str, text: str) -> list[bytes]:
    """The records in blocks of 64 words, or of 72 of which each ninth checks its row and is not needed."""
    words = [word.lower() for word in re.findall(r"[A-Za-z?*_]+", text)]
    if len(words) % 72 == 0:
        words = [word for index, word in enumerate(words) if index % 9 < 8]
    elif len(words) % 64:
        fail(f"{where}: {len(words)} words. A share has 64, or 72 with the check words; write ? for an illegible one.")
    return [record_of_words(where, words[start : start + 64]) for start in range(0, len(words), 64)]


def read_shares(where: str, text: str) -> Iterable[Share]:
    """Every share in a text, in whatever form."""

    def take(pattern: str) -> list[tuple[str, ...]]:
        nonlocal text
        found = [match.groups() for match in re.finditer(pattern, text, re.IGNORECASE)]
        text = re.sub(pattern, " ", text, flags=re.IGNORECASE)
        return found

    records = []
    for prefix, body in take(r"\b((?:ESCR|SPEC)\d+:)([A-Z0-9]*)"):
        canonical = len(body) == 77 and re.fullmatch("[A-Z2-7]+", body.upper())
        record = base64.b32decode(body.upper() + "===") if canonical else b"?"
        if KINDS.get(record[0], ("",))[0] != prefix.upper():
            fail(f"{where}: the code {prefix}... is cut off, changed, or not of version 1. Scan it again.")
        records.append(record)
    lines = take(r"\b(left|right)\b[\s:]*(\d{1,3})-([0-9a-f]{32})\b")
    text = re.sub(r"(?m)^\s*#.*$|\bQR-Code:", " ", text)
    if re.search(r"\b(left|right)\b", text, re.IGNORECASE):
        fail(f"{where}: a line that begins with left or right is not NUMBER-<32 hex digits>. Look at the sheet.")
    records += records_of_words(where, text)
    for record in dict.fromkeys(records):  # a sheet carries its code more than once
        if zlib.crc32(record[:44]) != int.from_bytes(record[44:], "big"):
            fail(f"{where}: the checksum of share {record[10]} does not fit: something was misread. Read it again.")
        yield Share(where, record, record[10], record[12:44])
    for x in sorted({int(number) for _, number, _ in lines}):
        left, right = (
            [bytes.fromhex(digits) for side, number, digits in lines if (side.lower(), int(number)) == (wanted, x)]
            for wanted in ("left", "right")
        )
        if len(left) != len(right):
            fail(f"{where}: of share {x} there is only one of the two lines, left and right.")
        yield from (Share(where, None, x, one + two) for one, two in zip(left, right))


# ---- The package


class Package:
    """What is known of a package before it is opened."""

    def __init__(self, data: bytes) -> None:
        if b"\r" in data:
            fail("The package's line endings were converted. Undo it with: tr -d '\\r'")
        text, _, digest = data.rpartition(b"SHA-256 of everything above this line: ")
        if digest != hashlib.sha256(text).hexdigest().encode() + b"\n":
            fail("The package is damaged or cut off: the hash in its last line does not fit. Use another copy.")
        self.manifest: bytes = re.findall(b"(?s)==== MANIFEST ====\n(.*?)==== END OF MANIFEST ====", text)[0]
        self.cms = leaves(base64.b64decode(re.findall(b"(?s)-----BEGIN CMS-----\n(.*?)-----END CMS-----", text)[0]))
        self.set_id = hashlib.sha256(self.manifest).digest()[:16]
        fields = json.loads(self.manifest)
        if fields["format"] != "step-ca escrow manifest" or fields["version"] != 1:
            fail("The package is of a version that this program does not know. Use the decoder that came with it.")
        self.ca, self.kind, self.key_check = fields["ca"], fields["kind"], bytes.fromhex(fields["key_check"])
        self.older = {old["set_id"][:16]: old["epoch"] for old in fields["supersedes"]}
        self.threshold = fields["policy"]["threshold"]
        self.groups = [(group["threshold"], group["shares"]) for group in fields["policy"]["groups"]]
        self.commitments = fields["commitments"]
        self.members = {"README.txt", "manifest.json", *fields["files"], *(key["file"] for key in fields["keys"])}

    def quorum(self) -> str:
        """The policy in words."""
        groups = ", ".join(f"{k} of {n}" for k, n in self.groups)
        return groups if len(self.groups) == 1 else f"{self.threshold} of {len(self.groups)} groups ({groups})"

    def name(self, x: int | str, group: int | None) -> str:
        """What people call a share: its number, with the group's where there are several and it is known."""
        return f"{x} of group {group}" if len(self.groups) > 1 and group else f"{x}"

    def place(self, share: Share) -> tuple[int, int] | str:
        """The group and number of a share, or what is wrong with it."""
        groups = range(1, len(self.groups) + 1)
        if share.record:
            version, name, group, k = share.record[0], share.record[1:9].hex(), share.record[9], share.record[11]
            _, kind = KINDS.get(version, ("", "of an unknown version"))
            if kind != self.kind:
                return f"it is {kind} and the package is {self.kind}."
            if name in self.older:
                return f"it belongs to epoch {self.older[name]}, which this one superseded. Look for the newer sheet."
            if name != self.set_id[:8].hex():
                return f"it belongs to another set ({name}); this package's is {self.set_id[:8].hex()}."
            if group not in groups or self.groups[group - 1][0] != k:
                return f"it says group {group} and threshold {k}, which the package does not have: it was changed."
            groups = range(group, group + 1)
        for group in groups:
            k, n = self.groups[group - 1]
            x = 1 if n == 1 and not share.record and share.x == group else share.x  # its lines bear the group's number
            if 1 <= x <= n:
                label = b"step-ca escrow v1 share commitment\0" + bytes([group, x, k])
                if hashlib.sha256(label + share.value).hexdigest() == self.commitments[group - 1][x - 1]:
                    return group, x
        return "it does not fit its commitment in the package: it is misread, mistyped, or of another set."

    def missing(self, values: Values) -> int:
        """How many more shares a quorum needs at least."""
        lacking = [max(0, k - sum(g == group for g, _ in values)) for group, (k, _) in enumerate(self.groups, 1)]
        return sum(sorted(lacking)[: self.threshold])

    def key(self, values: Values) -> bytes:
        """The wrapping key from a quorum."""
        parts = {}
        for group, (k, _) in enumerate(self.groups, 1):
            points = {x: value for (g, x), value in values.items() if g == group}
            if len(points) >= k:
                parts[group] = combine(points, k, "Share " + self.name("{}", group))
        key = combine(parts, self.threshold, "Group {}")
        if not hmac.compare_digest(hashlib.sha256(b"step-ca escrow v1 key check\0" + key).digest(), self.key_check):
            fail("Every share fits, but not the key that they give: the set was made wrongly.")
        return key

    def open(self, key: bytes) -> bytes:
        """The ZIP archive inside."""
        tags = [tag for tag, _ in self.cms]
        values = [value for _, value in self.cms]
        wrap, gcm = bytes.fromhex("60864801650304012d"), bytes.fromhex("60864801650304012e")
        if tags != [6, 2, 2, 4, 6, 4, 6, 6, 4, 2, 0x80, 4] or (values[4], values[7]) != (wrap, gcm):
            fail("The package's encrypted part is not what this format has (RFC 5083, AES-256): use another copy.")
        if values[3] != self.set_id:
            fail("The encrypted part belongs to another set than the manifest: the package was put together wrongly.")
        content_key = unwrap(key, values[5])
        archive = content_key and open_gcm(content_key, values[8], values[10], values[11])
        if not archive:
            fail("The package's encrypted part is damaged: its tag does not fit. Use another copy.")
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            if members.read("manifest.json") != self.manifest or set(members.namelist()) != self.members:
                fail("What is inside the package is not what its manifest says: it was tampered with.")
        return archive


def decode(inputs: Iterable[tuple[str, bytes]]) -> bytes:
    """The ZIP archive from everything that was given, by name."""
    packages, codes, texts = set(), [], []
    for where, data in inputs:
        if data.startswith(b"STEP-CA ESCROW PACKAGE"):
            packages.add(data)
            continue
        text = data.decode("utf-8", "replace")
        codes += re.findall(r"\bPKG\d+:[0-9A-Z:]+", text)
        texts.append((where, re.sub(r"(QR-Code:)?\bPKG\d+:[0-9A-Z:]+", " ", text)))
    packages |= {package_of_codes(codes)} if codes else set()
    if len(packages) != 1:
        fail("Give one package, as its file or as its codes." if packages else "No package was given, file or codes.")
    package = Package(packages.pop())
    say(f"Package of {package.ca}, {package.kind}, set {package.set_id.hex()}; a quorum is {package.quorum()}.")
    values: Values = {}
    wrong = []
    for where, text in texts:
        for share in read_shares(where, text):
            place = package.place(share)
            if isinstance(place, str):
                name = package.name(share.x, share.record[9] if share.record else None)
                wrong.append(f"{where}: share {name}: {place}")
            else:
                values[place] = share.value
                group, x = place
                say(f"{where}: share {package.name(x, group)} is valid.")
    if wrong:
        fail("\n".join([*wrong, "The valid shares are not lost. Correct what is wrong, or leave it out."]))
    if package.missing(values):
        fail(f"{package.missing(values)} more of the shares are needed: a quorum is {package.quorum()}.")
    return package.open(package.key(values))


def write_new(path: Path, content: bytes) -> None:
    """Write a file that was not there before; after an error none is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        path.unlink()
        raise


def main() -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(description="Open a step-ca escrow package with a quorum of its shares.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="package, codes, shares; - is standard input")
    parser.add_argument("--out", required=True, metavar="KEYS.ZIP", help="what to write; never over another file")
    arguments = parser.parse_args()
    try:
        archive = decode((f, sys.stdin.buffer.read() if f == "-" else Path(f).read_bytes()) for f in arguments.files)
        write_new(Path(arguments.out), archive)
    except (WrongError, OSError) as error:
        say(f"decode.py: {error}")
        return 1
    except (ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        say(f"decode.py: something is damaged in a way nobody foresaw ({type(error).__name__}). Use another copy.")
        return 1
    say(f"{arguments.out}: private keys, NOT ENCRYPTED. Unzip it in memory, follow README.txt in it, destroy it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
