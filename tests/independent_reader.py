"""A second reader of the format, written from escrow/FORMAT.md and nothing else.

It shares no code with the library: it is made of the standard library, and `openssl` to decrypt. What it reads, a
stranger can read. It checks what FORMAT.md tells a reader to check, and raises RefusedError where that says "refuse";
only SSH public keys, the trial signature and the chain of the certificates ("Opening", 8 and 9) are left out.
"""

import base64
import hashlib
import json
import re
import ssl
import struct
import subprocess
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = Path(__file__).parent.parent / "escrow" / "FORMAT.md"


class RefusedError(Exception):
    """The input is not what the format says."""


def need(holds: object, what: str) -> None:
    """Refuse unless something holds."""
    if not holds:
        raise RefusedError(what)


# Fields


def multiply(a: int, b: int, modulus: int) -> int:
    """The product of two elements of GF(2^m), for a modulus of degree m."""
    top, product = 1 << (modulus.bit_length() - 1), 0
    while b:
        product ^= a if b & 1 else 0
        a <<= 1
        a ^= modulus if a & top else 0
        b >>= 1
    return product


def power(a: int, exponent: int, modulus: int) -> int:
    """An element to a power."""
    result = 1
    while exponent:
        result = multiply(result, a, modulus) if exponent & 1 else result
        a = multiply(a, a, modulus)
        exponent >>= 1
    return result


def divide(a: int, b: int, modulus: int) -> int:
    """A quotient: b to the power 2^m - 2 is its inverse."""
    return multiply(a, power(b, (1 << (modulus.bit_length() - 1)) - 2, modulus), modulus)


def evaluate(coefficients: Sequence[int], x: int, modulus: int) -> int:
    """The polynomial with these coefficients, constant first, at x."""
    result = 0
    for coefficient in reversed(coefficients):
        result = multiply(result, x, modulus) ^ coefficient
    return result


# Splitting, groups, commitments

SHAMIR = 1 << 128 | 1 << 7 | 1 << 2 | 1 << 1 | 1


def split(secret: bytes, k: int, n: int, coefficients: Sequence[Sequence[int]]) -> dict[int, bytes]:
    """The shares of 32 bytes, for given coefficients a_1 to a_(k-1) of both lanes."""
    if n == 1:
        return {1: secret}
    polynomials = [[lane, *a, 1] for lane, a in zip(lanes(secret), coefficients, strict=True)]
    need(all(len(polynomial) == k + 1 for polynomial in polynomials), "k - 1 coefficients")
    return {x: join(evaluate(polynomial, x, SHAMIR) for polynomial in polynomials) for x in range(1, n + 1)}


def point(shares: Mapping[int, bytes], k: int, x: int) -> bytes:
    """The polynomials of k shares at x: at 0, what was split; elsewhere, another share."""
    need(len(shares) == k, "exactly k shares")
    if k == 1:
        return shares[1]
    sums = [power(x, k, SHAMIR)] * 2
    for i, value in shares.items():
        weight = 1
        for j in shares:
            weight = multiply(weight, divide(j ^ x, i ^ j, SHAMIR), SHAMIR) if j != i else weight
        for number, lane in enumerate(lanes(value)):
            sums[number] ^= multiply(lane ^ power(i, k, SHAMIR), weight, SHAMIR)
    return join(sums)


def recombine(shares: Mapping[int, bytes], k: int, what: str) -> bytes:
    """What was split, from k shares or more, which must agree."""
    need(len(shares) >= k, f"{what}: more shares are needed")
    chosen = {x: shares[x] for x in sorted(shares)[:k]}
    for x, value in shares.items():
        need(x in chosen or point(chosen, k, x) == value, f"{what}: number {x} contradicts the others")
    return point(chosen, k, 0)


def lanes(value: bytes) -> tuple[int, int]:
    """Both lanes of a value as elements."""
    return int.from_bytes(value[:16], "big"), int.from_bytes(value[16:], "big")


def join(pair: Iterable[int]) -> bytes:
    """A value of two lanes."""
    return b"".join(lane.to_bytes(16, "big") for lane in pair)


def commitment(group: int, x: int, k: int, value: bytes) -> str:
    """The commitment of a share."""
    return hashlib.sha256(b"step-ca escrow v1 share commitment\0" + bytes([group, x, k]) + value).hexdigest()


