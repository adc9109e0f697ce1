"""Keys into a PKCS#11 token, from which step-ca signs with them: they are never on a disk.

Each key is stored as a pair with one CKA_ID (PKCS #11 v2.40, sections 4.8 and 4.9; what step-ca looks for), marked
sensitive and not extractable, and proved by a signature that the token made. The module is other people's code: it runs
in a worker that has one key and the PIN, and ends with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from escrow.errors import EscrowError, TokenError, UsageError
from escrow.keys import SupportedKey, parse, public_of
from escrow.manifest import KeyEntry
from escrow.memory import Secret, isolate
from escrow.progress import Progress

if TYPE_CHECKING:
    import pkcs11

_ID_LENGTH = 8
_PROOF = b"step-ca escrow: this token has the key"
SIGNING = ("intermediate", "ssh-host", "ssh-user")
"""The keys with which step-ca signs, by their names."""


@dataclass(frozen=True)
class Token:
    """A token: the module that drives it, its label, and where step-ca, on its machine, reads the PIN."""

    module: Path
    label: str
    pin_source: str = ""

    @property
    def uri(self) -> str:
        """What stands as `kms.uri` in ca.json (RFC 7512, with a file of the PIN)."""
        named = f"pkcs11:module-path={quote(str(self.module), safe='/')};token={quote(self.label, safe='')}"
        return f"{named}?pin-source={quote(self.pin_source, safe='/')}" if self.pin_source else named


def key_id(public: bytes) -> bytes:
    """The CKA_ID of a key: the first 8 bytes of the SHA-256 of its SubjectPublicKeyInfo."""
    return hashlib.sha256(public).digest()[:_ID_LENGTH]


def key_uri(name: str, public: bytes) -> str:
    """What stands for a key in ca.json: step-ca takes the id in hex."""
    return f"pkcs11:id={key_id(public).hex()};object={quote(name, safe='-')}"


def fitting(entries: Sequence[KeyEntry], only: Sequence[str]) -> tuple[KeyEntry, ...]:
    """The keys that go into a token: those that were named, or else those with which step-ca signs.

    Raises UsageError for one that step-ca cannot use from a token.
    """
    wanted = tuple(entry for entry in entries if entry.name in (only or SIGNING))
    if refused := [entry.name for entry in wanted if not entry.algorithm.startswith(("EC ", "RSA "))]:
        message = (
            f"step-ca cannot sign with the key {', '.join(refused)} from a token, because it is of the kind Ed25519. "
            "Leave it out with --only, or recover into a directory."
        )
        raise UsageError(message)
    return wanted


def look(token: Token) -> str:
    """What a token says of itself: its maker, model and serial number. No PIN is needed. Raises TokenError."""

    def in_worker() -> bytes:
        found = _found(token)
        said = (found.manufacturer_id, found.model, found.serial)
        return " ".join(_text(each) for each in said if each).encode()

    return isolate(in_worker).decode("utf-8", "replace")


def store(token: Token, pin: Secret, keys: Mapping[str, Secret], progress: Progress) -> dict[str, bytes]:
    """Store PKCS#8 PEM keys, by their names, in a token; return their public halves (SubjectPublicKeyInfo, DER).

    If one cannot be stored, those before it are removed again. Raises TokenError, also for a key that is there already.
    """
    stored: dict[str, bytes] = {}
    try:
        for number, (name, pem) in enumerate(keys.items()):
            progress("Storing keys in the token", number, len(keys))
            stored[name] = _store(token, pin, name, pem)
    except BaseException as error:
        take_back(token, pin, stored, error)
        raise
    progress("Storing keys in the token", len(keys), len(keys))
    return stored


def take_back(token: Token, pin: Secret, stored: Mapping[str, bytes], error: BaseException) -> None:
    """Remove what `store` stored because of an error; if that fails, the error gets a note of what is left."""
    try:
        _remove(token, pin, stored)
    except EscrowError as another:
        left = (
            f"Left in the token {token.label}: {', '.join(stored)}. {another} Remove them with the token's own tools."
        )
        error.add_note(left)


def _remove(token: Token, pin: Secret, stored: Mapping[str, bytes]) -> None:

    def in_worker() -> bytes:
        with _opened(token, bytes(pin.view).decode("utf-8", "replace")) as session:
            for public in stored.values():
                for found in list(_with_id(session, key_id(public))):
                    found.destroy()
        return b""

    if stored:
        isolate(in_worker, pin)


def _store(token: Token, pin: Secret, name: str, pem: Secret) -> bytes:
    def in_worker() -> bytes:
        key = parse(bytes(pem.view))
        public = public_of(key)
        with _opened(token, bytes(pin.view).decode("utf-8", "replace")) as session:
            if any(True for _ in _with_id(session, key_id(public))):
                message = f"The key {name} is in the token {token.label} already: nothing was changed."
                raise TokenError(message)
            _make(session, token, name, key, public)
        return public

    return isolate(in_worker, pin, pem)


def _make(session: pkcs11.Session, token: Token, name: str, key: SupportedKey, public: bytes) -> None:
    import pkcs11

    made = []
    try:
        for attributes in _objects(key, name, public):
            made.append(session.create_object(attributes))  # noqa: PERF401 - one by one, to be undone
        _prove(made[0], key)
    except BaseException as error:
        for each in made:
            each.destroy()
        if isinstance(error, pkcs11.PKCS11Error):
            message = f"The token {token.label} did not take the key {name}: {_said(error)}."
            raise TokenError(message) from None
        raise


def _found(token: Token) -> pkcs11.Token:
    """The token itself. Raises TokenError if it is not there, or not the only one of its label."""
    try:
        import pkcs11
    except ImportError:
        message = "The package python-pkcs11 is not installed: install the extra, step-ca-escrow[pkcs11]."
        raise TokenError(message) from None
    try:
        found: pkcs11.Token = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
    except pkcs11.NoSuchToken:
        message = f"{token.module} has no token {token.label}: name one that it has, or initialise it first."
        raise TokenError(message) from None
    except pkcs11.MultipleTokensReturned:
        message = f"{token.module} has several tokens {token.label}: give each a label of its own."
        raise TokenError(message) from None
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise _unopened(token, error) from None
    return found


def _opened(token: Token, pin: str) -> pkcs11.Session:
    """A session for writing, with the user logged in. Raises TokenError."""
    found = _found(token)
    import pkcs11

    try:
        session: pkcs11.Session = found.open(rw=True, user_pin=pin)
    except pkcs11.PinLocked:
        message = f"The token {token.label} is locked after wrong PINs: unlock it with the security officer's PIN."
        raise TokenError(message) from None
    except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid):
        message = f"This is not the PIN of the token {token.label}. It locks after a few wrong ones: do not guess."
        raise TokenError(message) from None
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise _unopened(token, error) from None
    return session


def _unopened(token: Token, error: BaseException) -> TokenError:
    return TokenError(f"The token {token.label} cannot be opened with {token.module}: {_said(error)}.")


def _with_id(session: pkcs11.Session, identifier: bytes) -> Iterator[Any]:
    import pkcs11

    yield from session.get_objects({pkcs11.Attribute.ID: identifier})


def _objects(key: SupportedKey, name: str, public: bytes) -> list[dict[Any, Any]]:
    """The attributes of the private object and of the public one."""
    from pkcs11 import Attribute, KeyType, ObjectClass

    common = {Attribute.TOKEN: True, Attribute.ID: key_id(public), Attribute.LABEL: name}
    private = {
        Attribute.CLASS: ObjectClass.PRIVATE_KEY,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True,
        Attribute.DECRYPT: False,
        Attribute.DERIVE: False,
    }
    shown = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.PRIVATE: False, Attribute.VERIFY: True}
    match key:
        case ec.EllipticCurvePrivateKey():
            from pkcs11.util.ec import encode_named_curve_parameters

            numbers = key.private_numbers()
            octets = (key.curve.key_size + 7) // 8
            both = {Attribute.KEY_TYPE: KeyType.EC, Attribute.EC_PARAMS: encode_named_curve_parameters(key.curve.name)}
            point = key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            own = {Attribute.VALUE: numbers.private_value.to_bytes(octets, "big")}
            seen = {Attribute.EC_POINT: _octet_string(point)}
        case rsa.RSAPrivateKey():
            secret = key.private_numbers()
            both = {
                Attribute.KEY_TYPE: KeyType.RSA,
                Attribute.MODULUS: _big(secret.public_numbers.n),
                Attribute.PUBLIC_EXPONENT: _big(secret.public_numbers.e),
            }
            own = {
                Attribute.PRIVATE_EXPONENT: _big(secret.d),
                Attribute.PRIME_1: _big(secret.p),
                Attribute.PRIME_2: _big(secret.q),
                Attribute.EXPONENT_1: _big(secret.dmp1),
                Attribute.EXPONENT_2: _big(secret.dmq1),
                Attribute.COEFFICIENT: _big(secret.iqmp),
            }
            seen = {}
        case _:
            message = f"The key {name} is of a kind that step-ca cannot use from a token."
            raise TokenError(message)
    return [common | private | both | own, common | shown | both | seen]


def _prove(private: Any, key: SupportedKey) -> None:  # noqa: ANN401 - whatever the module's classes are
    """Have the token sign something, and verify it with the key that was sealed. Raises TokenError."""
    from pkcs11 import Mechanism

    public = key.public_key()
    digest = hashlib.sha256(_PROOF).digest()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            raw = private.sign(digest, mechanism=Mechanism.ECDSA)
            half = len(raw) // 2
            numbers = (int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
            hashed = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
            public.verify(utils.encode_dss_signature(*numbers), digest, hashed)
        elif isinstance(public, rsa.RSAPublicKey):
            signed = private.sign(_PROOF, mechanism=Mechanism.SHA256_RSA_PKCS)
            public.verify(signed, _PROOF, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        message = (
            "What the token signed does not verify with the key that was stored: it was removed. Try another token."
        )
        raise TokenError(message) from None


def _octet_string(content: bytes) -> bytes:
    """An OCTET STRING in DER: how tokens want a point of a curve. At most 255 bytes."""
    length = bytes([len(content)]) if len(content) < 0x80 else bytes([0x81, len(content)])  # noqa: PLR2004 - of DER
    return b"\x04" + length + content


def _big(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _text(said: str | bytes) -> str:
    """What a token says, as a line that can be shown."""
    line = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return "".join(each for each in line if each.isprintable()).strip()


def _said(error: BaseException) -> str:
    """The kind of an error, and what the module said of it, which is no secret."""
    return " ".join(filter(None, [type(error).__name__, str(error)]))
