"""Mutate good files of a format, seeded, and run its parser on each in a forked, sandboxed child.

The harness knows no format: a ``Subject`` names a parser, good files, and how to repair what would
stop a mutation at the door (checksums).
"""

from __future__ import annotations

import importlib
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.errors import InvalidInput
from appliance.foreign.limits import Limits
from appliance.foreign.sandbox import run_in_nursery
from appliance.foreign.sink import Sink
from appliance.foreign.start import Nursery

#: Cases that share a child.
BATCH = 25
#: Tight, so that a hang or a bomb shows at once.
LIMITS = Limits(memory_bytes=2 << 30, cpu_seconds=10, wall_seconds=20.0)
_EDGES = (0, 1, 0x7F, 0x80, 0xFF)
_WORDS = (b"-1", b"0", b"99999999999", b"1e400", b"nan", b"inf", b"", b"\n", b" ", b"x", b"-0.0", b"1e-320")


@dataclass(frozen=True)
class Subject:
    """One format: its parser, good files to start from, and what to do after a mutation."""

    name: str
    parser: str
    suffix: str
    seeds: Sequence[bytes]
    repair: Callable[[bytes], bytes] | None = None
    modules: Sequence[str] = ()
    options: dict[str, Any] = field(default_factory=dict)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The file with one to four changes: bits, bytes, integers, words, cuts, repeats, swaps."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not out:
            break
        chance.choice((_bit, _byte, _integer, _integer, _word, _cut, _remove, _repeat, _swap))(out, chance)
    return bytes(out)


def _place(out: bytearray, chance: random.Random) -> int:
    """Anywhere, and half of the time in the first 512 bytes, where headers are."""
    return chance.randrange(min(len(out), 512) if chance.random() < 0.5 else len(out))


def _bit(out: bytearray, chance: random.Random) -> None:
    out[_place(out, chance)] ^= 1 << chance.randrange(8)


def _byte(out: bytearray, chance: random.Random) -> None:
    out[_place(out, chance)] = chance.choice(_EDGES)


def _integer(out: bytearray, chance: random.Random) -> None:
    width = chance.choice((2, 4, 8))
    at = _place(out, chance)
    top = 1 << 8 * width
    value = chance.choice((0, 1, top - 1, top // 2, top // 2 - 1, chance.randrange(top), len(out)))
    out[at : at + width] = (value % top).to_bytes(width, "little")[: len(out) - at]


def _word(out: bytearray, chance: random.Random) -> None:
    at = _place(out, chance)
    out[at : at + chance.randint(0, 6)] = chance.choice(_WORDS)


def _cut(out: bytearray, chance: random.Random) -> None:
    if chance.random() < 0.3:
        del out[_place(out, chance) :]


def _remove(out: bytearray, chance: random.Random) -> None:
    at = _place(out, chance)
    del out[at : at + chance.randint(1, 64)]


def _repeat(out: bytearray, chance: random.Random) -> None:
    at = _place(out, chance)
    out[at:at] = out[at : at + chance.randint(1, 64)]


def _swap(out: bytearray, chance: random.Random) -> None:
    a, b, size = _place(out, chance), _place(out, chance), chance.randint(1, 16)
    out[a : a + size], out[b : b + size] = out[b : b + size], out[a : a + size]


def parse_batch(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Run a parser over the numbered files of a folder in one child; each ending is a line on disk."""
    module, _, function = options["parser"].partition(":")
    parser = getattr(importlib.import_module(module), function)
    with (path.parent / "endings").open("a") as endings:
        for case in options["cases"]:
            inner = Sink(lambda fraction: None)
            try:
                parser(path.parent / f"{case}{path.suffix}", options["options"], inner)
                ending = "read"
            except InvalidInput as refusal:
                ending = refusal.code if refusal.message else "no reason"
            for column in inner.columns.values():
                os.close(column.descriptor)
            endings.write(f"{ending}\n")
            endings.flush()
    return {}


def run_cases(subject: Subject, cases: int, folder: Path, seed: int = 20240229) -> Counter[str]:
    """Run ``cases`` mutations; how often each ending came: ``read`` or the code of the refusal.

    A batch of cases shares a child.  Where a case ends the child, it is run again on its own, which
    names the reason, and a new child goes on after it.
    """
    endings: Counter[str] = Counter()
    parser_module = subject.parser.partition(":")[0]
    with Nursery([parser_module, "tests.fuzzing", *subject.modules]) as nursery:
        for first in range(0, cases, BATCH):
            left = list(range(first, min(first + BATCH, cases)))
            for case in left:
                (folder / f"{case}{subject.suffix}").write_bytes(_case(subject, case, seed))
            while left:
                done = _batch(nursery, subject, left, folder)
                if len(done) < len(left):
                    done.append(_alone(nursery, subject, left[len(done)], folder))
                endings.update(done)
                left = left[len(done) :]
            for case in range(first, min(first + BATCH, cases)):
                (folder / f"{case}{subject.suffix}").unlink()
    return endings


def _case(subject: Subject, case: int, seed: int) -> bytes:
    chance = random.Random(f"{seed}-{subject.name}-{case}")
    data = mutated(chance.choice(subject.seeds), chance)
    return subject.repair(data) if subject.repair and chance.random() < 0.8 else data


def _batch(nursery: Nursery, subject: Subject, cases: list[int], folder: Path) -> list[str]:
    """The endings of the cases up to the one that ended the child."""
    (folder / "endings").write_text("")
    options = {"parser": subject.parser, "cases": cases, "options": subject.options}
    first = folder / f"{cases[0]}{subject.suffix}"
    with suppress(InvalidInput):
        run_in_nursery(nursery, "tests.fuzzing:parse_batch", first, options, limits=LIMITS)
    return (folder / "endings").read_text().splitlines()


def _alone(nursery: Nursery, subject: Subject, case: int, folder: Path) -> str:
    path = folder / f"{case}{subject.suffix}"
    try:
        run_in_nursery(nursery, subject.parser, path, subject.options, limits=LIMITS)
    except InvalidInput as refusal:
        if refusal.code == "foreign.broken":
            return f"{refusal.code} in case {case}: {refusal.message}"
        return refusal.code
    return "read"
