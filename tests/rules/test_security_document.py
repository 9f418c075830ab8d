"""docs/security.md says for every item of the standard where it stands, and names tests that exist."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
#: Section of ASVS 4.0.3 -> its items of levels 1 and 2, without those that the standard deleted.
ITEMS = {
    "1.1": "1-7", "1.2": "1-4", "1.4": "1 4 5", "1.5": "1-4", "1.6": "1-4", "1.7": "1-2", "1.8": "1-2", "1.9": "1-2",
    "1.10": "1", "1.11": "1-2", "1.12": "2", "1.14": "1-6",
    "2.1": "1-12", "2.2": "1-3", "2.3": "1-3", "2.4": "1-5", "2.5": "1-7", "2.6": "1-3", "2.7": "1-6", "2.8": "1-7",
    "2.9": "1-3", "2.10": "1-4",
    "3.1": "1", "3.2": "1-4", "3.3": "1-4", "3.4": "1-5", "3.5": "1-3", "3.7": "1",
    "4.1": "1-3 5", "4.2": "1-2", "4.3": "1-3",
    "5.1": "1-5", "5.2": "1-8", "5.3": "1-10", "5.4": "1-3", "5.5": "1-4",
    "6.1": "1-3", "6.2": "1-6", "6.3": "1-2", "6.4": "1-2",
    "7.1": "1-4", "7.2": "1-2", "7.3": "1 3 4", "7.4": "1-3",
    "8.1": "1-4", "8.2": "1-3", "8.3": "1-8",
    "9.1": "1-3", "9.2": "1-4",
    "10.2": "1-2", "10.3": "1-3",
    "11.1": "1-8",
    "12.1": "1-3", "12.2": "1", "12.3": "1-6", "12.4": "1-2", "12.5": "1-2", "12.6": "1",
    "13.1": "1 3 4 5", "13.2": "1 2 3 5 6", "13.3": "1-2", "13.4": "1-2",
    "14.1": "1-4", "14.2": "1-6", "14.3": "2 3", "14.4": "1-7", "14.5": "1-4",
}  # fmt: skip
_ROW = re.compile(r"\| ([\d., -]+) \| (.+?) \| (.+?) \| (.+?) \|")
_ITEM = re.compile(r"(\d+\.\d+)\.(\d+(?:-\d+)?)")
#: How the third column begins where nothing is shown.
OPEN = ("Does not apply:", "Not yet:")


@dataclass(frozen=True)
class Row:
    """One line of the tables: items, and what shows that they are met."""

    items: tuple[str, ...]
    how: str
    shown: str

    @property
    def is_open(self) -> bool:
        return self.how.startswith(OPEN)

    @property
    def references(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.shown)


def numbers(text: str) -> list[int]:
    """``1-3 5`` -> 1, 2, 3, 5."""
    pairs = [part.partition("-") for part in text.split()]
    return [one for first, _, last in pairs for one in range(int(first), int(last or first) + 1)]


def rows() -> list[Row]:
    found = []
    for items, _, how, shown in _ROW.findall(DOCUMENT.read_text()):
        named = [f"{section}.{number}" for section, part in _ITEM.findall(items) for number in numbers(part)]
        found.append(Row(tuple(named), how, shown))
    return found


def names_in(path: Path) -> set[str]:
    """Names of the tests of a file, also of those that a state machine or a loop makes."""
    return {
        node.name if isinstance(node, ast.FunctionDef) else node.targets[0].id
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name))
    }


def test_the_rule_finds_rows_of_every_chapter() -> None:
    assert len(rows()) > 80
    assert {int(item.partition(".")[0]) for row in rows() for item in row.items} == set(range(1, 15))


def test_every_item_of_the_standard_stands_in_the_document_once() -> None:
    wanted = [f"{section}.{number}" for section, listed in ITEMS.items() for number in numbers(listed)]
    stated = [item for row in rows() for item in row.items]
    assert sorted(stated) == sorted(wanted)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.items[0] if row.items else "none")
def test_a_row_names_what_shows_it_or_says_that_it_is_open(row: Row) -> None:
    assert row.items
    if row.is_open:
        assert row.shown == "–"
        return
    assert row.references
    for reference in row.references:
        path, _, name = reference.partition("::")
        assert (ROOT / path).is_file(), reference
        if path.startswith("tests/"):
            assert name.lower().startswith("test"), f"{reference} is no test"
            assert name in names_in(ROOT / path), f"{reference} does not exist"
        else:
            assert not name


def test_what_is_only_written_and_not_tried_is_little() -> None:
    written = [row for row in rows() if not row.is_open and not any("::" in one for one in row.references)]
    assert len([item for row in written for item in row.items]) <= 12
