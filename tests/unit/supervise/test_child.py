"""One child of the supervisor: ready, ended, hung, started again after a growing pause, gone with its group."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.supervise import child as child_module
from appliance.supervise.child import Child
from appliance.supervise.logs import LogFile
from appliance.supervise.records import Program


def a_child(folder: Path, code: str, **options: object) -> Child:
    is_ready = options.pop("is_ready", lambda start: True)
    program = Program("probe", (sys.executable, "-c", code), "here", is_ready, **options)  # type: ignore[arg-type]
    return Child(program, LogFile(folder, "probe"))


def wait(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until(child: Child, state: str) -> None:
    wait(lambda: (child.poll(), child.state == state)[1])


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit(3)", "ended by itself with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
        ("print('port taken', flush=True)", "ended by itself with status 0; port taken"),
    ],
)
def test_why_it_ended_is_told_with_its_last_words(tmp_path: Path, code: str, reason: str) -> None:
    child = a_child(tmp_path, code, is_ready=lambda start: False)
    child.start()
    until(child, "waiting")
    assert child.reason == reason


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    child = Child(Program("probe", ("/no/such/program",), "here", lambda start: True), LogFile(tmp_path, "probe"))
    child.start()
    assert (child.state, child.reason) == ("waiting", "could not be started: No such file or directory")


def test_pauses_double_up_to_their_limit_and_begin_anew_after_a_sound_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "LONGEST_PAUSE_S", 0.5)
    child = a_child(tmp_path, "", is_ready=lambda start: False)
    pauses = []
    for _ in range(5):
        child.start()
        until(child, "waiting")
        pauses.append(child.start_at - time.monotonic())
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5], abs=0.05)
    assert child.restarts == 5
    monkeypatch.setattr(child_module, "SOUND_S", 0.0)
    child.start()
    until(child, "waiting")
    assert child.start_at - time.monotonic() == pytest.approx(0.1, abs=0.05)


def test_it_is_due_only_after_its_pause(tmp_path: Path) -> None:
    child = a_child(tmp_path, "", is_ready=lambda start: False)
    child.start()
    until(child, "waiting")
    assert not child.is_due()
    wait(child.is_due)


def test_one_that_says_nothing_is_ended_and_waits_for_its_next_start(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    code = f"""
import time, pathlib
for _ in range(10):
    pathlib.Path({str(beat)!r}).touch()
    time.sleep(0.1)
time.sleep(60)
"""
    child = a_child(tmp_path, code, beats=(beat,), silent_s=0.5)
    child.start()
    until(child, "ready")
    pid, began = child.pid, time.monotonic()
    until(child, "waiting")
    assert child.reason == "said nothing for 0 s"
    assert time.monotonic() - began > 1.0, "it was left alone as long as it spoke"
    assert pid
    assert is_gone(pid)


def test_an_old_sign_of_life_is_no_silence_yet(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    beat.touch()
    os.utime(beat, (1.0, 1.0))
    child = a_child(tmp_path, "import time; time.sleep(60)", beats=(beat,), silent_s=0.5)
    child.start()
    until(child, "ready")
    child.poll()
    assert child.state == "ready", "a clock that was set is no sign: only time that passed here counts"
    child.kill()


def test_what_it_left_of_its_group_goes_with_it(tmp_path: Path) -> None:
    code = "import subprocess, sys\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    child = a_child(tmp_path, code, is_ready=lambda start: False)
    child.start()
    until(child, "waiting")
    wait(lambda: is_gone(int(child.log.last_line)))


def test_asked_to_stop_it_may_end_by_itself(tmp_path: Path) -> None:
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit(0)))
print("up", flush=True)
time.sleep(60)
"""
    child = a_child(tmp_path, code)
    child.start()
    wait(lambda: (child.read(), child.log.last_line == "up")[1])
    child.request_stop()
    wait(child.stopped)
    assert (child.state, child.log.last_line) == ("stopped", "bye")


def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        child = a_child(tmp_path, "import time; time.sleep(60)")
        child.start()
        os.write(writing, str(child.pid).encode())
        signal.pause()
    pid = int(os.read(reading, 32))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    wait(lambda: is_gone(pid))
