"""Threads of the kernels: patient work gives way, a chain of blocks is one ahead, and neither changes an outcome."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance.core.kernels import in_context, in_order, over_chunks, patiently


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D2R_THREADS", "2")


def niceness(_start: int = 0, _stop: int = 0) -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_patient_chunks_run_on_threads_that_give_way_and_others_do_not() -> None:
    own = niceness()
    with patiently():
        assert set(over_chunks(100, niceness, chunk=10)) == {min(own + 10, 19)}
    assert set(over_chunks(100, niceness, chunk=10)) == {own}
    assert niceness() == own


def test_patience_goes_along_to_another_pool_and_ends_with_the_block() -> None:
    own = niceness()

    def ask() -> set[int]:
        return set(over_chunks(100, niceness, chunk=10))

    with ThreadPoolExecutor(1) as pool:
        with patiently():
            patient, plain = pool.submit(in_context(ask)), pool.submit(ask)
        assert (patient.result(), plain.result()) == ({min(own + 10, 19)}, {own})
        assert pool.submit(in_context(ask)).result() == {own}


def test_patient_work_has_the_same_outcome() -> None:
    with patiently():
        found = over_chunks(1000, lambda start, stop: sum(range(start, stop)), chunk=100)
    assert found == over_chunks(1000, lambda start, stop: sum(range(start, stop)), chunk=100)


def test_one_block_is_made_ahead_and_no_more() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return number

    coming = in_order(work, range(4))
    assert begun == []
    taken = []
    for number in coming:
        taken.append(number)
        assert len(begun) <= number + 2
    assert taken == begun == [0, 1, 2, 3]
    assert list(in_order(work, range(0))) == []


def test_outcomes_come_in_order_from_many_threads_and_only_some_are_ahead() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.01 * (number % 3 == 0))
        return number

    for number in in_order(work, range(30), threads=3, ahead=4):
        assert len(begun) <= number + 5
    assert sorted(begun) == list(range(30))
    assert list(in_order(work, range(30), threads=3, ahead=4)) == list(range(30))


def test_what_a_block_raises_reaches_who_takes_it() -> None:
    def work(number: int) -> int:
        return 1 // (2 - number)

    coming = in_order(work, range(5))
    assert next(coming) == 0
    assert next(coming) == 1
    with pytest.raises(ZeroDivisionError):
        next(coming)


def test_the_folder_of_machine_code_is_known_before_the_compiler_is_loaded() -> None:
    program = (
        "import os, sys; from appliance.core.kernel_cache import cache_folder; folder = cache_folder(); "
        "assert folder.is_dir() and os.environ['NUMBA_CACHE_DIR'] == str(folder) and 'numba' not in sys.modules; "
        "import appliance.core.kernels; import numba; assert numba.config.CACHE_DIR == str(folder)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
