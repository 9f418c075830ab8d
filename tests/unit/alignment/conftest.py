"""The workbench of the tests of the fit: parts of a few triangles and scans of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def parts() -> ModuleType:
    """The module ``parts`` beside this file."""
    spec = importlib.util.spec_from_file_location("alignment_parts", Path(__file__).with_name("parts.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
