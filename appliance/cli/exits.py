"""Exit codes: the one map from decisions and errors to what a script sees."""

from __future__ import annotations

from typing import Final

from appliance.errors import D2RError, Modified, NotProvable

EXIT_ERROR: Final = 3
EXIT_INTERRUPTED: Final = 130

#: ``d2r inspect`` and ``d2r replay``: the verdict.
EXIT_OF_DECISION: Final = {"pass": 0, "fail": 1, "inconclusive": 2, "not_measured": 2}

#: ``d2r verify``: what is changed, and what cannot be proven.
_EXIT_OF_FAMILY: Final = ((Modified, 1), (NotProvable, 2))


def exit_code_of(error: D2RError) -> int:
    """The exit code of an error: 1 modified, 2 not provable, else 3."""
    return next((code for family, code in _EXIT_OF_FAMILY if isinstance(error, family)), EXIT_ERROR)
