"""Numbers and depths that a file can spell and nothing can hold: refused with a reason, wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cad.zone_file import read_zone_file
from appliance.config.settings import load_settings
from appliance.errors import InvalidInput, Misconfigured
from appliance.inspections.alignment_file import read_supplied
from appliance.measurements.columns import number
from appliance.measurements.instrument_file import read_instrument
from appliance.measurements.plan import zones_of_plan

BEYOND = "1" + "0" * 400
STRANGE = {
    "deep lists": "a = " + "[" * 5000 + "]" * 5000,
    "deep tables": "a = " + "{b=" * 3000 + "1" + "}" * 3000,
    "a number of thousands of digits": "a = " + "9" * 6000,
}


@pytest.mark.parametrize("case", STRANGE)
def test_toml_that_nothing_can_hold_is_refused_by_every_reader(case: str, tmp_path: Path) -> None:
    text, path = STRANGE[case], tmp_path / "settings.toml"
    path.write_text(text)
    for read in (read_instrument, zones_of_plan):
        with pytest.raises(InvalidInput):
            read(text.encode())
    with pytest.raises(InvalidInput):
        read_zone_file(path)
    with pytest.raises(Misconfigured):
        load_settings(tmp_path, {})


def test_a_number_beyond_floats_is_no_number() -> None:
    with pytest.raises(InvalidInput, match="is not a number") as refused:
        number(int(BEYOND), "row 1")
    assert len(refused.value.message) < 120
    with pytest.raises(InvalidInput, match="is not a number"):
        read_instrument(f"mpe_mm = {BEYOND}".encode())


def test_an_alignment_beyond_floats_is_refused() -> None:
    unit = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    huge = [[int(BEYOND), 0, 0, 0], *unit[1:]]
    with pytest.raises(InvalidInput):
        read_supplied(json.dumps(huge).encode())
    with pytest.raises(InvalidInput):
        read_supplied(json.dumps({"part_from_scanner": unit, "translation_u_mm": int(BEYOND)}).encode())
