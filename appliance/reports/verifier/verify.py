#!/usr/bin/env python3
"""Verify the evidence pack of an inspection report with nothing but Python 3.9 and its standard library.

    python3 verify.py evidence.zip --trust KEY [--trust KEY ...] [--require-anchor]
    python3 verify.py report.json  --trust KEY          (uses report.tlog-proof beside it)

KEY is a verifier key (name+id+base64) or a file with one a line. Get it, and the SHA-256 of this
program, from a source other than the pack: a verifier that came with the evidence proves little.

Exit codes: 0 UNMODIFIED, 1 MODIFIED, 2 NOT PROVABLE, 3 wrong use.

The steps, each of which is named again where it is done:
1. The ZIP has the one spelling that its members give it.
2. A trusted key signed the statement (DSSE envelope, Ed25519).
3. The log's proof leads from an entry that names the statement to a checkpoint that a trusted key signed.
4. Witnesses among the trusted keys cosigned that checkpoint.
5. report.pdf is signed as a whole (PAdES, ECDSA P-256) by the certificate that the statement names, and embeds it.
6. Every file that the statement names is there with its hash, and nothing was added.
Not checked: whether the verdict itself is right. That takes the engine: d2r replay.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import re
import struct
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

ENVELOPE, PROOF, PDF, RESULT, MANIFEST = (
    "report.json", "report.tlog-proof", "report.pdf", "result.json", "MANIFEST.sha256",
)  # fmt: skip
CONSTANT = ("README.txt", "verify.html", "verify.py")
FRONT = ("README.txt", PDF, ENVELOPE, PROOF, RESULT, "verify.html", "verify.py")
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:d2r-appliance:inspection-report:v1"
ENTRY_KIND = "report.issued"

Point = tuple[int, int, int, int]
Place = tuple[int, int]
#: Name, CRC, size, offset.
Member = tuple[str, int, int, int]
#: Start of the data, size, CRC.
Part = tuple[int, int, int]
#: Origin of the log, index of the entry, witnesses as (unix time, name).
Logged = tuple[str, int, list[tuple[int, str]]]


class Modified(Exception):
    """Bytes differ from what was signed."""


class NotProvable(Exception):
    """Something that a proof needs is missing."""


def check(condition: Any, message: str) -> None:
    """Raise Modified unless ``condition`` holds."""
    if not condition:
        raise Modified(message)


# -- Ed25519 (RFC 8032), verification alone -------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_M1 = pow(2, (P - 1) // 4, P)


def point_decode(data: bytes) -> Point | None:
    """A point in extended coordinates, or None where ``data`` is not its one encoding."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * ROOT_M1 % P
    if (v * x * x - u) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def point_add(a: Point, b: Point) -> Point:
    """Sum of two points."""
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    three, four = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_multiply(scalar: int, point: Point) -> Point:
    """``scalar`` times ``point``."""
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = point_add(result, point)
        point, scalar = point_add(point, point), scalar >> 1
    return result


def same_point(a: Point, b: Point) -> bool:
    """Whether two points are one; the third coordinate is a common factor."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = point_decode(BASE_Y.to_bytes(32, "little")) or (0, 1, 1, 0)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is valid. Refuses S >= L, and keys and R of small order, as libsodium does."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r = point_decode(public), point_decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    if any(same_point(point_multiply(8, point), (0, 1, 1, 0)) for point in (key, r)):
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same_point(point_multiply(s, BASE), point_add(r, point_multiply(h, key)))


# -- ECDSA on P-256 (FIPS 186-4), verification alone ------------------------------------------------
Q = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def curve_add(a: Place | None, b: Place | None) -> Place | None:
    """Sum of two points; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % Q == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], Q - 2, Q) % Q
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], Q - 2, Q) % Q
    x = (slope * slope - a[0] - b[0]) % Q
    return x, (slope * (a[0] - x) - a[1]) % Q


def curve_multiply(scalar: int, point: Place | None) -> Place | None:
    """``scalar`` times ``point``."""
    result = None
    while scalar:
        if scalar & 1:
            result = curve_add(result, point)
        point, scalar = curve_add(point, point), scalar >> 1
    return result


