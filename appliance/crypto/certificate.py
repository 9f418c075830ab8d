"""The gate to ``cryptography``: the P-256 key and certificate that sign PDF files.

PDF readers do not know Ed25519, so the PDF carries an ECDSA P-256 signature (PAdES B-B) next to
the Ed25519 envelope that it embeds.  The certificate is self-signed: an auditor trusts it by its
fingerprint, as with the verifier keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.core.clock import utc_now
from appliance.errors import Misconfigured

#: Signatures must outlive the records' retention; ten years is the longest common one in the field.
VALID_YEARS: Final = 10
_CLOCK_SLACK: Final = timedelta(hours=1)
_COMMON_NAME_LIMIT: Final = 64


@dataclass(frozen=True)
class PdfIdentity:
    """What pyHanko's ``SimpleSigner`` needs, as DER bytes.

    Attributes
    ----------
    key_der : PKCS#8 PrivateKeyInfo, not encrypted
    certificate_der : the self-signed X.509 certificate
    """

    key_der: bytes = field(repr=False)
    certificate_der: bytes

    @property
    def certificate_pem(self) -> bytes:
        """The certificate for an auditor's trust store."""
        return x509.load_der_x509_certificate(self.certificate_der).public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return x509.load_der_x509_certificate(self.certificate_der).fingerprint(hashes.SHA256()).hex()


def new_pdf_identity(name: str) -> PdfIdentity:
    """A new P-256 key with a self-signed certificate in the name of ``name``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_COMMON_NAME_LIMIT])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    start = utc_now() - _CLOCK_SLACK
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365.25 * VALID_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_documents(), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return PdfIdentity(key_der, certificate.public_bytes(serialization.Encoding.DER))


def check_pdf_identity(identity: PdfIdentity) -> PdfIdentity:
    """``identity``, if its key belongs to its certificate.

    Raises
    ------
    Misconfigured : the two cannot be read or do not belong together
    """
    try:
        key = serialization.load_der_private_key(identity.key_der, password=None)
        certificate = x509.load_der_x509_certificate(identity.certificate_der)
    except ValueError as error:
        raise Misconfigured("keys.pdf", f"The PDF key cannot be read: {error}.") from error
    if key.public_key() != certificate.public_key():
        raise Misconfigured("keys.pdf", "The PDF key and its certificate do not belong together.")
    return identity


def _signs_documents() -> x509.KeyUsage:
    """Signs documents, and vouches for itself: NSS takes a self-signed anchor only if it may sign certificates."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
