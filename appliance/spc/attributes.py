"""Shewhart charts of counts: defective shares (p), defective parts (np), defects (c), defects per unit (u).

    p:   p-bar +- 3 sqrt(p-bar (1 - p-bar) / n_i)        np: the same, times n
    u:   u-bar +- 3 sqrt(u-bar / n_i)                    c:  c-bar +- 3 sqrt(c-bar)

Every point of p and u has the limits of its own size.  The limits are those of the normal approximation, as the
standard prescribes them: below n p = 5 the chances of false alarms differ from 0.27 %.

Source: ISO 7870-2:2013, clause 9.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from appliance.spc.checks import Float64, finite, require
from appliance.spc.records import ATTRIBUTES, SHEWHART_WIDTH, Chart, PhaseOne


def attribute_limits(
    kind: str,
    counts: npt.ArrayLike,
    sizes: npt.ArrayLike | None = None,
    *,
    width: float = SHEWHART_WIDTH,
    excluded: Mapping[int, str] | None = None,
) -> PhaseOne:
    """Limits from ``counts`` (k,) in samples of ``sizes`` (k,): parts for p and np, units of area or length for u.

    A c chart has no sizes: its samples are alike.  An np chart has one size for all.

    Raises
    ------
    InvalidInput : the kind is not known, counts are negative or broken, more are defective than there are parts,
        sizes are missing or of the wrong kind, or nothing is ever (always) defective
    """
    count, size = _sample(kind, counts, sizes)
    left_out = excluded or {}
    require(all(reason.strip() for reason in left_out.values()), "spc.reason", "A point is excluded without a reason.")
    require(set(left_out) <= set(range(len(count))), "spc.excluded", "A point that is excluded does not exist.")
    kept = np.array([index not in left_out for index in range(len(count))])
    require(kept.sum() >= 2, "spc.too_few", "At least 2 points must be left.")
    centre = float(count[kept].sum()) / float(size[kept].sum())
    full = centre >= 1.0 if kind in ("p", "np") else False
    require(centre > 0 and not full, "spc.no_spread", "Counts that are all nothing, or all of it, make no limits.")
    own = int(size[0]) if kind == "np" else 1 if kind == "c" else 0
    return PhaseOne(kind, centre, None, own, int(kept.sum()), width, tuple(sorted(left_out.items())))


def attribute_chart(limits: PhaseOne, counts: npt.ArrayLike, sizes: npt.ArrayLike | None = None) -> Chart:
    """Counts (k,) in samples of ``sizes`` (k,) against frozen limits.

    Raises
    ------
    InvalidInput : as ``attribute_limits``, or an np chart meets another size than that of its limits
    """
    count, size = _sample(limits.kind, counts, sizes)
    same = limits.kind != "np" or bool((size == limits.size).all())
    require(
        same, "spc.size", f"The limits are those of samples of {limits.size}.", "Use a p chart for sizes that vary."
    )
    share = limits.centre
    variance = share * (1.0 - share) if limits.kind in ("p", "np") else share
    scale = size if limits.kind == "np" else np.ones_like(size)
    error = np.sqrt(variance / size) * scale
    centre = share * scale
    lower = centre - limits.width * error
    most = scale if limits.kind in ("p", "np") else np.full_like(size, np.inf)
    upper = centre + limits.width * error
    return Chart(
        limits.kind,
        count / size * scale,
        centre,
        error,
        np.where(lower > 0, lower, np.nan),
        np.where(upper < most, upper, np.nan),
    )


def _sample(kind: str, counts: npt.ArrayLike, sizes: npt.ArrayLike | None) -> tuple[Float64, Float64]:
    require(kind in ATTRIBUTES, "spc.kind", f"'{kind}' is no chart of counts.", f"Use one of {', '.join(ATTRIBUTES)}.")
    count = finite(counts, "counts")
    require((count >= 0).all() and (count == np.rint(count)).all(), "spc.count", "Counts are whole and not negative.")
    require((sizes is None) == (kind == "c"), "spc.size", "Sizes belong to p, np and u charts, and to those alone.")
    size = np.ones_like(count) if sizes is None else np.broadcast_to(finite(np.atleast_1d(sizes), "sizes"), count.shape)
    require((size > 0).all(), "spc.size", "Every sample needs a positive size.")
    if kind in ("p", "np"):
        require((count <= size).all(), "spc.count", "More parts are defective than a sample holds.")
    require(kind != "np" or (size == size[0]).all(), "spc.size", "An np chart has one size.", "Use a p chart.")
    return count, size