def ecdsa_verifies(point: Place, message: bytes, r: int, s: int) -> bool:
    """Whether (r, s) signs ``message`` with SHA-256 under the public ``point``."""
    x, y = point
    if not (0 < r < N and 0 < s < N and x < Q and y < Q) or (y * y - x**3 + 3 * x - B) % Q:
        return False
    w, e = pow(s, N - 2, N), int.from_bytes(hashlib.sha256(message).digest(), "big")
    found = curve_add(curve_multiply(e * w % N, G), curve_multiply(r * w % N, point))
    return found is not None and found[0] % N == r


# -- text forms ---------------------------------------------------------------------------------------
def b64(text: str) -> bytes:
    """Strict base64: what decodes also encodes back."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Modified("base64 in it is damaged") from None
    check(base64.b64encode(data).decode() == text, "base64 in it is not in its one spelling")
    return data


def canonical(data: bytes, what: str) -> Any:
    """JSON that is in its one spelling (RFC 8785)."""
    try:
        record = json.loads(data.decode("utf-8"))
        spelled = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Modified(f"{what} is damaged") from None
    check(spelled == data, f"{what} is not in its one spelling")
    return record


class Key:
    """A verifier key ``name+id+base64``."""

    def __init__(self, text: str) -> None:
        name, identity, encoded = text.split("+", 2)
        blob = base64.b64decode(encoded, validate=True)
        self.name, self.algorithm, self.public = name, blob[0], blob[1:]
        self.id = hashlib.sha256(name.encode() + b"\n" + blob).digest()[:4]
        if self.id.hex() != identity or self.algorithm not in (1, 4) or len(self.public) != 32:
            raise ValueError(f"'{name}' is not a verifier key")
        self.label = f"{name}+{identity}"

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made ``signature``."""
        return ed25519_verifies(self.public, message, signature)


# -- 1. the ZIP -------------------------------------------------------------------------------------------
LOCAL, CENTRAL = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I")
END, END64, LOCATOR64 = struct.Struct("<4s4H2IH"), struct.Struct("<4sQ2H2I4Q"), struct.Struct("<4sIQI")
MAX32 = 0xFFFFFFFF


def local_header(name: str, crc: int, size: int) -> bytes:
    """The header before the data of a member."""
    large, raw = size >= MAX32, name.encode()
    extra = struct.pack("<2H2Q", 1, 16, size, size) if large else b""
    shown = MAX32 if large else size
    fixed = LOCAL.pack(b"PK\3\4", 45 if large else 20, 0x800, 0, 0, 0x21, crc, shown, shown, len(raw), len(extra))
    return fixed + raw + extra


def directory(members: Sequence[Member]) -> bytes:
    """Central directory and end records of ``(name, crc, size, offset)``."""
    central, start = b"", 0
    for name, crc, size, offset in members:
        raw = name.encode()
        wide = ([size] * 2 if size >= MAX32 else []) + ([offset] if offset >= MAX32 else [])
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        shown, place, version = min(size, MAX32), min(offset, MAX32), 45 if wide else 20
        central += CENTRAL.pack(
            b"PK\1\2", 768 | version, version, 0x800, 0, 0, 0x21, crc, shown, shown, len(raw), len(extra), 0, 0, 0,
            0o100644 << 16, place,
        ) + raw + extra  # fmt: skip
        start = offset + len(local_header(name, crc, size)) + size
    count, end = len(members), b""
    if start >= MAX32:
        end = END64.pack(b"PK\6\6", 44, 813, 45, 0, 0, count, count, len(central), start)
        end += LOCATOR64.pack(b"PK\6\7", 0, start + len(central), 1)
    return central + end + END.pack(b"PK\5\6", 0, 0, count, count, len(central), min(start, MAX32), 0)


