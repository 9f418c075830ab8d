"""Damaged files of results end in a reading or in InvalidInput, never in anything else.

``D2R_FUZZ_CASES`` sets the number of cases a format (200 where it is not set).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.fuzzing import Subject, run_cases
from tests.results_samples import CSV, qif, results_json

CASES = int(os.environ.get("D2R_FUZZ_CASES", "200"))
PARSER = "appliance.exchange.parsing:parse"
#: A hang, an exception that no parser foresaw, a refusal that does not say why.
UNWANTED = ("foreign.deadline", "foreign.cpu", "foreign.broken", "foreign.crashed", "no reason")


def subject(name: str, *seeds: bytes, **options: Any) -> Subject:
    return Subject(name, PARSER, f".{name}", seeds, options={"format": name, **options})


SUBJECTS = (
    subject("csv", CSV.encode(), CSV.replace(",", ";").encode(), unit="mm"), subject("json", results_json(), unit="mm"),
    subject("qif", qif(3), qif(2), unit="mm", angle_unit="deg", serial_pattern="(.*)"),
)  # fmt: skip


@pytest.mark.parametrize("format_", SUBJECTS, ids=lambda one: one.name)
def test_damaged_results_are_read_or_refused_with_a_reason(format_: Subject, tmp_path: Path) -> None:
    endings = run_cases(format_, CASES, tmp_path)
    assert sum(endings.values()) == CASES
    assert not [ending for ending in endings if ending.startswith(UNWANTED)], endings
    assert endings["read"] >= CASES // 50, endings
    assert len(endings) > 3, endings
