"""Instruments: their calibration statements, revision by revision."""

from __future__ import annotations

from typing import Final, Literal

from flask import Response
from pydantic import Field

from appliance.measurements.instruments import add_instrument as add
from appliance.measurements.instruments import find_instrument
from appliance.measurements.instruments import list_instruments as listed
from appliance.objects.sealed import ObjectStore
from appliance.plant.models import Instrument
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.downloads import small_answer
from web.api.forms import SORT, Model, Name, Out, Page, PageQuery
from web.api.intake import BYTES, small_body
from web.api.paging import page

_INSTRUMENTS: Final = "/workspaces/{slug}/instruments"
_TOML: Final = "application/toml"

instruments = Area("instruments", "Instruments and their calibration, revision by revision.")


class InstrumentQuery(Model):
    """Whose statement it is."""

    name: Name


class InstrumentPageQuery(PageQuery):
    """Of which instrument."""

    sort: Literal["id", "-id", "name", "-name"] = Field("id", description=SORT)
    name: Name | None = None


class InstrumentOut(Out):
    """One revision of an instrument's statement."""

    id: str
    name: str
    revision: int
    serial: str
    certificate: str
    calibrated_on: str | None
    due_on: str | None
    statement_sha256: str
    created_at: str
    created_by: str


@instruments.route(
    "GET",
    _INSTRUMENTS,
    roles=READERS,
    query=InstrumentPageQuery,
    answer=Page[InstrumentOut],
    summary="Revisions of instruments",
)
def list_instruments(call: Call) -> object:
    return page(call, lambda listing: listed(call.scope, listing, name=call.query.name))


@instruments.route(
    "POST", _INSTRUMENTS, roles=EDITORS, query=InstrumentQuery, takes=(_TOML, "text/plain", BYTES),
    answer=InstrumentOut, status=201, summary="Add a statement (TOML)",
)  # fmt: skip
def add_instrument(call: Call) -> Instrument:
    """The newest revision of a name counts from now on. The same bytes are the same revision."""
    row = add(call.scope, call.query.name, small_body())
    call.made(f"instruments/{row.id}")
    return row


@instruments.route(
    "GET", f"{_INSTRUMENTS}/{{instrument}}", roles=READERS, answer=InstrumentOut, summary="One instrument"
)
def get_instrument(call: Call, instrument: str) -> Instrument:
    return find_instrument(call.scope, instrument)


@instruments.route(
    "GET", f"{_INSTRUMENTS}/{{instrument}}/statement", roles=READERS, media_type=_TOML, summary="The statement itself"
)
def get_statement(call: Call, instrument: str) -> Response:
    row = find_instrument(call.scope, instrument)
    return small_answer(ObjectStore.of(call.scope).read(row.statement_object), _TOML)
