"""What an operator reads about settings is what the appliance knows."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

from appliance.config.reference import settings_table, settings_template, variables_table
from appliance.config.settings import Settings, load_settings

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def test_the_document_holds_the_tables_of_this_version() -> None:
    text = DOCUMENT.read_text()
    assert settings_table() in text, "write settings_table() into docs/configuration.md"
    assert variables_table() in text, "write variables_table() into docs/configuration.md"


def test_every_setting_has_a_row_and_a_meaning() -> None:
    rows = [row for row in settings_table().splitlines()[2:] if row]
    names = [field.name for field in fields(Settings) if field.name != "data"]
    assert [row.split("`")[1] for row in rows] == names
    assert all(row.rstrip(" |").endswith(".") for row in rows)


def test_the_first_settings_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(settings_template())
    assert load_settings(tmp_path, {}) == Settings(tmp_path)


def test_each_line_of_it_can_be_switched_on(tmp_path: Path) -> None:
    """Without its '#', every setting stands there with its own default."""
    lines = [line[2:] for line in settings_template().splitlines() if line.startswith("# ") and " = " in line]
    values = tomllib.loads("\n".join(line for line in lines if not line.startswith("Settings")))
    assert set(values) == {field.name for field in fields(Settings)} - {"data"}
    (tmp_path / "settings.toml").write_text("\n".join(line for line in lines if not line.startswith("passphrase")))
    assert load_settings(tmp_path, {}) == Settings(tmp_path)
