"""Comparing two results of the same evidence: which figures differ, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: What may differ between two runs without touching the verdict: time spent, names of files, and the clouds,
#: which a replay does not write.
_FREE: Final = ("timings_s", "scan.name", "cad.name", "plan.name", "engine", "clouds_sha256")


@dataclass(frozen=True)
class Difference:
    """One figure that is not the same: its path in result.json, then and now."""

    path: str
    then: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.path}: {self.then!r} then, {self.now!r} now"


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Every figure that differs, bit for bit, in the order of its path; empty means reproduced."""
    return sorted(_walk("", then, now), key=lambda found: found.path)


def _walk(path: str, then: Any, now: Any) -> Iterator[Difference]:
    if path in _FREE:
        return
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in {*then, *now}:
            yield from _walk(f"{path}.{key}".lstrip("."), then.get(key), now.get(key))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from _walk(f"{path}[{index}]", old, new)
    elif type(then) is not type(now) or then != now:
        yield Difference(path, then, now)
