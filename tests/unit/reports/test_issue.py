"""What issuing a report leaves behind, and what other programs say about it."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.audit.entry import read_entry
from appliance.audit.proof import parse_proof
from appliance.core.canonical import canonical_bytes
from appliance.crypto.certificate import PdfIdentity
from appliance.errors import InvalidInput
from appliance.inspections.records import Inspection
from appliance.inspections.result import characteristic_table
from appliance.reports.issue import issue_report
from appliance.reports.pdf_signature import sign_pdf
from appliance.reports.sections.budget import draw_budgets
from appliance.reports.sheet import BOTTOM, Sheet
from tests.sample_inspection import empty_inspection, plate_with_boss, sample_field, sample_inspection
from tests.sample_report import ISSUED_AT, SampleReport, issue_sample
from tests.services import require


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return issue_sample(tmp_path_factory.mktemp("issue"))


@pytest.fixture(scope="module")
def statement(sample: SampleReport) -> Any:
    return json.loads(b64decode(json.loads(sample.issued.envelope.read_bytes())["payload"]))


def text_of(pdf: Path) -> str:
    require("pdftotext", shutil.which("pdftotext") is not None, "install poppler-utils")
    return subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout


def run(command: Sequence[str], **options: Any) -> str:
    return subprocess.run(list(command), capture_output=True, text=True, check=True, **options).stdout


def test_all_files_of_a_report_are_there(sample: SampleReport) -> None:
    names = {path.name for path in sample.folder.iterdir()}
    assert names == {"result.json", "report.json", "report.tlog-proof", "report.pdf", "evidence.zip"}


def test_the_statement_names_every_input_by_its_hash(statement: Any, sample: SampleReport, tmp_path: Path) -> None:
    inspection = sample_inspection(tmp_path)
    expected = {role: sha256(path.read_bytes()).hexdigest() for role, path in inspection.evidence.items()}
    expected["result"] = sha256(sample.issued.result.read_bytes()).hexdigest()
    assert {one["annotations"]["role"]: one["digest"]["sha256"] for one in statement["subject"]} == expected


def test_the_statement_holds_no_binary_float(statement: Any) -> None:
    def floats(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [found for one in value.values() for found in floats(one)]
        if isinstance(value, list):
            return [found for one in value for found in floats(one)]
        return [value] if isinstance(value, float) else []

    assert floats(statement) == []
    first = statement["predicate"]["characteristics"][0]
    assert (first["value_mm"], first["k"], first["characteristic"]["upper_mm"]) == ("0.004300", "2.0", "0.050000")


def test_the_log_entry_names_the_envelope(sample: SampleReport) -> None:
    entry = read_entry(parse_proof(sample.issued.proof.read_bytes()).extra)
    assert entry.kind == "report.issued"
    assert entry.subjects["envelope"] == sha256(sample.issued.envelope.read_bytes()).hexdigest()


def test_another_implementation_of_dsse_accepts_the_envelope(sample: SampleReport) -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    vkey = sample.keys.signer().verifier
    public = SSlibKey(vkey.label, "ed25519", "ed25519", {"public": vkey.public_key.hex()})
    envelope = Envelope.from_dict(json.loads(sample.issued.envelope.read_bytes()))
    assert envelope.verify([public], 1)


def pdfsig(pdf: Path, certificate_pem: bytes, folder: Path) -> str:
    """What pdfsig says about ``pdf`` when NSS trusts the certificate."""
    tools = shutil.which("pdfsig") and shutil.which("certutil")
    require("pdfsig and certutil", bool(tools), "install poppler-utils and libnss3-tools")
    (folder / "signer.pem").write_bytes(certificate_pem)
    database = folder / "nss"
    database.mkdir()
    run(["certutil", "-N", "-d", f"sql:{database}", "--empty-password"])
    added = ["-n", "d2r", "-t", "C,C,C", "-i", str(folder / "signer.pem")]
    run(["certutil", "-A", "-d", f"sql:{database}", *added])
    return run(["pdfsig", "-nssdir", f"sql:{database}", str(pdf)])


def test_pdfsig_finds_a_valid_signature_over_the_total_document(sample: SampleReport, tmp_path: Path) -> None:
    said = pdfsig(sample.issued.pdf, sample.keys.pdf_identity().certificate_pem, tmp_path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said


def test_pdfsig_trusts_the_certificate_of_the_key_store(sample: SampleReport, tmp_path: Path) -> None:
    said = pdfsig(sample.issued.pdf, sample.keys.pdf_identity().certificate_pem, tmp_path)
    assert "Certificate is Trusted." in said


def test_pdfsig_prints_its_three_sentences_for_a_certificate_that_nss_takes_as_an_anchor(tmp_path: Path) -> None:
    identity = anchor_identity()
    document = sheet_of_one_line().to_bytes()
    (tmp_path / "signed.pdf").write_bytes(sign_pdf(document, identity, "Test"))
    said = pdfsig(tmp_path / "signed.pdf", identity.certificate_pem, tmp_path)
    for sentence in ("Signature is Valid.", "Certificate is Trusted.", "Total document signed"):
        assert sentence in said


def test_pdfsig_sees_a_changed_byte_too(sample: SampleReport, tmp_path: Path) -> None:
    data = bytearray(sample.issued.pdf.read_bytes())
    data[data.index(b"/Title")] ^= 1
    (tmp_path / "changed.pdf").write_bytes(data)
    said = pdfsig(tmp_path / "changed.pdf", sample.keys.pdf_identity().certificate_pem, tmp_path)
    assert "Signature is Valid." not in said


def sheet_of_one_line() -> Sheet:
    sheet = Sheet(title="Test", subject="Test", running_title="Test", running_right="1", issued_at=ISSUED_AT)
    sheet.paragraph("One line.")
    return sheet


def anchor_identity() -> PdfIdentity:
    """A P-256 identity whose self-signed certificate may stand at the root of a chain."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "d2r.example/anchor")])
    usage = x509.KeyUsage(True, True, False, False, False, True, False, False, False)
    start = datetime.now(UTC) - timedelta(hours=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=365))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    certificate = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    der, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(der, pkcs8, serialization.NoEncryption())
    return PdfIdentity(private, certificate.public_bytes(der))


