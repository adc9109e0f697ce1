"""A client of a step-ca on this machine: whether it is healthy, and a certificate from it.

TLS is verified against the root and against a name of the CA, although the connection goes to loopback. What is asked
for is allowed by a token (JWT, ES256) of a JWK provisioner, as `step ca certificate` makes it (RFC 7515, 7518, 7519).
"""

import http.client
import ipaddress
import json
import os
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from escrow import certificates, jwe
from escrow.errors import CertificateError
from escrow.online.provisioner import public_jwk

LOOPBACK = "127.0.0.1"
_WITHIN = 20.0  # seconds, for one answer
_VALID = 300  # seconds, of a token
_OK = 200
_CREATED = 201
_OCTETS = 32  # of each half of a signature with P-256 (RFC 7518, 3.4)


@dataclass(frozen=True)
class Provisioner:
    """A JWK provisioner whose key is in this object alone: for a CA that ends before this program does."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)

    @property
    def entry(self) -> dict[str, Any]:
        """What stands for it in ca.json."""
        return {"type": "JWK", "name": self.name, "key": public_jwk(self.key.public_key())}

    def token(self, subject: str, audience: str) -> str:
        """What allows its bearer one certificate with this subject."""
        now = int(time.time())
        head = {"alg": "ES256", "kid": self.entry["key"]["kid"], "typ": "JWT"}
        times = {"iat": now, "nbf": now, "exp": now + _VALID}
        asked = {"iss": self.name, "sub": subject, "sans": [subject], "aud": audience, "jti": os.getrandom(16).hex()}
        signed = ".".join(jwe.encoded(json.dumps(part).encode()) for part in (head, asked | times))
        r, s = utils.decode_dss_signature(self.key.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{jwe.encoded(r.to_bytes(_OCTETS, 'big') + s.to_bytes(_OCTETS, 'big'))}"


@dataclass(frozen=True)
class Client:
    """Of the CA that listens at a port of loopback, answers to `name`, and has this root (PEM)."""

    port: int
    name: str
    root: str

    def is_healthy(self) -> bool:
        """Whether it says so. Raises OSError while it does not listen, or shows a certificate of another CA."""
        status, answer = self._ask("GET", "/health")
        return status == _OK and answer.get("status") == "ok"

    def issue(self, provisioner: Provisioner, issuer: x509.Certificate) -> x509.Certificate:
        """Have a certificate issued for the name, to a key that is thrown away, and verify it.

        Raises CertificateError if it is refused, or not signed by this issuer; OSError if there is no answer.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general_name(self.name)])
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=True)
        )
        csr = request.sign(key, hashes.SHA256())
        audience = f"https://{self.name}/1.0/sign"
        asked = {
            "csr": csr.public_bytes(serialization.Encoding.PEM).decode("ascii"),
            "ott": provisioner.token(self.name, audience),
        }
        status, answer = self._ask("POST", "/1.0/sign", json.dumps(asked))
        if status != _CREATED:
            message = f"step-ca did not issue a certificate: {status}, {answer.get('message', 'without a reason')}"
            raise CertificateError(message)
        issued = certificates.read(str(answer.get("crt")).encode(), "What step-ca issued")[0]
        if issued.public_key() != key.public_key() or not certificates.is_issued(issuer, issued):
            message = "What step-ca issued is not signed by the restored intermediate, or is for another key."
            raise CertificateError(message)
        return issued

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
        context = ssl.create_default_context(cadata=self.root)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # roots of older tools lack what it wants of an extension
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=_WITHIN)
        try:
            plain = socket.create_connection((LOOPBACK, self.port), _WITHIN)
            connection.sock = context.wrap_socket(plain, server_hostname=self.name)
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            content = json.loads(answer.read(1 << 20) or b"{}")
        except (http.client.HTTPException, ValueError) as error:
            message = f"what listens there is no step-ca ({type(error).__name__})"
            raise OSError(message) from None
        finally:
            connection.close()
        return answer.status, content if isinstance(content, dict) else {}


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
