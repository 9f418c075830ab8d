"""RSA keys and certificates of services: our own towards a provider of people, and theirs as their metadata shows them.

XML signatures and encryption ask for RSA.  Such certificates are believed because somebody named them, not because
of who issued them or until when they are valid: their key is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from appliance.core.clock import utc_now
from appliance.errors import InvalidInput

_KEY_BITS: Final = 3072
#: A shorter RSA key of somebody else proves nothing any more (NIST SP 800-131A).
_FEWEST_BITS: Final = 2048
_FEWEST_CURVE_BITS: Final = 256
_VALID: Final = timedelta(days=3652)
_CLOCK_SLACK: Final = timedelta(hours=1)
_COMMON_NAME_LIMIT: Final = 64


@dataclass(frozen=True)
class ServiceIdentity:
    """A key (PKCS#8 in PEM, not encrypted) and its self-signed certificate (PEM)."""

    key_pem: str = field(repr=False)
    certificate_pem: str


@dataclass(frozen=True)
class CertificateFacts:
    """What tells one certificate from another.

    Attributes
    ----------
    sha256 : of the certificate (DER), hex
    expires_at : until when it calls itself valid
    """

    sha256: str
    expires_at: datetime


def new_service_identity(name: str) -> ServiceIdentity:
    """A new RSA key with a self-signed certificate in the name of ``name``: signs, and opens what is sealed for it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_COMMON_NAME_LIMIT])])
    start = utc_now() - _CLOCK_SLACK
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ServiceIdentity(private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())


def read_certificate(der: bytes) -> CertificateFacts:
    """What a certificate says about itself.

    Raises
    ------
    InvalidInput : it is none, or its key is too short to prove anything
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except ValueError as error:
        raise InvalidInput("certificate.broken", "This is no X.509 certificate.", "Take the whole of it.") from error
    is_long = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _FEWEST_BITS
    is_curve = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _FEWEST_CURVE_BITS
    if not is_long and not is_curve:
        hint = f"Use RSA with {_FEWEST_BITS} bits or more, or an elliptic curve with {_FEWEST_CURVE_BITS}."
        raise InvalidInput("certificate.weak", "The key of a certificate is too short, or of an unknown kind.", hint)
    return CertificateFacts(certificate.fingerprint(hashes.SHA256()).hex(), certificate.not_valid_after_utc)
