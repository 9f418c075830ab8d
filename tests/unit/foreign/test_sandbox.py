"""Whatever a parser does, the caller gets arrays or a reason."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.foreign.limits import Limits
from appliance.foreign.sandbox import Parsed, run_in_nursery, run_parser
from appliance.foreign.start import Nursery

PARSERS = "tests.unit.foreign.parsers:"
TIGHT = Limits(memory_bytes=1 << 30, cpu_seconds=1, wall_seconds=30.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stranger.bin"
    path.write_bytes(bytes(range(256)) * 100)
    return path


def ending(parser: str, file: Path, limits: Limits = TIGHT) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        run_parser(PARSERS + parser, file, limits=limits)
    return caught.value


def test_arrays_arrive_whole_and_writable(file: Path) -> None:
    parsed = run_parser(PARSERS + "count_bytes", file, {"echo": "back"})
    assert parsed.summary == {"bytes": 25600, "echo": "back"}
    assert parsed.arrays["bytes"].tobytes() == file.read_bytes()
    assert parsed.arrays["pairs"].tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    parsed.arrays["pairs"] += 1.0
    assert parsed.arrays["pairs"].sum() == 21.0


def test_progress_grows_to_one(file: Path) -> None:
    heard: list[float] = []
    run_parser(PARSERS + "count_bytes", file, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_an_interrupted_caller_leaves_no_child_behind(file: Path) -> None:
    class Stop(Exception): ...

    def stop(fraction: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        run_parser(PARSERS + "count_bytes", file, progress=stop)


def test_a_summary_longer_than_a_packet_arrives(file: Path) -> None:
    assert len(run_parser(PARSERS + "many_names", file).summary["names"]) == 50_000


def test_a_refusal_travels_with_code_message_and_hint(file: Path) -> None:
    refusal = ending("refuse", file)
    assert (refusal.code, refusal.message, refusal.hint) == ("scan.odd", "It is odd.", "Make it even.")


@pytest.mark.parametrize(
    ("parser", "code"),
    [
        ("divide_by_zero", "foreign.broken"),
        ("crash", "foreign.crashed"),
        ("leave", "foreign.crashed"),
        ("allocate", "foreign.memory"),
        ("fill", "foreign.memory"),
        ("spin", "foreign.cpu"),
    ],
)
def test_a_parser_that_fails_is_a_refusal_with_a_reason(parser: str, code: str, file: Path) -> None:
    # a busy machine may need seconds to fill a gigabyte: only the one that spins is to meet the limit on time
    seconds = 1 if parser == "spin" else 20
    refusal = ending(parser, file, Limits(memory_bytes=1 << 30, cpu_seconds=seconds, wall_seconds=30.0))
    assert refusal.code == code
    assert refusal.message
    assert refusal.hint


def test_a_parser_that_hangs_is_stopped_at_its_deadline(file: Path) -> None:
    start = time.monotonic()
    refusal = ending("hang", file, Limits(memory_bytes=1 << 30, cpu_seconds=5, wall_seconds=1.5))
    assert refusal.code == "foreign.deadline"
    assert time.monotonic() - start < 6.0


def confined(parsed: Parsed) -> None:
    if parsed.gaps:
        pytest.skip(f"this machine cannot confine: {parsed.gaps}")
    assert parsed.summary["worked"] == []


def test_a_parser_reaches_no_network_no_program_and_no_other_process(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D2R_MASTER_KEY", "secret")
    parsed = run_parser(PARSERS + "reach_out", file, limits=TIGHT)
    confined(parsed)
    assert "D2R_MASTER_KEY" not in parsed.summary["environment"]


def test_a_missing_file_is_a_refusal(tmp_path: Path) -> None:
    assert ending("count_bytes", tmp_path / "nowhere").code == "file.unreadable"


def test_a_nursery_survives_its_children(file: Path) -> None:
    with Nursery(["tests.unit.foreign.parsers"]) as nursery:
        for parser, code in (("crash", "foreign.crashed"), ("refuse", "scan.odd"), ("spin", "foreign.cpu")):
            with pytest.raises(InvalidInput) as caught:
                run_in_nursery(nursery, PARSERS + parser, file, limits=TIGHT)
            assert caught.value.code == code
        confined(run_in_nursery(nursery, PARSERS + "reach_out", file, limits=TIGHT))
        parsed = run_in_nursery(nursery, PARSERS + "count_bytes", file)
    assert np.array_equal(parsed.arrays["bytes"], np.frombuffer(file.read_bytes(), np.uint8))


def test_limits_grow_with_the_file() -> None:
    small, large = Limits.for_size(0), Limits.for_size(1 << 30)
    assert large.memory_bytes - small.memory_bytes == 48 << 30
    assert large.wall_seconds > small.wall_seconds + 1000
    assert large.cpu_seconds >= large.wall_seconds
