"""Sign drafts: `try_out` with a key that nobody keeps, `sign` with the real one; each in a worker.

`sign_same` signs the very bytes that another key signed: what was linted, journalled, or signed before a crash. All
signatures are deterministic (ECDSA by RFC 6979), so that signing the same bytes again gives the same octets.
"""

import base64
import json
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from escrow.errors import CertificateError
from escrow.issuing.draft import Draft
from escrow.keys import Algorithm, PrivateKey, SupportedKey, new, parse, public_of
from escrow.memory import isolate

_SEQUENCE, _BIT_STRING, _LONG = 0x30, 0x03, 0x80

# By the bits of the curve: as strong as the key, and as step does.
_DIGESTS: dict[int, type[hashes.SHA384] | type[hashes.SHA512]] = {384: hashes.SHA384, 521: hashes.SHA512}


def try_out(drafts: Sequence[Draft], algorithm: Algorithm) -> tuple[x509.Certificate, ...]:
    """The drafts as certificates that are good for looking at: signed with a new key, which ends with its worker."""

    def in_worker() -> bytes:
        return _sign(drafts, new(algorithm))

    return _certificates(isolate(in_worker))


def throw_away(algorithms: Iterable[Algorithm]) -> dict[Algorithm, bytes]:
    """SubjectPublicKeyInfos (DER) of new keys whose private halves nobody keeps: for looking at certificates only."""
    wanted = tuple(algorithms)

    def in_worker() -> bytes:
        return json.dumps([base64.b64encode(public_of(new(each))).decode("ascii") for each in wanted]).encode()

    return {one: base64.b64decode(public) for one, public in zip(wanted, json.loads(isolate(in_worker)), strict=True)}


def sign(drafts: Sequence[Draft], key: PrivateKey) -> tuple[x509.Certificate, ...]:
    """The drafts as certificates."""

    def in_worker() -> bytes:
        return _sign(drafts, parse(bytes(key.pem.view)))

    return _certificates(isolate(in_worker, key.pem))


def try_out_list(builder: x509.CertificateRevocationListBuilder, algorithm: Algorithm) -> bytes:
    """A CRL (DER) that is good for looking at: signed with a new key, which ends with its worker."""

    def in_worker() -> bytes:
        key = new(algorithm)
        return builder.sign(key, _digest_for(key)).public_bytes(serialization.Encoding.DER)

    return isolate(in_worker)


def sign_same(tried: bytes, key: PrivateKey) -> bytes:
    """What a throw-away key signed (a certificate or a CRL, DER), with the same to-be-signed bytes, by another key.

    The algorithm is among those bytes: with a key of another kind, what comes out does not verify. The caller verifies.
    """
    body, algorithm, _ = parts(tried)

    def in_worker() -> bytes:
        signature = _raw(parse(bytes(key.pem.view)), body)
        return _tlv(_SEQUENCE, body + algorithm + _tlv(_BIT_STRING, b"\0" + signature))

    return isolate(in_worker, key.pem)


def sign_all(tried: Sequence[x509.Certificate], key: PrivateKey) -> tuple[x509.Certificate, ...]:
    """Certificates as `sign_same` makes them."""
    ders = [each.public_bytes(serialization.Encoding.DER) for each in tried]
    return tuple(x509.load_der_x509_certificate(sign_same(der, key)) for der in ders)


def parts(signed: bytes) -> tuple[bytes, bytes, bytes]:
    """To-be-signed bytes, algorithm and signature of a certificate or a CRL (DER): SEQUENCE of three (X.509, 4.1)."""
    _, inner, rest = _split(signed)
    if rest:
        message = "More follows what was signed: it was changed."
        raise CertificateError(message)
    found = []
    while inner:
        _, content, after = _split(inner)
        found.append((inner[: len(inner) - len(after)], content))
        inner = after
    if len(found) != 3:  # noqa: PLR2004 - see above
        message = "This is neither a certificate nor a CRL."
        raise CertificateError(message)
    return found[0][0], found[1][0], found[2][1][1:]


def _split(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows. Of DER that cryptography has read before."""
    length, start = der[1], 2
    if length >= _LONG:
        start += length - _LONG
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _LONG:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG + len(octets)]) + octets + content


def _sign(drafts: Sequence[Draft], key: SupportedKey) -> bytes:
    signed = [draft.builder.sign(key, _digest_for(key)) for draft in drafts]
    ders = [certificate.public_bytes(serialization.Encoding.DER) for certificate in signed]
    return json.dumps([base64.b64encode(der).decode("ascii") for der in ders]).encode()


def _raw(key: SupportedKey, content: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), _digest_of(key))
    return key.sign(content, ec.ECDSA(_digest_of(key), deterministic_signing=True))


def _digest_for(key: SupportedKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else _digest_of(key)


def _digest_of(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    bits = key.curve.key_size if isinstance(key, ec.EllipticCurvePrivateKey) else 0
    return _DIGESTS.get(bits, hashes.SHA256)()


def _certificates(answer: bytes) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_der_x509_certificate(base64.b64decode(each)) for each in json.loads(answer))
