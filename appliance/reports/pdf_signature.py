"""PAdES signatures of reports: making them, and holding a PDF to every one of its bytes (only importer of pyhanko).

A signature cannot cover itself, so a PDF has a gap that holds it.  A verifier that only asks
whether the signature is valid lets bytes in the gap change: padding, the case of hex digits,
fields of the CMS container that are not signed.  Here the container is rebuilt from its signed
parts and compared, so that the gap has one spelling as well.

Source: ISO 32000-1 12.8, ETSI EN 319 142-1 (B-B), RFC 5652.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from asn1crypto import cms, keys, x509  # type: ignore[import-untyped]
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from appliance.crypto.certificate import PdfIdentity
from appliance.errors import Modified

_FIELD: Final = "D2R_Report"
_BYTE_RANGE: Final = re.compile(rb"/ByteRange ?\[ ?(\d{1,12}) (\d{1,12}) (\d{1,12}) (\d{1,12}) *\]")


@dataclass(frozen=True)
class SignedPdf:
    """What a PDF holds that its signature covers."""

    certificate_sha256: str
    attachments: dict[str, bytes]


def sign_pdf(document: bytes, identity: PdfIdentity, reason: str) -> bytes:
    """``document`` with a certifying PAdES B-B signature that allows no later change."""
    certificate = x509.Certificate.load(identity.certificate_der)
    signer = SimpleSigner(
        signing_cert=certificate,
        signing_key=keys.PrivateKeyInfo.load(identity.key_der),
        cert_registry=SimpleCertificateStore(),
    )
    metadata = PdfSignatureMetadata(
        field_name=_FIELD,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha256",
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=reason,
    )
    target = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    _outside_of_event_loops(lambda: PdfSigner(metadata, signer).sign_pdf(writer, output=target))
    return target.getvalue()


def verify_pdf(data: bytes) -> SignedPdf:
    """The certificate and the attachments of a report PDF, if one signature covers all of it.

    0. The bytes around the gap have the digest that the container states.
    1. It is a PDF with exactly one signature: a second one could show another document.
    2. The signature covers the file from its first byte to its last, except its own gap.
    3. The gap has one spelling: rebuilt from the signed parts, it gives the same bytes.
    4. The signature is valid under the certificate that it names.

    Not checked here: whose certificate that is.  The caller compares its SHA-256 with the one
    that the signed statement names.

    Raises
    ------
    Modified : any step fails
    """
    # 0. The digest, before a parser sees a byte that was not signed.
    _refuse_other_digest(data)
    try:
        # 1. One signature.
        reader = PdfFileReader(io.BytesIO(data), strict=True)
        signatures = reader.embedded_signatures
        if len(signatures) != 1:
            raise _changed(f"it carries {len(signatures)} signatures instead of one")
        # 2. From the first byte to the last.
        gap = _gap(data, [int(position) for position in signatures[0].byte_range])
        # 3. One spelling.
        _refuse_other_spelling(gap)
        # 4. Valid.
        certificate = signatures[0].signer_cert
        _refuse_invalid(signatures[0], certificate)
        return SignedPdf(certificate.sha256.hex(), _attachments(reader))
    except (PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OSError) as error:
        raise _changed("it cannot be read as the signed document that it was") from error


def _refuse_other_digest(data: bytes) -> None:
    """Step 0: found by pattern, so that damaged files never reach the PDF parser."""
    ranges = [[int(number) for number in match.groups()] for match in _BYTE_RANGE.finditer(data)]
    if len(ranges) != 1:
        raise _changed("it does not carry the one signature that it had")
    gap = _gap(data, ranges[0])
    try:
        info = cms.ContentInfo.load(bytes.fromhex(gap[1:-1].decode("ascii")))
        [signer] = info["content"]["signer_infos"]
        [stated] = [
            attribute["values"][0].native
            for attribute in signer["signed_attrs"]
            if attribute["type"].native == "message_digest"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _changed("its signature was altered") from error
    if sha256(data[: ranges[0][1]] + data[ranges[0][2] :]).digest() != stated:
        raise _changed("its content is not what was signed")


def _gap(data: bytes, byte_range: list[int]) -> bytes:
    if len(byte_range) != 4:
        raise _changed("its signature does not cover all of it")
    start, before, after, rest = byte_range
    if start != 0 or not 0 < before < after or after + rest != len(data):
        raise _changed("its signature does not cover all of it")
    return data[before:after]


def _refuse_other_spelling(gap: bytes) -> None:
    """The gap is ``<``, the container in upper-case hex, zeros, ``>``."""
    content = gap[1:-1]
    if gap[:1] != b"<" or gap[-1:] != b">" or not set(content) <= set(b"0123456789ABCDEF"):
        raise _changed("the place of its signature was altered")
    raw = bytes.fromhex(content.decode("ascii"))
    container = _rebuilt(cms.ContentInfo.load(raw))
    if raw[: len(container)] != container or any(raw[len(container) :]):
        raise _changed("its signature was altered")


def _rebuilt(info: Any) -> bytes:
    """The container with nothing but the certificate, the signed attributes and the signature taken over."""
    [certificate] = info["content"]["certificates"]
    [signer] = info["content"]["signer_infos"]
    issuer = {"issuer": certificate.chosen.issuer, "serial_number": certificate.chosen.serial_number}
    digest = cms.DigestAlgorithm({"algorithm": "sha256"})
    fresh = cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": cms.SignedData(
                {
                    "version": "v1",
                    "digest_algorithms": cms.DigestAlgorithms((digest,)),
                    "encap_content_info": {"content_type": "data"},
                    "certificates": [cms.CertificateChoices(name="certificate", value=certificate.chosen)],
                    "signer_infos": [
                        cms.SignerInfo(
                            {
                                "version": "v1",
                                "sid": cms.SignerIdentifier(
                                    {"issuer_and_serial_number": cms.IssuerAndSerialNumber(issuer)}
                                ),
                                "digest_algorithm": digest,
                                "signature_algorithm": cms.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                                "signed_attrs": cms.CMSAttributes(list(signer["signed_attrs"])),
                                "signature": signer["signature"].native,
                            }
                        )
                    ],
                }
            ),
        }
    )
    return bytes(fresh.dump())


def _refuse_invalid(signature: Any, certificate: Any) -> None:
    context = ValidationContext(trust_roots=[certificate], allow_fetching=False, moment=_issue_moment(certificate))
    status = _outside_of_event_loops(lambda: validate_pdf_signature(signature, signer_validation_context=context))
    if not (status.intact and status.valid and status.coverage == SignatureCoverageLevel.ENTIRE_FILE):
        raise _changed("its content is not what was signed")


def _issue_moment(certificate: Any) -> Any:
    """A moment within the certificate's life: age is judged by the log, not by the verifier's clock."""
    return certificate["tbs_certificate"]["validity"]["not_before"].native


def _attachments(reader: PdfFileReader) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for reference in reader.root.get("/AF", ()):
        record = reference.get_object() if hasattr(reference, "get_object") else reference
        found[str(record["/UF"] if "/UF" in record else record["/F"])] = bytes(record["/EF"]["/F"].data)
    return found


def _outside_of_event_loops(work: Callable[[], Any]) -> Any:
    """pyHanko runs an event loop of its own, which a thread that already has one refuses."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def _changed(why: str) -> Modified:
    return Modified("pdf.changed", f"The PDF was changed: {why}.")