def test_the_pdf_declares_pdf_a_3b_and_embeds_statement_and_proof(sample: SampleReport, tmp_path: Path) -> None:
    data = sample.issued.pdf.read_bytes()
    assert b"<pdfaid:part>3</pdfaid:part>" in data
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in data
    require("pdfdetach", shutil.which("pdfdetach") is not None, "install poppler-utils")
    run(["pdfdetach", "-saveall", "-o", str(tmp_path), str(sample.issued.pdf)])
    assert (tmp_path / "report.json").read_bytes() == sample.issued.envelope.read_bytes()
    assert (tmp_path / "report.tlog-proof").read_bytes() == sample.issued.proof.read_bytes()


def test_the_pdf_says_what_was_found(sample: SampleReport) -> None:
    said = text_of(sample.issued.pdf)
    result = ("Fail", "Boss top wear", "−0.1621", "0.0249", "3 triangles have no area", "fit on reference zones")
    frame = ("HK2-004711", "2027-03-14", "ISO 14253-1:2017", "Page 1 of", "End of report")
    for expected in (*result, *frame, sample.issued.number, sample.issued.envelope_sha256):
        assert expected in said, expected
    pages = said.count("\f")
    assert f"Page {pages} of {pages}" in said


def test_the_qr_code_holds_the_checkpoint(sample: SampleReport, tmp_path: Path) -> None:
    """Its modules are compared with another making of the same text, cut out of the rendered page."""
    import segno

    checkpoint = bytes(parse_proof(sample.issued.proof.read_bytes()).note).decode()
    expected = np.array(segno.make_qr(checkpoint, error="m").matrix) > 0
    require("pdfimages", shutil.which("pdfimages") is not None, "install poppler-utils")
    run(["pdfimages", "-png", str(sample.issued.pdf), str(tmp_path / "image")])
    from PIL import Image

    pictures = [np.asarray(Image.open(path).convert("L")) for path in sorted(tmp_path.glob("image*.png"))]
    side = 8 * (len(expected) + 4)
    [code] = [picture for picture in pictures if picture.shape == (side, side)]
    assert ((code[4::8, 4::8] < 128)[2:-2, 2:-2] == expected).all()


@pytest.mark.parametrize("decision", ["pass", "inconclusive", "not_measured"])
def test_every_verdict_has_its_word_and_its_mark(tmp_path: Path, decision: str) -> None:
    inspection = sample_inspection(tmp_path / "evidence", decision, instrument=decision == "pass", long_names=True)
    words = {"pass": "Pass", "inconclusive": "Inconclusive", "not_measured": "Not measured"}
    said = text_of(issue_sample(tmp_path, inspection).issued.pdf)
    assert words[decision] in said
    assert ("none was given" in said) == (decision != "pass")