def read_members(file: IO[bytes], size: int) -> list[Member]:
    """What the central directory claims: ``(name, crc, size, offset)``."""
    file.seek(max(size - END.size, 0))
    magic, _, _, count, _, length, start, _ = END.unpack(file.read(END.size))
    check(magic == b"PK\5\6" and count <= 1000 and length <= 1 << 20, "the ZIP does not end as a pack does")
    if start == MAX32:
        file.seek(size - END.size - LOCATOR64.size - END64.size)
        start = END64.unpack(file.read(END64.size))[-1]
    file.seek(start)
    central, position, members = file.read(length), 0, []
    for _ in range(count):
        fields = CENTRAL.unpack_from(central, position)
        crc, member_size, name_length, extra_length, offset = fields[7], fields[9], fields[10], fields[11], fields[16]
        position += CENTRAL.size
        name = central[position : position + name_length].decode()
        extra = central[position + name_length : position + name_length + extra_length]
        wide = list(struct.unpack(f"<{max(len(extra) - 4, 0) // 8}Q", extra[4:])) if extra else []
        if member_size == MAX32:
            member_size = wide.pop(0)
            wide.pop(0)
        if offset == MAX32:
            offset = wide.pop(0)
        members.append((name, crc, member_size, offset))
        position += name_length + extra_length
    return members


def open_pack(file: IO[bytes]) -> dict[str, Part]:
    """Step 1. Name -> (start, size) of the data; every other byte is regenerated and compared."""
    size = file.seek(0, io.SEEK_END)
    try:
        members = read_members(file, size)
        offset, parts = 0, {}
        for name, crc, member_size, place in members:
            header = local_header(name, crc, member_size)
            file.seek(offset)
            check(place == offset and file.read(len(header)) == header, f"the ZIP was changed at '{name}'")
            offset += len(header)
            parts[name] = (offset, member_size, crc)
            offset += member_size
        expected = directory(members)
        file.seek(min(offset, size))
        check(file.read(len(expected) + 1) == expected, "the ZIP's directory was changed")
    except (struct.error, ValueError, IndexError, OverflowError, OSError):
        raise Modified("the ZIP's directory was changed") from None
    check(len(parts) == len(members), "a name stands twice in the ZIP")
    return parts


def digest_part(file: IO[bytes], part: Part) -> str:
    """SHA-256 of a member, read in blocks; its CRC is checked on the way."""
    start, left, expected = part
    digest, crc = hashlib.sha256(), 0
    file.seek(start)
    while left:
        block = file.read(min(left, 1 << 20))
        check(block, "the ZIP ends too early")
        digest.update(block)
        crc, left = zlib.crc32(block, crc), left - len(block)
    check(crc == expected, "a file in the ZIP does not match its CRC")
    return digest.hexdigest()


# -- 2. the statement ---------------------------------------------------------------------------------------
def verify_statement(envelope: bytes, keys: Sequence[Key]) -> tuple[Any, Key]:
    """Step 2. The statement, if a trusted key signed it and no trusted key disagrees."""
    record = canonical(envelope, ENVELOPE)
    try:
        payload, kind = b64(record["payload"]), record["payloadType"]
        signatures = [(one["keyid"], b64(one["sig"])) for one in record["signatures"]]
        check(set(record) == {"payload", "payloadType", "signatures"}, f"{ENVELOPE} has other fields")
        check(all(set(one) == {"keyid", "sig"} for one in record["signatures"]), f"{ENVELOPE} has other fields")
        message = b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)
    except (KeyError, TypeError, AttributeError):
        raise Modified(f"{ENVELOPE} is damaged") from None
    signer = None
    for label, signature in signatures:
        for key in (key for key in keys if key.algorithm == 1):
            good = key.signed(message, signature)
            check(good or key.label != label, f"the statement differs from what '{key.name}' signed")
            check(key.label == label or not good, f"a signature of '{key.name}' stands under another name")
            signer = signer or (key if good else None)
    if signer is None:
        raise NotProvable(
            f"the statement is signed by '{signatures[0][0] if signatures else 'nobody'}', not a trusted key"
        )
    statement = canonical(payload, "the statement")
    check(kind == PAYLOAD_TYPE and statement.get("predicateType") == PREDICATE_TYPE, "it is no inspection report")
    return statement, signer


