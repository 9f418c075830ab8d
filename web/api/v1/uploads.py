"""Uploads: tus 1.0.0 with creation, creation-with-upload, checksum, expiration, termination and concatenation.

A view authorizes (by its declaration), reads the headers, calls one use case of ``appliance.ingest``, and answers in
the words of the protocol.  The last bytes of an upload are answered when the scan is evidence: ``D2R-Scan`` names it.

Source: https://tus.io/protocols/resumable-upload (1.0.0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from email.utils import format_datetime
from functools import wraps
from typing import Final

from flask import Response, request
from pydantic import BaseModel

from appliance.core.canonical import canonical_bytes
from appliance.core.clock import parse_rfc3339
from appliance.crypto.encoding import b64decode
from appliance.errors import Conflict, D2RError, InvalidInput
from appliance.ingest import finishing, service
from appliance.ingest.metadata import manifest_from, parse_metadata
from appliance.ingest.models import FINAL, FINISHED, PARTIAL, UploadRow
from appliance.ingest.service import CHECKSUMS, Checksum
from appliance.supervise.arrivals import OPEN_REQUESTS
from appliance.tenancy.scope import WorkspaceScope
from web.api.body import Bodies, Body, request_body
from web.api.contract import SENDERS, Area, Call
from web.api.places import Places
from web.api.v1 import upload_headers as tus
from web.problems import problem, status_of

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination,concatenation"
MEDIA_TYPE: Final = "application/offset+octet-stream"
_UPLOADS: Final = "/workspaces/{slug}/uploads"
_UPLOAD: Final = _UPLOADS + "/{upload_id}"
#: Errors whose status the protocol sets.
_STATUS: Final = {
    "upload.header": 400, "upload.too_large": 413, "upload.pieces": 413, "upload.locked": 423, "upload.checksum": 460,
    "upload.media_type": 415, "upload.final": 403,
}  # fmt: skip
#: How long a request waits for one that gives way, and in which steps it looks.
_WAIT_S: Final = 5.0
#: A status of the protocol's own, which HTTP does not know.
_CHECKSUM_MISMATCH: Final = 460
#: More digits than any length has.
_DIGITS: Final = 18
_STEP_S: Final = 0.05
#: Threads for long requests that no upload stays in: there, whoever comes next is told to wait, or somebody gives way.
_KEPT_FREE: Final = 8

uploads = Area("uploads", "Resumable uploads of scans (tus 1.0.0).")
_bodies = Bodies()
_places = Places(OPEN_REQUESTS - _KEPT_FREE)


class UploadOut(BaseModel):
    """Where an upload stands."""

    id: str
    kind: str
    state: str
    length_bytes: int
    offset_bytes: int
    created_at: str
    expires_at: str
    scan_id: str | None
    duplicate: bool


def spoken(view: Callable[..., Response]) -> Callable[..., Response]:
    """A view that speaks version 1.0.0 of the protocol, with those that do too."""

    @wraps(view)
    def answer(call: Call, **path: str) -> Response:
        if request.headers.get("Tus-Resumable") != VERSION:
            message = "This request does not speak the server's version of tus."
            response = problem(412, "upload.version", message, f"Send 'Tus-Resumable: {VERSION}'.")
            response.headers["Tus-Version"] = VERSION
        else:
            try:
                response = view(call, **path)
            except D2RError as error:
                response = _refused(error)
        response.headers["Tus-Resumable"] = VERSION
        return response

    return answer


@uploads.route(
    "OPTIONS", _UPLOADS, roles=None, gives_headers=tus.CAPABILITIES, summary="What uploads can do", status=204
)
def discover_uploads(call: Call) -> Response:
    return Response(
        status=204,
        headers={
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(call.site.settings.upload_limit_bytes),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        },
    )


@uploads.route(
    "POST", _UPLOADS, roles=SENDERS, may_take=(MEDIA_TYPE,), takes_headers=tus.BEGINS, gives_headers=tus.BEGUN,
    summary="Begin an upload", status=201, errors=(409, 412, 413, 423, 460, 507),
)  # fmt: skip
@spoken
def create_upload(call: Call) -> Response:
    upload = _begin(call.scope)
    response = Response(status=201)
    if request.mimetype == MEDIA_TYPE and upload.kind != FINAL:
        upload = _receive(call.scope, upload.id, 0)
    upload = _finished(call.scope, upload)
    response.headers["Location"] = f"{request.path.rstrip('/')}/{upload.id}"
    return _described(call.scope, upload, response)


@uploads.route(
    "HEAD", _UPLOAD, roles=SENDERS, takes_headers=(tus.SPOKEN,), gives_headers=tus.LOOKED_AT,
    summary="Ask for the offset", errors=(412, 507),
)  # fmt: skip
@spoken
def look_at_upload(call: Call, upload_id: str) -> Response:
    service.find_upload(call.scope, upload_id)
    _bodies.settle(upload_id)
    upload = service.find_upload(call.scope, upload_id)
    try:
        upload = _finished(call.scope, upload)
    except Conflict:  # another request finishes it right now
        upload = service.find_upload(call.scope, upload_id)
    response = _described(call.scope, upload, Response(status=200))
    response.headers["Upload-Length"] = str(upload.length_bytes)
    if upload.metadata:
        response.headers["Upload-Metadata"] = upload.metadata
    if upload.kind == PARTIAL:
        response.headers["Upload-Concat"] = "partial"
    elif upload.kind == FINAL:
        urls = (f"{request.path.rpartition('/')[0]}/{partial}" for partial in service.partial_ids(upload))
        response.headers["Upload-Concat"] = f"final;{' '.join(urls)}"
    return response


@uploads.route("GET", _UPLOAD, roles=SENDERS, answer=UploadOut, summary="Where an upload stands")
def get_upload(call: Call, upload_id: str) -> UploadOut:
    upload = service.find_upload(call.scope, upload_id)
    return UploadOut.model_validate(upload, from_attributes=True)


@uploads.route(
    "PATCH", _UPLOAD, roles=SENDERS, may_take=(MEDIA_TYPE,), takes_headers=tus.SENDS, gives_headers=tus.STANDS,
    summary="Send bytes", status=204, errors=(409, 412, 413, 415, 423, 460, 507),
)  # fmt: skip
@spoken
def send_bytes(call: Call, upload_id: str) -> Response:
    if request.mimetype != MEDIA_TYPE:
        raise InvalidInput("upload.media_type", "The bytes have another media type.", f"Send '{MEDIA_TYPE}'.")
    if service.find_upload(call.scope, upload_id).kind == FINAL:
        raise Conflict("upload.final", "A final upload takes no bytes of its own.")
    upload = _receive(call.scope, upload_id, _number("Upload-Offset"))
    return _described(call.scope, _finished(call.scope, upload), Response(status=204))


@uploads.route(
    "DELETE", _UPLOAD, roles=SENDERS, takes_headers=(tus.SPOKEN,), gives_headers=(tus.SPOKEN,),
    summary="Give an upload up", status=204, errors=(409, 412, 423),
)  # fmt: skip
@spoken
def delete_upload(call: Call, upload_id: str) -> Response:
    service.abort(call.scope, upload_id)
    return Response(status=204)


@uploads.route(
    "POST", _UPLOAD, roles=SENDERS, may_take=(MEDIA_TYPE,), takes_headers=tus.OVERRIDES, gives_headers=tus.OVERRIDDEN,
    summary="PATCH or DELETE, from where those cannot be sent", status=204, errors=(409, 412, 413, 415, 423, 460, 507),
)  # fmt: skip
@spoken
def overridden(call: Call, upload_id: str) -> Response:
    methods: dict[str, Callable[..., Response]] = {"PATCH": send_bytes, "DELETE": delete_upload}
    view = methods.get(request.headers.get("X-HTTP-Method-Override", "").upper())
    if view is None:
        raise InvalidInput("upload.header", "POST to an upload needs X-HTTP-Method-Override: PATCH or DELETE.")
    return view(call, upload_id=upload_id)


def _begin(scope: WorkspaceScope) -> UploadRow:
    metadata, concat = request.headers.get("Upload-Metadata", ""), request.headers.get("Upload-Concat", "")
    if concat.startswith("final;"):
        manifest, envelope = manifest_from(parse_metadata(metadata))
        ids = [url.rstrip("/").rpartition("/")[2] for url in concat.removeprefix("final;").split()]
        return service.begin_final(scope, ids, manifest=manifest, envelope=envelope, metadata=metadata)
    if concat not in ("", "partial"):
        raise InvalidInput("upload.header", "Upload-Concat is 'partial', or 'final;' and the URLs of partial uploads.")
    length = _number("Upload-Length")
    if concat == "partial":
        parse_metadata(metadata)
        return service.begin(scope, length, manifest=None, metadata=metadata, partial=True)
    manifest, envelope = manifest_from(parse_metadata(metadata))
    return service.begin(scope, length, manifest=manifest, envelope=envelope, metadata=metadata)


def _receive(scope: WorkspaceScope, upload_id: str, offset: int) -> UploadRow:
    """Take the request's body; a body of the same upload whose connection stands still gives way to it."""
    checksum = _checksum()
    with (
        request_body().patient() as body,
        _places.taken(scope.principal.id, body),
        _bodies.reading(upload_id, body) as read,
    ):
        try:
            return service.append(scope, upload_id, offset, read, _most(scope, upload_id, body), checksum)
        except Conflict as error:
            if error.code != "upload.locked" or not _bodies.interrupt_idle(upload_id):
                raise
        _bodies.settle(upload_id)
        return service.append(scope, upload_id, offset, read, _most(scope, upload_id, body), checksum)


