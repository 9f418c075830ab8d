"""The stamp of commits: whoever commits changes it, for every process that looks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.db.commits import Commits

_MARK = """
import sys
from pathlib import Path
from appliance.db.commits import Commits
Commits(Path(sys.argv[1])).mark()
"""


def test_it_changes_with_every_mark_and_with_nothing_else(tmp_path: Path) -> None:
    here, there = Commits(tmp_path / "commits"), Commits(tmp_path / "commits")
    stamps = [here.stamp()]
    for one in (here, there, here):
        assert here.stamp() == there.stamp() == stamps[-1]
        one.mark()
        stamps.append(here.stamp())
    assert len(set(stamps)) == len(stamps)


def test_another_process_is_heard(tmp_path: Path) -> None:
    here = Commits(tmp_path / "commits")
    before = here.stamp()
    subprocess.run([sys.executable, "-c", _MARK, str(tmp_path / "commits")], check=True)
    assert here.stamp() != before


def test_where_nobody_can_look_it_works_for_this_process(tmp_path: Path) -> None:
    here = Commits(tmp_path / "missing" / "commits")
    before = here.stamp()
    here.mark()
    assert here.stamp() != before