# -- 3. and 4. the log ----------------------------------------------------------------------------------------
def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees (RFC 6962)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion path leads to (RFC 9162, 2.1.3.2)."""
    check(0 <= index < size, "the proof's index lies outside of the log")
    fn, sn, value = index, size - 1, leaf
    for one in path:
        check(sn, "the proof is too long")
        if fn & 1 or fn == sn:
            value = node(one, value)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = node(value, one)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0, "the proof is too short")
    return value


def parse_proof(data: bytes) -> tuple[bytes, int, list[bytes], str, list[tuple[str, bytes, bytes]]]:
    """Entry, index, path, text of the checkpoint and its signature lines."""
    try:
        text = data.decode("utf-8")
        head, note = text.split("\n\n", 1)
        lines = head.split("\n")
        check(lines.pop(0) == "c2sp.org/tlog-proof@v1", f"{PROOF} is damaged")
        if not lines[0].startswith("extra "):
            raise NotProvable(f"{PROOF} does not carry the log entry")
        entry, index = b64(lines[0][6:]), lines[1][6:]
        check(lines[1].startswith("index ") and index == str(int(index)), f"{PROOF} is damaged")
        body, tail = note.rsplit("\n\n", 1)
        check(tail.endswith("\n"), f"{PROOF} is damaged")
        signatures = []
        for line in tail[:-1].split("\n"):
            dash, name, encoded = line.split(" ")
            blob = b64(encoded)
            check(dash == "\u2014" and len(blob) > 4, f"{PROOF} is damaged")
            signatures.append((name, blob[:4], blob[4:]))
        return entry, int(index), [b64(line) for line in lines[2:]], body + "\n", signatures
    except (ValueError, IndexError):
        raise Modified(f"{PROOF} is damaged") from None


def verify_log(envelope: bytes, statement: Any, proof: bytes, keys: Sequence[Key]) -> Logged:
    """Steps 3 and 4. Origin, index and the witnesses' (name, unix time), the earliest first."""
    entry_bytes, index, path, text, signatures = parse_proof(proof)
    # 3. A trusted key signed the checkpoint; the path leads to it; the entry names this report.
    origin, size, root = (text.split("\n") + ["", "", ""])[:3]
    # An appliance names its logs as itself or below itself; where two known names fit, the longer one owns the log.
    owner = max((key.name for key in keys if key.algorithm == 1 and f"{origin}/".startswith(f"{key.name}/")),
                key=len, default=None)  # fmt: skip
    signers, anchors = set(), []
    for name, identity, blob in signatures:
        for key in keys:
            if (key.name, key.id) != (name, identity):
                continue
            if key.algorithm == 1:
                check(key.signed(text.encode(), blob), f"the checkpoint differs from what '{name}' signed")
                signers.add(name)
            else:
                # 4. A witness and its time.
                check(len(blob) == 72, f"the cosignature of '{name}' is damaged")
                moment = int.from_bytes(blob[:8], "big")
                message = f"cosignature/v1\ntime {moment}\n{text}".encode()
                check(key.signed(message, blob[8:]), f"the checkpoint differs from what '{name}' cosigned")
                anchors.append((moment, name))
    if not signers:
        raise NotProvable("no trusted key signed the log's checkpoint")
    check(owner in signers, "the checkpoint is that of another log")
    check(size.isdigit() and str(int(size)) == size, "the checkpoint is damaged")
    leaf = hashlib.sha256(b"\0" + entry_bytes).digest()
    check(root_of(index, int(size), leaf, path) == b64(root), "the log does not hold the entry")
    entry = canonical(entry_bytes, "the log entry")
    named = {one["annotations"]["role"]: one["digest"]["sha256"] for one in statement["subject"]}
    named["envelope"] = hashlib.sha256(envelope).hexdigest()
    check(entry.get("kind") == ENTRY_KIND and entry.get("subjects") == named, "the log entry is another report's")
    return origin, index, sorted(anchors)