def key_check(wrapping_key: bytes) -> str:
    """The key check of W."""
    return hashlib.sha256(b"step-ca escrow v1 key check\0" + wrapping_key).hexdigest()


# Shares


class Share(NamedTuple):
    """What a record says."""

    kind: str
    set_id: bytes
    group: int
    x: int
    k: int
    value: bytes


PREFIXES = {"production": "ESCR1:", "specimen": "SPEC1:"}


def read_record(record: bytes) -> Share:
    """Read 48 bytes."""
    need(len(record) == 48, "a record has 48 bytes")
    version, set_id, group, x, k, value, checksum = struct.unpack(">B8sBBB32sI", record)
    need(zlib.crc32(record[:44]) == checksum, "checksum")
    kinds = {0x01: "production", 0x81: "specimen"}
    need(version in kinds, "version of a record")
    return Share(kinds[version], set_id, group, x, k, value)


def read_text(text: str) -> Share:
    """Read the text of a QR code."""
    body = text[6:]
    need(re.fullmatch("[A-Z2-7]{77}", body), "77 characters of base32")
    record = base64.b32decode(body + "===")
    need(base64.b32encode(record).decode() == body + "===", "base32 in its one form")
    share = read_record(record)
    need(text[:6] == PREFIXES[share.kind], "prefix")
    return share


def words_in_format() -> list[str]:
    """The list of words that stands in FORMAT.md."""
    found = FORMAT.read_text("utf-8").partition("```words\n")[2].partition("```")[0].split()
    need(len(found) == len(set(found)) == 256, "256 words")
    return found


def read_words(rows: Sequence[str]) -> Share:
    """Read the rows of words on a sheet, mending up to e wrong and f illegible ones, 2e + f <= 16."""
    table = {word: byte for byte, word in enumerate(words_in_format())}
    given = [row.lower().split() for row in rows]
    need(len(given) == 8 and all(len(row) in {8, 9} for row in given), "8 rows of 8 words")
    data = [table.get(word) for row in given for word in row[:8]]
    return read_record(mend(data)[:48])


def crc_8(data: Sequence[int]) -> int:
    """The remainder of a polynomial over GF(2), times t^8, by t^8 + t^2 + t + 1: long division, bit by bit."""
    dividend = int.from_bytes(bytes(data), "big") << 8
    while dividend.bit_length() > 8:
        dividend ^= 0x107 << (dividend.bit_length() - 9)
    return dividend


def row_fits(number: int, row: str) -> bool:
    """Whether a row's check word fits."""
    table = {word: byte for byte, word in enumerate(words_in_format())}
    *data, check = (table.get(word, -1) for word in row.split())
    return min(data) >= 0 and crc_8([number, *data, check]) == 0  # the remainder of a message with its own is 0


# Reed-Solomon

RS, LENGTH, PARITY = 0x11D, 64, 16
Polynomial = list[int]


def mend(data: Sequence[int | None]) -> bytes:
    """The code word that is nearest; None stands for an illegible symbol.

    Sugiyama's algorithm: Euclid's on X^16 and the syndromes times the erasure locator gives the error locator.
    """
    word = [byte or 0 for byte in data]
    syndromes = [evaluate(word[::-1], power(2, i, RS), RS) for i in range(PARITY)]
    if None not in data and not any(syndromes):
        return bytes(word)
    erased = [place for place, byte in enumerate(data) if byte is None]
    need(len(erased) <= PARITY, "too many illegible words")
    erasures = [1]
    for place in erased:
        erasures = times(erasures, [1, locator(place)])
    before, rest = [0] * PARITY + [1], trim(times(syndromes, erasures)[:PARITY])
    earlier, errors = [0], [1]
    while 2 * degree(rest) >= PARITY + len(erased):
        quotient, remainder = divide_polynomials(before, rest)
        before, rest = rest, remainder
        earlier, errors = errors, plus(earlier, times(quotient, errors))
    locators = times(errors, erasures)
    slope = [coefficient if i % 2 == 0 else 0 for i, coefficient in enumerate(locators[1:])]
    wrong = 0
    for place in range(LENGTH):
        inverse = divide(1, locator(place), RS)
        if evaluate(locators, inverse, RS) == 0:
            need(evaluate(slope, inverse, RS), "too many wrong words")
            wrong += 1
            # Forney's formula with the first root a^0
            top = multiply(locator(place), evaluate(rest, inverse, RS), RS)
            word[place] ^= divide(top, evaluate(slope, inverse, RS), RS)
    need(wrong == degree(locators), "too many wrong words")
    need(not any(evaluate(word[::-1], power(2, i, RS), RS) for i in range(PARITY)), "too many wrong words")
    return bytes(word)


