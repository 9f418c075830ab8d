"""Damaged files of results end in a reading or in InvalidInput, never in anything else.

``D2R_FUZZ_CASES`` sets the number of cases a format (200 where it is not set).
"""

from __future__ import annotations

import copy
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.fuzzing import Subject, run_cases
from tests.results_samples import CSV, qif, results_json

CASES = int(os.environ.get("D2R_FUZZ_CASES", "200"))
PARSER = "appliance.exchange.parsing:parse"
WORDS = ("", "-1", "0", "20", "10", "1e400", "nan", "1,5", "x" * 200, "\u0661", "furlong", "true", "inch", "mm")
#: A hang, an exception that no parser foresaw, a refusal that does not say why.
UNWANTED = ("foreign.deadline", "foreign.cpu", "foreign.broken", "foreign.crashed", "no reason")


def subject(name: str, *seeds: bytes, **options: Any) -> Subject:
    return Subject(name, PARSER, f".{name}", seeds, options={"format": name, **options})


def damaged_inside(data: bytes) -> bytes:
    """A well-formed document whose elements were changed, lost, doubled or moved; the damaged bytes say how."""
    chance = random.Random(data)
    root = ElementTree.fromstring(qif(chance.choice((2, 3))))
    for _ in range(chance.randint(1, 3)):
        one, other = chance.choices(list(root.iter()), k=2)
        match chance.randrange(5):
            case 0:
                one.text = chance.choice(WORDS)
            case 1:
                one.attrib = {chance.choice(("id", "n", "combinedUncertainty", "linearUnit")): chance.choice(WORDS)}
            case 2 if len(one):
                one.remove(chance.choice(list(one)))
            case 3 if len(one):
                one.append(copy.deepcopy(chance.choice(list(one))))
            case _:
                one.tag = other.tag
    return ElementTree.tostring(root)


SUBJECTS = (
    subject("csv", CSV.encode(), CSV.replace(",", ";").encode(), unit="mm"), subject("json", results_json(), unit="mm"),
    replace(
        subject("qif", qif(3), qif(2), unit="mm", angle_unit="deg", serial_pattern="(.*)"), repair=damaged_inside
    ),
)  # fmt: skip


@pytest.mark.parametrize("format_", SUBJECTS, ids=lambda one: one.name)
def test_damaged_results_are_read_or_refused_with_a_reason(format_: Subject, tmp_path: Path) -> None:
    endings = run_cases(format_, CASES, tmp_path)
    assert sum(endings.values()) == CASES
    assert not [ending for ending in endings if ending.startswith(UNWANTED)], endings
    assert endings["read"] >= CASES // 50, endings
    assert len(endings) > 3, endings