# -- 5. the PDF -----------------------------------------------------------------------------------------------
def der(data: bytes, position: int = 0) -> tuple[int, int, int]:
    """One DER element: tag, start of its content, end."""
    tag, length, start = data[position], data[position + 1], position + 2
    if length & 0x80:
        count = length & 0x7F
        check(0 < count <= 4, "the PDF's signature is damaged")
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
    check(start + length <= len(data), "the PDF's signature is damaged")
    return tag, start, start + length


def children(data: bytes, start: int, end: int) -> list[tuple[int, int, int, int]]:
    """The elements between two positions: (tag, first byte, start of content, end)."""
    found = []
    while start < end:
        tag, inner, stop = der(data, start)
        found.append((tag, start, inner, stop))
        start = stop
    check(start == end, "the PDF's signature is damaged")
    return found


MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
P256_KEY = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107034200")


def verify_pdf(pdf: bytes, envelope: bytes, proof: bytes, certificate_sha256: str) -> None:
    """Step 5. One signature over all of it, by the named certificate, with this envelope and proof inside."""
    ranges = re.findall(rb"/ByteRange ?\[ ?(\d{1,12}) (\d{1,12}) (\d{1,12}) (\d{1,12}) *\]", pdf)
    check(len(ranges) == 1, f"{PDF} does not carry the one signature that it had")
    zero, before, after, rest = map(int, ranges[0])
    whole = zero == 0 and 0 < before < after and after + rest == len(pdf)
    check(whole, f"the signature in {PDF} does not cover all of it")
    gap = pdf[before:after]
    check(re.fullmatch(rb"<[0-9A-F]*>", gap) and len(gap) % 2 == 0, f"the signature in {PDF} is damaged")
    try:
        raw = bytes.fromhex(gap[1:-1].decode())
        certificate, attributes, r, s = read_cms(raw)
        check(hashlib.sha256(certificate).hexdigest() == certificate_sha256, f"{PDF} is signed by another certificate")
        digest = hashlib.sha256(pdf[:before] + pdf[after:]).digest()
        wanted = MESSAGE_DIGEST + b"\x31\x22\x04\x20" + digest
        check(attributes.count(wanted) == 1, f"{PDF} is not what was signed")
        at = certificate.index(P256_KEY) + len(P256_KEY)
        check(certificate[at] == 4, f"the certificate of {PDF} is damaged")
        x, y = (int.from_bytes(certificate[at + 1 + k : at + 33 + k], "big") for k in (0, 32))
        check(ecdsa_verifies((x, y), attributes, r, s), f"{PDF} is not what was signed")
    except (ValueError, IndexError):
        raise Modified(f"the signature in {PDF} is damaged") from None
    for name, data in ((ENVELOPE, envelope), (PROOF, proof)):
        check(b"stream\n" + data + b"\nendstream" in pdf[:before], f"{PDF} does not embed this {name}")


def read_cms(raw: bytes) -> tuple[bytes, bytes, int, int]:
    """Certificate, signed attributes (as the SET that is signed), r and s of a CMS signature."""
    _, start, end = der(raw)
    check(not any(raw[end:]), f"the signature in {PDF} is damaged")
    content = children(raw, start, end)[1]
    signed = children(raw, *der(raw, content[2])[1:])
    certificates = next(one for one in signed if one[0] == 0xA0)
    certificate = raw[certificates[2] : certificates[3]]
    [info] = children(raw, signed[-1][2], signed[-1][3])
    fields = children(raw, info[2], info[3])
    check([one[0] for one in fields] == [0x02, 0x30, 0x30, 0xA0, 0x30, 0x04], f"the signature in {PDF} is damaged")
    attributes = b"\x31" + raw[fields[3][1] + 1 : fields[3][3]]
    _, inner, stop = der(raw, fields[5][2])
    r, s = (int.from_bytes(raw[one[2] : one[3]], "big") for one in children(raw, inner, stop))
    return certificate, attributes, r, s