def locator(place: int) -> int:
    """What stands for a symbol: the first is the coefficient of X^63."""
    return power(2, LENGTH - 1 - place, RS)


def plus(a: Polynomial, b: Polynomial) -> Polynomial:
    """The sum of two polynomials, constants first."""
    size = max(len(a), len(b))
    return trim([x ^ y for x, y in zip(a + [0] * (size - len(a)), b + [0] * (size - len(b)), strict=True)])


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    product = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] ^= multiply(x, y, RS)
    return trim(product)


def divide_polynomials(a: Polynomial, b: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Quotient and remainder."""
    quotient, rest = [0], a
    while degree(rest) >= degree(b):
        factor = divide(rest[-1], b[-1], RS)
        term = [0] * (degree(rest) - degree(b)) + [factor]
        quotient, rest = plus(quotient, term), plus(rest, times(term, b))
    return quotient, rest


def degree(a: Polynomial) -> int:
    """The degree; -1 for zero."""
    return len(a) - 1 if any(a) else -1


def trim(a: Polynomial) -> Polynomial:
    """Without zeros at the end, but for one."""
    while len(a) > 1 and a[-1] == 0:
        a = a[:-1]
    return a


# Manifest


class Manifest(NamedTuple):
    """A manifest, and the bytes that it was read from."""

    text: bytes
    fields: Mapping[str, Any]

    @property
    def set_id(self) -> bytes:
        """The first 16 bytes of the hash."""
        return hashlib.sha256(self.text).digest()[:16]


def read_manifest(text: bytes) -> Manifest:
    """Read a manifest and check it."""
    need(len(text) <= 1 << 20, "a manifest has at most 2^20 bytes")
    try:
        fields = json.loads(text.decode("utf-8"))
        check_fields(fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RefusedError(repr(error)) from None
    need(f"{canonical(fields)}\n".encode() == text, "the one form of a manifest")
    return Manifest(text, fields)


def canonical(value: object, depth: int = 0) -> str:
    """JSON in the one form of the section "Manifest"."""
    if isinstance(value, dict):
        parts = [f"{canonical(name)}: {canonical(value[name], depth + 1)}" for name in sorted(value)]
        return bracket("{", parts, "}", depth)
    if isinstance(value, list):
        return bracket("[", [canonical(element, depth + 1) for element in value], "]", depth)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "null" if value is None else str(value)


def bracket(opening: str, parts: Sequence[str], closing: str, depth: int) -> str:
    """Elements on lines of their own."""
    indent = "\n" + " " * (depth + 1)
    return opening + ",".join(indent + part for part in parts) + ("\n" + " " * depth if parts else "") + closing


def check_fields(fields: Mapping[str, Any]) -> None:
    """Check every rule of the section "Manifest"."""
    names = "ca certificates commitments created epoch files format key_check keys kind policy supersedes version"
    has(fields, names)
    arrays = [fields[name] for name in ("certificates", "commitments", "files", "keys", "supersedes")]
    need(all(isinstance(array, list) for array in (*arrays, *fields["commitments"])), "arrays")
    need(fields["format"] == "step-ca escrow manifest", "format")
    need(type(fields["version"]) is int and fields["version"] == 1, "version")
    need(fields["kind"] in {"production", "specimen"}, "kind")
    need(is_line(fields["ca"]), "ca")
    need(re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z", fields["created"]), "created")
    need(is_number(fields["epoch"]), "epoch")
    for old in fields["supersedes"]:
        has(old, "epoch set_id")
        need(is_number(old["epoch"]) and is_hex(old["set_id"], 32), "supersedes")
    check_policy(fields["policy"])
    sizes = [group["shares"] for group in fields["policy"]["groups"]]
    need([len(group) for group in fields["commitments"]] == sizes, "commitments")
    hashes = [fields["key_check"], *(entry for group in fields["commitments"] for entry in group)]
    check_contents(fields)
    hashes += [*(entry["sha256"] for entry in fields["certificates"]), *(key["public_key"] for key in fields["keys"])]
    need(all(is_hex(entry, 64) for entry in hashes), "hashes")


def check_policy(policy: Mapping[str, Any]) -> None:
    """Check thresholds and numbers."""
    has(policy, "groups threshold")
    need(isinstance(policy["groups"], list), "groups")
    counts = [(policy["threshold"], len(policy["groups"]))]
    for group in policy["groups"]:
        has(group, "shares threshold")
        counts.append((group["threshold"], group["shares"]))
    for k, n in counts:
        need(is_number(k) and is_number(n) and k <= n <= 255 and (k >= 2 or n == 1), "policy")
    need(len(counts) > 2 or counts[1][0] >= 2, "a plain policy needs two shares or more")


def check_contents(fields: Mapping[str, Any]) -> None:
    """Check keys, certificates and files."""
    keys, files = fields["keys"], fields["files"]
    for key in keys:
        has(key, "algorithm file name public_file public_key")
        need(is_line(key["name"]) and is_line(key["algorithm"]), "name and algorithm")
        need(is_file(key["file"], {"secrets"}), "the file of a key")
        need(key["public_file"] is None or key["public_file"] in files, "public_file")
    need(keys and len({key["name"] for key in keys}) == len(keys), "keys")
    paths = [*(key["file"] for key in keys), *files]
    need(len(set(paths)) == len(paths), "each file once")
    need(all(is_file(file, {"certs", "config", "templates"}) for file in files), "files")
    for certificate in fields["certificates"]:
        has(certificate, "file sha256 subject")
        need(certificate["file"] in files and is_line(certificate["subject"]), "certificates")


def has(fields: Mapping[str, Any], names: str) -> None:
    """Check that an object has exactly these fields."""
    need(isinstance(fields, dict) and sorted(fields) == names.split(), names)


def is_number(value: object) -> bool:
    """An integer of at least 1."""
    return type(value) is int and value >= 1


def is_hex(value: str, length: int) -> bool:
    """So many hex digits."""
    return re.fullmatch(f"[0-9a-f]{{{length}}}", value) is not None


def is_line(value: object) -> bool:
    """1 to 500 printable characters."""
    if not isinstance(value, str):
        return False
    printable = all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in value)
    return 1 <= len(value) <= 500 and printable


def is_file(value: str, directories: set[str]) -> bool:
    """A path in one of the directories."""
    parts = value.split("/")
    return is_line(value) and len(parts) > 1 and parts[0] in directories and not {"", ".", ".."} & set(parts)


# Package


class Package(NamedTuple):
    """A package: its manifest, and all of its text."""

    manifest: Manifest
    text: bytes


def read_package(text: bytes) -> Package:
    """Read a package: step 1 of "Opening"."""
    need(len(text) <= 1 << 24, "a package has at most 2^24 bytes")
    need(text.startswith(b"STEP-CA ESCROW PACKAGE, FORMAT 1\n"), "first line")
    label = b"SHA-256 of everything above this line: "
    above, found, given = text.rpartition(b"\n" + label)
    need(found and given == hashlib.sha256(above + b"\n").hexdigest().encode() + b"\n", "last line")
    try:
        lines = above.decode("utf-8").split("\n")
        begin, end = lines.index("==== MANIFEST ===="), lines.index("==== END OF MANIFEST ====")
        manifest = read_manifest("".join(f"{line}\n" for line in lines[begin + 1 : end]).encode())
        need(lines[end + 1 : end + 3] == ["", "-----BEGIN CMS-----"], "the CMS after the manifest")
        need(lines[-2:] == ["-----END CMS-----", ""], "the end of the CMS")
        body = lines[end + 3 : -2]
        need(all(len(line) == 64 for line in body[:-1]), "64 characters a line")
        der = base64.b64decode("".join(body), validate=True)
    except ValueError as error:
        raise RefusedError(repr(error)) from None
    need(read_cms(der) == manifest.set_id, "the set id in the CMS")
    return Package(manifest, text)


def check_share(manifest: Manifest, share: Share) -> None:
    """Check a share against the manifest: step 2 of "Opening"."""
    need(share.kind == manifest.fields["kind"], "kind")
    need(share.set_id == manifest.set_id[:8], "set id")
    groups = manifest.fields["policy"]["groups"]
    need(1 <= share.group <= len(groups), "group")
    group = groups[share.group - 1]
    need(1 <= share.x <= group["shares"], "x")
    need(share.k == group["threshold"], "k")
    expected = manifest.fields["commitments"][share.group - 1][share.x - 1]
    need(commitment(share.group, share.x, share.k, share.value) == expected, "commitment")


def wrapping_key(manifest: Manifest, shares: Iterable[Share]) -> bytes:
    """W from shares: steps 2 to 4 of "Opening"."""
    values: dict[int, dict[int, bytes]] = {}
    for share in shares:
        check_share(manifest, share)
        values.setdefault(share.group, {})[share.x] = share.value
    return combine(manifest.fields, values)


def combine(fields: Mapping[str, Any], values: Mapping[int, Mapping[int, bytes]]) -> bytes:
    """W from values by group and x: steps 3 and 4 of "Opening"."""
    policy, parts = fields["policy"], {}
    for number, group in enumerate(policy["groups"], 1):
        members = values.get(number, {})
        if len(members) >= group["threshold"]:
            parts[number] = recombine(members, group["threshold"], f"group {number}")
    secret = recombine(parts, policy["threshold"], "groups")
    need(key_check(secret) == fields["key_check"], "key check")
    return secret


def read_line(line: str) -> tuple[int, bytes]:
    """The number and the lane of an ssss line."""
    need(re.fullmatch("[1-9][0-9]*-[0-9a-f]{32}", line), "an ssss line")
    number, _, lane = line.partition("-")
    return int(number), bytes.fromhex(lane)


def values_of_lines(left: Sequence[str], right: Sequence[str]) -> dict[int, bytes]:
    """The values by x of the lines of one group."""
    lefts, rights = dict(map(read_line, left)), dict(map(read_line, right))
    need(lefts.keys() == rights.keys(), "both lanes of each share")
    return {x: lane + rights[x] for x, lane in lefts.items()}


def open_package(package: Package, secret: bytes) -> bytes:
    """The ZIP archive in a package: steps 5 to 8 of "Opening"."""
    archive = decrypt(package.text, secret, package.manifest.set_id)
    check_contents_of(package.manifest, archive)
    return archive


def decrypt(pem: bytes, secret: bytes, set_id: bytes) -> bytes:
    """What openssl makes of a PEM block with CMS."""
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, "package"), Path(directory, "keys.zip")
        source.write_bytes(pem)
        command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", str(source), "-out", str(target)]
        options = ["-secretkey", secret.hex(), "-secretkeyid", set_id.hex()]
        done = subprocess.run([*command, *options], capture_output=True, check=False)
        need(done.returncode == 0, f"openssl: {done.stderr.decode()}")
        return target.read_bytes()


def check_contents_of(manifest: Manifest, archive: bytes) -> None:
    """Check what is inside against the manifest."""
    members = read_archive(archive)
    need(members.get("manifest.json") == manifest.text, "the manifest inside is the one outside")
    fields = manifest.fields
    files = [*(key["file"] for key in fields["keys"]), *fields["files"]]
    need(list(members) == ["README.txt", "manifest.json", *files], "the members are those that the manifest names")
    found = [
        (file, hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest())
        for file in fields["files"]
        for block in certificates_in(file, members[file])
    ]
    named = [(entry["file"], entry["sha256"]) for entry in fields["certificates"]]
    need(sorted(found) == sorted(named), "the certificates are those that the manifest names")
    for key in fields["keys"]:
        public = hash_of_public_key(members[key["file"]], "pkey", "-pubout")
        need(public == key["public_key"], "the key is the one that the manifest names")
        if key["public_file"] and (blocks := certificates_in(key["public_file"], members[key["public_file"]])):
            held = [hash_of_public_key(block.encode(), "x509", "-pubkey", "-noout") for block in blocks]
            need(public in held, "the key belongs to its certificate")


def certificates_in(file: str, content: bytes) -> list[str]:
    """The blocks of PEM in a file in certs/."""
    pattern = b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
    return [block.decode() for block in re.findall(pattern, content, re.DOTALL)] if file.startswith("certs/") else []


def hash_of_public_key(pem: bytes, *command: str) -> str:
    """SHA-256 of the SubjectPublicKeyInfo of a key or certificate."""
    done = subprocess.run(["openssl", *command], input=pem, capture_output=True, check=False)
    need(done.returncode == 0, "a key or certificate that openssl reads")
    body = b"".join(done.stdout.splitlines()[1:-1])
    return hashlib.sha256(base64.b64decode(body)).hexdigest()


# CMS

SEQUENCE, SET, INTEGER, OCTETS, OID = 0x30, 0x31, 0x02, 0x04, 0x06
EXPLICIT_0, IMPLICIT_0, IMPLICIT_2 = 0xA0, 0x80, 0xA2


def read_cms(der: bytes) -> bytes:
    """Check the form of the encrypted part, and give its key identifier back.

    Apart from five octet strings everything in it is fixed: so take these out, build it again, and compare.
    """
    try:
        found = [content for tag, content in primitives(der) if tag in {OCTETS, IMPLICIT_0}]
    except IndexError:
        found = []
    need(len(found) == 5, "DER with five octet strings")
    need([len(content) for content in (*found[:3], found[4])] == [16, 40, 12, 16], "lengths of the octet strings")
    need(write_cms(*found) == der, "the one form of the CMS")
    return found[0]


def primitives(der: bytes) -> Iterable[tuple[int, bytes]]:
    """Tags and contents of all primitive elements, in order."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(der[2:start], "big")
        content, der = der[start : start + length], der[start + length :]
        if tag & 0x20:
            yield from primitives(content)
        else:
            yield tag, content


def write_cms(key_identifier: bytes, wrapped_key: bytes, nonce: bytes, content: bytes, tag: bytes) -> bytes:
    """Lay the structure of the section "CMS" out."""
    recipient = element(
        IMPLICIT_2,
        element(INTEGER, b"\4"),
        element(SEQUENCE, element(OCTETS, key_identifier)),
        element(SEQUENCE, oid("2.16.840.1.101.3.4.1.45")),
        element(OCTETS, wrapped_key),
    )
    parameters = element(SEQUENCE, element(OCTETS, nonce), element(INTEGER, bytes([16])))
    encrypted = element(
        SEQUENCE,
        oid("1.2.840.113549.1.7.1"),
        element(SEQUENCE, oid("2.16.840.1.101.3.4.1.46"), parameters),
        element(IMPLICIT_0, content),
    )
    enveloped = element(SEQUENCE, element(INTEGER, b"\0"), element(SET, recipient), encrypted, element(OCTETS, tag))
    return element(SEQUENCE, oid("1.2.840.113549.1.9.16.1.23"), element(EXPLICIT_0, enveloped))


def element(tag: int, *parts: bytes) -> bytes:
    """An element of DER."""
    content = b"".join(parts)
    return bytes([tag]) + length_of(content) + content


def length_of(content: bytes) -> bytes:
    """The length of an element, in its shortest form."""
    if len(content) < 0x80:
        return bytes([len(content)])
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([0x80 + len(size)]) + size


def oid(dotted: str) -> bytes:
    """An object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytes([40 * first + second])
    for number in rest:
        digits = [number >> shift & 0x7F for shift in range(0, number.bit_length() or 1, 7)]
        content += bytes([digit | 0x80 for digit in digits[:0:-1]] + digits[:1])
    return element(OID, content)


# Payload


def read_archive(data: bytes) -> dict[str, bytes]:
    """The members of an archive in the one form of the section "Payload"."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            members = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise RefusedError(repr(error)) from None
    need(len(names) <= 1000, "at most 1000 members")
    need(write_archive(members) == data, "the one form of an archive")
    return members


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """Lay an archive out, field by field."""
    body, directory = b"", b""
    for text, content in members.items():
        name = text.encode()
        flags, size = 0 if text.isascii() else 0x0800, len(content)
        common = struct.pack("<HHHHHIIIHH", 20, flags, 0, 0, 0x21, zlib.crc32(content), size, size, len(name), 0)
        directory += b"PK\x01\x02" + bytes([20, 3]) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0x81800000, len(body)) + name
        body += b"PK\x03\x04" + common + name + content
    count = len(members)
    return body + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
