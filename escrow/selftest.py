"""Known answers: each function raises SelfTestError, or whatever a broken library raises, if one is wrong.

Quick, without secrets, with published vectors where there are any. That they can fail is tested.
"""

import hashlib
from collections.abc import Callable, Mapping

from escrow.errors import PackageError, SelfTestError

_SHAMIR = {
    1: "52e0689bf3e0b31cc8b32ed19762590d",
    2: "cdb8456472efcbbe552c913cb38626fb",
    3: "9f490fccc55a1ed515061556e839910f",
    4: "3a6c24844e642199447310fa12f8e10f",
}  # ssss-split 0.5 of Debian, -t 3 -n 4 -x -D -s 128, for the secret below
_SPLIT = "00112233445566778899aabbccddeeff"
_RECORD = "0197330cf96e56e637010102e8867214f9816b06b9f1783d797280310cf8bda33511734a08e1dbbb6e2d41f608727e6d"
_WORDS = "acid miss echo barn yurt jolt half visa wand"  # FORMAT.md, test vectors
_NAMES = "Ångström Łukasz Ωμέγα Дарья"


def _expect(*, holds: bool, what: str) -> None:
    if not holds:
        message = f"the answer is wrong ({what})"
        raise SelfTestError(message)


def shamir() -> None:
    """Shares that ssss made are combined, and one of them is made again; what is split here is combined."""
    from escrow.shamir import combine, interpolate, split

    shares = {x: bytes.fromhex(value) * 2 for x, value in _SHAMIR.items()}
    secret = bytes.fromhex(_SPLIT) * 2
    quorum = {x: shares[x] for x in (1, 3, 4)}
    _expect(holds=combine(quorum, 3) == secret, what="combine")
    _expect(holds=interpolate(quorum, 3, 2) == shares[2], what="interpolate")
    made = split(secret, 2, 3)
    _expect(holds=combine({1: made[1], 3: made[3]}, 2) == secret, what="split")


def aes_gcm() -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test case 15."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
    )
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
        "b094dac5d93471bdec1a502270e3cc6c"
    )
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    _expect(holds=AESGCM(key).encrypt(nonce, plaintext, None) == sealed, what="encrypt")
    _expect(holds=AESGCM(key).decrypt(nonce, sealed, None) == plaintext, what="decrypt")


def key_wrap() -> None:
    """RFC 3394, section 4.6: 256 bits of key data under a key of 256 bits."""
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

    wrapping = bytes(range(32))
    key = bytes.fromhex("00112233445566778899aabbccddeeff") + bytes(range(16))
    wrapped = bytes.fromhex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
    _expect(holds=aes_key_wrap(wrapping, key) == wrapped, what="wrap")
    _expect(holds=aes_key_unwrap(wrapping, wrapped) == key, what="unwrap")


def cms() -> None:
    """A round trip, and a byte changed in it is noticed."""
    from escrow.cms import decrypt, encrypt

    key, identifier, text = bytes(range(32)), bytes(16), b"specimen"
    der = encrypt(key, identifier, text)
    _expect(holds=decrypt(key, identifier, der) == text, what="round trip")
    try:
        decrypt(key, identifier, der[:-1] + bytes([der[-1] ^ 1]))
    except PackageError:
        return
    _expect(holds=False, what="a changed tag is not noticed")


def words() -> None:
    """A record of FORMAT.md as words, and back from words of which eight are wrong."""
    from escrow.words import from_words, to_words

    record = bytes.fromhex(_RECORD)
    rows = to_words(record)
    _expect(holds=" ".join(rows[0]) == _WORDS, what="to words")
    wrong = [["zoom" if column == row else word for column, word in enumerate(line)] for row, line in enumerate(rows)]
    _expect(holds=from_words(wrong)[0] == record, what="from words")


def qr_codes() -> None:
    """A text becomes a picture of a code, and is read again."""
    from PIL import Image

    from escrow.paper import qr
    from escrow.paper.scan import read_codes

    text = "SPECIMEN:" + hashlib.sha256(b"specimen").hexdigest().upper()
    modules = qr.modules(text, "H")
    picture = Image.new("L", (len(modules), len(modules)), 255)
    picture.putdata([0 if dark else 255 for row in modules for dark in row])
    enlarged = picture.resize((picture.width * 5, picture.height * 5), Image.Resampling.NEAREST)
    _expect(holds=read_codes(enlarged) == (text,), what="read again")


def fonts() -> None:
    """The fonts are there, and can show names."""
    from escrow.paper.fonts import check_printable

    check_printable(_NAMES)


SELF_TESTS: Mapping[str, Callable[[], None]] = {
    "Shamir": shamir,
    "AES-GCM": aes_gcm,
    "AES key wrap": key_wrap,
    "CMS": cms,
    "words": words,
    "QR codes": qr_codes,
    "fonts": fonts,
}