# -- all of it ------------------------------------------------------------------------------------------------
def verify_pack(path: Path, keys: Sequence[Key]) -> tuple[Any, Key, Logged]:
    """Steps 1 to 6 on an evidence pack."""
    with open(path, "rb") as file:
        # 1. Structure.
        parts = open_pack(file)

        def read(name: str) -> bytes:
            if name not in parts:
                raise NotProvable(f"'{name}' is missing")
            check(parts[name][1] <= 256 << 20, f"'{name}' is too large")
            file.seek(parts[name][0])
            return file.read(parts[name][1])

        envelope, proof = read(ENVELOPE), read(PROOF)
        # 2. Statement.
        statement, signer = verify_statement(envelope, keys)
        predicate = statement["predicate"]
        # 3. and 4. Log.
        logged = verify_log(envelope, statement, proof, keys)
        # 5. The PDF.
        verify_pdf(read(PDF), envelope, proof, predicate["pdf_certificate_sha256"])
        # 6. The files.
        subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
        named = {**subjects, **predicate["pack_sha256"]}
        hashes = {name: digest_part(file, part) for name, part in parts.items()}
        for name, expected in named.items():
            if name not in hashes:
                raise NotProvable(f"'{name}' is missing")
            check(hashes[name] == expected, f"'{name}' differs from what was signed")
        order = [*FRONT, *(name for name in subjects if name != RESULT), MANIFEST]
        check(list(parts) == order, "files were added to the pack or stand in another order")
        lines = "".join(f"{hashes[name]}  {name}\n" for name in order[:-1]).encode()
        check(read(MANIFEST) == lines, f"{MANIFEST} does not describe the files beside it")
    return statement, signer, logged


def verify_envelope(path: Path, keys: Sequence[Key]) -> tuple[Any, Key, Logged | None]:
    """Steps 2 to 4 on a bare report.json; the proof beside it is used where there is one."""
    envelope = path.read_bytes()
    statement, signer = verify_statement(envelope, keys)
    proof = path.with_name(PROOF)
    return statement, signer, verify_log(envelope, statement, proof.read_bytes(), keys) if proof.exists() else None


def read_keys(texts: Sequence[str]) -> list[Key]:
    """The keys named on the command line: as they are, or in files."""
    lines: list[str] = []
    for text in texts:
        lines += Path(text).read_text("utf-8").splitlines() if Path(text).is_file() else [text]
    return [Key(line.strip()) for line in lines if line.strip() and not line.startswith("#")]


def main() -> int:
    """Verify what the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(description="Verify an evidence pack offline.")
    parser.add_argument("path", type=Path, help="evidence.zip or report.json")
    parser.add_argument("--trust", action="append", default=[], metavar="KEY", help="verifier key, or a file of them")
    parser.add_argument("--require-anchor", action="store_true", help="demand a trusted witness's cosignature")
    try:
        options = parser.parse_args()
    except SystemExit as leaving:
        return 3 if leaving.code else 0
    try:
        keys = read_keys(options.trust)
        if not keys:
            raise NotProvable("no key was given to trust; use --trust")
        way: Callable[..., Any] = verify_envelope if options.path.suffix == ".json" else verify_pack
        statement, signer, logged = way(options.path, keys)
        if options.require_anchor and not (logged and logged[2]):
            raise NotProvable("no trusted witness has cosigned the log since this report was issued")
    except Modified as error:
        print(f"MODIFIED: {error}.")
        return 1
    except NotProvable as error:
        print(f"NOT PROVABLE: {error}.")
        return 2
    except (OSError, ValueError) as error:
        print(f"Error: {error}.", file=sys.stderr)
        return 3
    report = statement["predicate"]
    print(f"UNMODIFIED: report {report['report']['number']}, verdict {report['verdict']['decision']}.")
    print(f"  signed by {signer.label}, who says it was issued {report['report']['issued_at']}")
    if logged:
        print(f"  entry {logged[1]} of the log {logged[0]}")
    if logged and logged[2]:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(logged[2][0][0]))
        print(f"  anchored since {moment} by witness {logged[2][0][1]}")
    else:
        print("  not anchored by a trusted witness: the appliance's administrator could have made it at any time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
