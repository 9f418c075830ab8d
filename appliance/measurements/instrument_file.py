"""An instrument's statement about itself: identity, certificate, uncertainty, temperature.

The file is TOML::

    maker = "ACME"
    model = "Scanner 3"
    serial = "4711"
    certificate = "DK-2026-118"
    calibrated_on = 2026-01-15
    due_on = 2027-01-15
    mpe_mm = 0.030                  # maximum permissible error, or:
    # expanded_uncertainty_mm = 0.020
    # k = 2
    temperature_c = 21.5            # of the part while it was scanned
    temperature_corrected = false
    expansion_per_k = 11.5e-6       # of the part
    noise_correlation_mm = 0.3      # points closer than this share their noise
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final

from appliance.errors import InvalidInput
from appliance.measurements.columns import not_negative, number, positive, refuse_unknown
from appliance.qc.records import Instrument

_TEXTS: Final = ("maker", "model", "serial", "certificate")
_DATES: Final = ("calibrated_on", "due_on")
_KNOWN: Final = (
    *_TEXTS, *_DATES, "mpe_mm", "expanded_uncertainty_mm", "k", "temperature_c", "temperature_corrected",
    "expansion_per_k", "noise_correlation_mm",
)  # fmt: skip


def read_instrument(data: bytes) -> Instrument:
    """Read the statement from the bytes of its file.

    Raises
    ------
    InvalidInput : not TOML, unknown keys, neither MPE nor expanded uncertainty, both of them
    """
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("instrument.syntax", f"The instrument file is not TOML: {error}.") from error
    refuse_unknown(table, _KNOWN, "Instrument")
    u_cal_mm, source = _calibration(table)
    return Instrument(
        **{key: _text(table, key) for key in _TEXTS},
        **{key: _date(table, key) for key in _DATES},
        u_cal_mm=u_cal_mm,
        u_cal_source=source,
        content_sha256=sha256(data).hexdigest(),
        temperature_c=number(table.get("temperature_c"), "Instrument: temperature_c"),
        temperature_corrected=_flag(table, "temperature_corrected"),
        expansion_per_k=not_negative(number(table.get("expansion_per_k"), "Instrument: expansion_per_k"), "") or 0.0,
        correlation_mm=not_negative(number(table.get("noise_correlation_mm"), "Instrument: noise"), "") or 0.0,
    )


def _calibration(table: Mapping[str, Any]) -> tuple[float, str]:
    """Standard uncertainty of calibration in mm, and how it follows from the certificate."""
    mpe = positive(number(table.get("mpe_mm"), "Instrument: mpe_mm"), "Instrument: mpe_mm")
    expanded = positive(
        number(table.get("expanded_uncertainty_mm"), "Instrument: expanded_uncertainty_mm"),
        "Instrument: expanded_uncertainty_mm",
    )
    if mpe is not None and expanded is None:
        return mpe / math.sqrt(3), f"MPE {mpe:g} mm / sqrt(3)"
    if expanded is not None and mpe is None:
        k = positive(number(table.get("k", 2.0), "Instrument: k"), "Instrument: k") or 2.0
        return expanded / k, f"U {expanded:g} mm / k {k:g}"
    raise InvalidInput(
        "instrument.uncertainty",
        "The instrument file must state its uncertainty once.",
        "Give mpe_mm, or expanded_uncertainty_mm with k, and not both.",
    )


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise InvalidInput("instrument.text", f"Instrument: {key} must be text in quotes.")
    return value


def _date(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    try:
        return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()[:10] if value else ""
    except (TypeError, ValueError):
        raise InvalidInput("instrument.date", f"Instrument: {key} must be a date such as 2026-01-15.") from None


def _flag(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InvalidInput("instrument.flag", f"Instrument: {key} must be true or false.")
    return value
