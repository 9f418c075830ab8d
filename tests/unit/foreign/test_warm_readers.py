"""Readers that tests have at hand answer as those that start an interpreter for every file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.exchange.reading import PARSER
from appliance.exchange.records import ImportOptions
from tests.results_samples import CSV
from tests.warm_readers import _cold, run_parser

OPTIONS = ImportOptions().as_json()


def test_a_file_is_parsed_to_the_same_arrays_and_words(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text(CSV)
    cold, warm = _cold(PARSER, file, OPTIONS), run_parser(PARSER, file, OPTIONS)
    assert (warm.summary, warm.gaps) == (cold.summary, cold.gaps)
    assert warm.arrays.keys() == cold.arrays.keys()
    for name in cold.arrays:
        np.testing.assert_array_equal(warm.arrays[name], cold.arrays[name])


def test_a_file_is_refused_for_the_same_reason(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_bytes(b"\0")
    for reader in (_cold, run_parser):
        with pytest.raises(InvalidInput) as error:
            reader(PARSER, file, OPTIONS)
        assert error.value.code == "results.encoding"


def test_a_process_that_was_forked_has_readers_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text(CSV)
    expected = run_parser(PARSER, file, OPTIONS).summary
    process = os.fork()
    if process == 0:
        os._exit(0 if run_parser(PARSER, file, OPTIONS).summary == expected else 1)
    assert run_parser(PARSER, file, OPTIONS).summary == expected
    assert os.waitpid(process, 0)[1] == 0
