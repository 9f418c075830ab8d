"""What a check found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.errors import D2RError

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One check: what was measured, what is needed, and what to do where that differs."""

    check: str
    state: State
    measured: str
    needed: str = ""
    remedy: str = ""


def good(check: str, measured: str, needed: str = "") -> Finding:
    """All is well."""
    return Finding(check, "ok", measured, needed)


def skipped(check: str, why: str) -> Finding:
    """Not looked at, and why."""
    return Finding(check, "skipped", why)


def judged(check: str, is_well: bool, measured: str, needed: str, remedy: str, *, warning: bool = False) -> Finding:
    """Well, or else failed (or a warning) with its remedy."""
    if is_well:
        return good(check, measured, needed)
    return Finding(check, "warning" if warning else "failed", measured, needed, remedy)


def attempted(check: str, needed: str, attempt: Callable[[], str]) -> Finding:
    """Well where ``attempt`` returns what it measured; else its error says what is wrong and what to do."""
    try:
        return good(check, attempt(), needed)
    except D2RError as error:
        return Finding(check, "failed", error.message, needed, error.hint)
    except OSError as error:
        return Finding(check, "failed", f"{error.strerror or error}", needed, "Check permissions of the data folder.")
