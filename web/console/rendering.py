"""Templates and how figures are shown: units named, signs kept, nothing that a reader could mistake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from appliance import __version__
from appliance.core.clock import utc_now
from appliance.inspections.models import FINAL
from appliance.measurements.models import SCAN

_TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates"
#: Decision or state -> (sign, word, class); the sign stands beside the colour for those who do not see it.
MARKS: Final = {
    "pass": ("✔", "Pass", "pass"),
    "fail": ("✘", "Fail", "fail"),
    "inconclusive": ("?", "Inconclusive", "unsure"),
    "not_measured": ("–", "Not measured", "unsure"),
    "failed": ("!", "Could not be inspected", "broken"),
    "cancelled": ("×", "Cancelled", "quiet"),
    "none": ("·", "Never inspected", "quiet"),
}
_STEPS: Final = {
    "stored": "Waiting", "decoded": "Points read", "aligned": "Aligned", "compared": "Compared", "judged": "Judged",
}  # fmt: skip
#: Where on the gauge the limits lie, in per cent of its width.
_GAUGE: Final = (25.0, 75.0)


def environment() -> Environment:
    """The templates, with everything escaped and nothing undefined."""
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.globals.update(version=__version__, mark=mark, gauge=gauge, is_final=lambda row: row.state in FINAL)
    found.filters.update(
        mm=millimetres, percent=percent, moment=moment, limits=limits, ago=ago, figure=figure, band=band, ratio=ratio
    )
    return found


def mark(row: Any) -> tuple[str, str, str]:
    """Sign, word and class of an inspection: its verdict, else why it has none, else how far it is."""
    if row is None:
        return MARKS["none"]
    key = row.state if row.state in ("failed", "cancelled") else row.verdict if row.state == "recorded" else None
    return MARKS.get(key or "", ("…", _STEPS.get(row.state, row.state), "running"))


def millimetres(value: float | None, signed: bool = True) -> str:
    """A length to a tenth of a micrometre, or a dash."""
    return "–" if value is None else format(value, "+.4f" if signed else ".4f").replace("-", "−")


def figure(value: float | None, signed: bool = True) -> str:
    """A figure in the unit that stands beside it, four digits, or a dash."""
    return "–" if value is None else format(value, "+.4g" if signed else ".4g").replace("-", "−")


def ratio(value: float | None) -> str:
    """A capability, or a dash."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def percent(share: float | None, digits: int = 0) -> str:
    """A share in per cent, or a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def limits(row: Any) -> str:
    """The limits of a characteristic; for a profile the width of its tolerance zone, which its value is held to."""
    if _is_width(row) and row.lower is not None and row.upper is not None:
        return f"≤ {row.upper - row.lower:.6g}"
    return band(row)


def band(row: Any) -> str:
    """Lower and upper limit as they are."""
    low, high = row.lower, row.upper
    if low is None or high is None:
        one = "–" if low is None and high is None else f"≤ {high:.6g}" if low is None else f"≥ {low:.6g}"
        return one.replace("-", "−")
    return f"{low:.6g} … {high:.6g}".replace("-", "−")


def _is_width(row: Any) -> bool:
    """Whether the value is the width of a profile, whose limits are deviations to both sides."""
    return bool(row.quantity == "profile" and row.source == SCAN)


def moment(text: str | None) -> str:
    """A time as people read it, in UTC."""
    return "–" if not text else f"{text[:10]} {text[11:19]} UTC"


def ago(text: str | None) -> str:
    """How long ago a time was, roughly."""
    if not text:
        return "–"
    seconds = max(0, int((utc_now() - datetime.fromisoformat(text)).total_seconds()))
    for span, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * span:
            return f"{seconds // span} {unit} ago"
    return "just now" if seconds < 10 else f"{seconds} s ago"


def gauge(row: Any) -> dict[str, float] | None:
    """Where value and uncertainty lie between the limits, in per cent of a bar; None where there is nothing to draw.

    A profile is a width: its gauge runs from zero to its limit.
    """
    low, high, value = row.lower, row.upper, row.value
    if low is None or high is None or value is None or high <= low:
        return None
    if _is_width(row):
        low, high = 0.0, high - low
    left, right = (0.0, _GAUGE[1]) if _is_width(row) else _GAUGE
    scale, spread = (right - left) / (high - low), row.expanded or 0.0
    place = [_inside(left + (at - low) * scale) for at in (value - spread, value, value + spread)]
    return {"left": left, "right": right, "from": place[0], "at": place[1], "to": place[2]}


def _inside(place: float) -> float:
    return round(min(99.0, max(1.0, place)), 2)
