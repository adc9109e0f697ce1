"""Sign drafts: `try_out` with a key that nobody keeps, `sign` with the real one. Both in a worker."""

import base64
import json
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from escrow.issuing.draft import Draft
from escrow.keys import Algorithm, PrivateKey, SupportedKey, new, parse, public_of
from escrow.memory import isolate

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


def _sign(drafts: Sequence[Draft], key: SupportedKey) -> bytes:
    signed = [draft.builder.sign(key, _digest_for(key)) for draft in drafts]
    ders = [certificate.public_bytes(serialization.Encoding.DER) for certificate in signed]
    return json.dumps([base64.b64encode(der).decode("ascii") for der in ders]).encode()


def _digest_for(key: SupportedKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    bits = key.curve.key_size if isinstance(key, ec.EllipticCurvePrivateKey) else 0
    return _DIGESTS.get(bits, hashes.SHA256)()


def _certificates(answer: bytes) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_der_x509_certificate(base64.b64decode(each)) for each in json.loads(answer))