def _most(scope: WorkspaceScope, upload_id: str, body: Body) -> int:
    """How many bytes the request may bring: as many as it announces, else as many as are missing."""
    if body.length is not None:
        return body.length
    upload = service.find_upload(scope, upload_id)
    return int(upload.length_bytes - upload.offset_bytes)


def _finished(scope: WorkspaceScope, upload: UploadRow) -> UploadRow:
    return finishing.finish(scope, upload.id) if finishing.is_complete(upload) else upload


def _described(scope: WorkspaceScope, upload: UploadRow, response: Response) -> Response:
    """Offset, expiry and, once there is one, the scan."""
    response.headers["Upload-Offset"] = str(upload.offset_bytes)
    response.headers["Cache-Control"] = "no-store"
    if upload.state != FINISHED:
        moment = parse_rfc3339(upload.expires_at).replace(microsecond=0)
        response.headers["Upload-Expires"] = format_datetime(moment, usegmt=True)
    if upload.scan_id:
        response.headers["D2R-Scan"] = f"{request.path.partition('/uploads')[0]}/scans/{upload.scan_id}"
        response.headers["D2R-Duplicate"] = "true" if upload.duplicate else "false"
    return response


def _number(name: str) -> int:
    text = request.headers.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise InvalidInput("upload.header", f"{name} is missing, or is no number of bytes.")
    return int(text)


def _checksum() -> Checksum | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        raise InvalidInput("upload.header", "Upload-Checksum names an unknown algorithm.", f"Known: {CHECKSUMS}.")
    try:
        digest = b64decode(value)
    except InvalidInput as error:
        raise InvalidInput("upload.header", "Upload-Checksum is not base64.") from error
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise InvalidInput("upload.header", f"Upload-Checksum is no {algorithm}.")
    return Checksum(algorithm, digest)


def _refused(error: D2RError) -> Response:
    status = _STATUS.get(error.code) or status_of(error)
    if status != _CHECKSUM_MISMATCH:
        return problem(status, error.code, error.message, error.hint)
    response = problem(400, error.code, error.message, error.hint)
    body = {**(response.get_json() or {}), "status": status, "title": "Checksum Mismatch"}
    response.set_data(canonical_bytes(body))
    response.status = f"{status} Checksum Mismatch"
    return response
