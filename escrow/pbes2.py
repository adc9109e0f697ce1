"""PBES2 (RFC 8018) as step-ca reads it: PBKDF2-HMAC-SHA256 and AES-256-CBC around a PKCS#8 key.

cryptography cannot set the iteration count. pycryptodome can, but leaves out the NULL after the PRF's identifier
(RFC 8018, B.1.2 asks for it), and step-ca then fails to parse the key. So the structure is laid out here, from
the library's primitives. Leaves the key on heap and stack: call in a worker.
"""

import os

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.x509 import ObjectIdentifier

ITERATIONS = 600_000  # OWASP's figure (December 2022), and what step itself writes

_PBES2 = ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2 = ObjectIdentifier("1.2.840.113549.1.5.12")
_HMAC_SHA256 = ObjectIdentifier("1.2.840.113549.2.9")
_AES256_CBC = ObjectIdentifier("2.16.840.1.101.3.4.1.42")
_KEY, _SALT, _BLOCK = 32, 16, 16


@asn1.sequence
class _Prf:
    algorithm: ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _Pbkdf2Parameters:
    salt: bytes
    iterations: int
    prf: _Prf  # the optional keyLength before it stays out: step-ca does not know it


@asn1.sequence
class _KeyDerivation:
    algorithm: ObjectIdentifier
    parameters: _Pbkdf2Parameters


@asn1.sequence
class _Encryption:
    algorithm: ObjectIdentifier
    iv: bytes


@asn1.sequence
class _Pbes2Parameters:
    derivation: _KeyDerivation
    encryption: _Encryption


@asn1.sequence
class _Algorithm:
    algorithm: ObjectIdentifier
    parameters: _Pbes2Parameters


@asn1.sequence
class _EncryptedPrivateKeyInfo:
    algorithm: _Algorithm
    data: bytes


def encrypt(key: bytes, password: bytes) -> bytes:
    """Encrypt a PKCS#8 key (DER) into an EncryptedPrivateKeyInfo (RFC 5958; DER)."""
    salt, iv = os.getrandom(_SALT), os.getrandom(_BLOCK)
    derived = PBKDF2HMAC(hashes.SHA256(), _KEY, salt, ITERATIONS).derive(password)
    padder = padding.PKCS7(8 * _BLOCK).padder()
    padded = padder.update(key) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(derived), modes.CBC(iv)).encryptor()
    prf = _Prf(algorithm=_HMAC_SHA256, parameters=asn1.Null())
    parameters = _Pbkdf2Parameters(salt=salt, iterations=ITERATIONS, prf=prf)
    return asn1.encode_der(
        _EncryptedPrivateKeyInfo(
            algorithm=_Algorithm(
                algorithm=_PBES2,
                parameters=_Pbes2Parameters(
                    derivation=_KeyDerivation(algorithm=_PBKDF2, parameters=parameters),
                    encryption=_Encryption(algorithm=_AES256_CBC, iv=iv),
                ),
            ),
            data=encryptor.update(padded) + encryptor.finalize(),
        )
    )