def test_nothing_seen_still_makes_a_report(tmp_path: Path) -> None:
    said = text_of(issue_sample(tmp_path, empty_inspection(tmp_path / "evidence")).issued.pdf)
    assert "Not measured" in said
    assert "there is nothing to distribute" in said
    assert "there is no budget" in said


def test_strange_names_are_printed_and_not_dropped(tmp_path: Path) -> None:
    base = sample_inspection(tmp_path / "evidence")
    plan = replace(base.plan, name="轴承 plate \x07 " + "x" * 200)
    said = text_of(issue_sample(tmp_path, replace(base, plan=plan)).issued.pdf)
    assert "<U+8F74><U+627F> plate <U+0007>" in said


def many_characteristics(base: Inspection, number: int) -> Inspection:
    results = tuple(
        replace(one, characteristic=replace(one.characteristic, name=f"Characteristic {k} " + "long " * 8))
        for k in range(number)
        for one in [base.verdict.results[k % len(base.verdict.results)]]
    )
    return replace(base, verdict=replace(base.verdict, results=results, reasons=("A reason. " * 30,) * 9))


def test_a_plan_of_120_characteristics_runs_over_pages_and_ends_properly(tmp_path: Path) -> None:
    inspection = many_characteristics(sample_inspection(tmp_path / "evidence"), 120)
    said = text_of(issue_sample(tmp_path, inspection).issued.pdf)
    assert all(f"Characteristic {k}" in said for k in range(120))
    pages = said.split("\f")[:-1]
    assert len(pages) >= 10
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]
    assert "End of report" in pages[-1]


@pytest.mark.parametrize("room_mm", [5.0, 20.0, 35.0, 50.0, 65.0, 70.0, 75.0, 80.0, 85.0, 95.0])
def test_the_title_of_the_budgets_stands_on_the_page_of_the_first(
    tmp_path: Path, room_mm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet, pages = sheet_of_one_line(), dict[str, int]()
    draw = Sheet.text

    def noted(self: Sheet, x: float, y: float, text: str, *face: Any, **options: Any) -> None:
        pages.setdefault(text, self.page_count)
        draw(self, x, y, text, *face, **options)

    monkeypatch.setattr(Sheet, "text", noted)
    sheet.y = BOTTOM - room_mm
    draw_budgets(sheet, SimpleNamespace(inspection=sample_inspection(tmp_path)))  # type: ignore[arg-type]
    assert pages["Uncertainty budget"] == pages["Contribution"] == pages["Combined, and expanded"]


def test_a_missing_scan_is_an_error_before_the_log_is_touched(sample: SampleReport, tmp_path: Path) -> None:
    base = sample_inspection(tmp_path / "evidence")
    broken = replace(base, evidence={**base.evidence, "scan": tmp_path / "gone.e57"})
    before = sample.log.size
    with pytest.raises(InvalidInput):
        issue_report(broken, tmp_path / "out", keys=sample.keys, log=sample.log, issued_at=ISSUED_AT)
    assert sample.log.size == before


def test_a_result_with_nan_is_refused(sample: SampleReport, tmp_path: Path) -> None:
    base = sample_inspection(tmp_path / "evidence")
    broken = replace(base, result={**base.result, "points": float("nan")})
    with pytest.raises(InvalidInput):
        issue_report(broken, tmp_path / "out", keys=sample.keys, log=sample.log, issued_at=ISSUED_AT)


def test_the_sample_field_is_empty_on_the_right_face() -> None:
    """The sample itself holds what the views must show: covered and uncovered surface."""
    mesh, zones = plate_with_boss()
    centres = mesh.vertices_mm[mesh.triangles].mean(axis=1)
    empty = np.isnan(sample_field(centres))
    assert empty[zones["side_right"].triangles].all()
    assert not empty[zones["plate_top"].triangles].any()


def test_a_value_whose_uncertainty_is_not_known_is_printed_without_one(tmp_path: Path) -> None:
    inspection = sample_inspection(tmp_path)
    first, *others = inspection.verdict.results
    lines = tuple(replace(line, u_mm=None, source="not known here") for line in first.budget)
    first = replace(first, u_mm=None, guard_band_mm=None, conformance_probability=None, budget=lines)
    verdict = replace(inspection.verdict, results=(first, *others))
    issued = issue_sample(tmp_path / "unknown", replace(inspection, verdict=verdict)).issued
    said = json.loads(b64decode(json.loads(issued.envelope.read_bytes())["payload"]))
    assert said["predicate"]["characteristics"][0]["u_mm"] is None
    assert "not known here" in text_of(issued.pdf)
    assert json.loads(canonical_bytes(characteristic_table(first)))["budget"][0]["u_mm"] is None
