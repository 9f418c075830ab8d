"""Analysis of variance: groups of one factor, and parts crossed with operators.

Sums of squares are taken of deviations from the grand mean (``summary.centred``), so that values with many leading
digits in common lose none of the others.

Source: Montgomery, Design and Analysis of Experiments, chapters 3 and 13; NIST StRD for checks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

from appliance.spc.checks import Float64, finite, require
from appliance.spc.summary import centred


@dataclass(frozen=True)
class Source:
    """One line of an analysis of variance.  ``f`` and ``p`` are NaN where nothing is tested."""

    freedom: int
    square: float
    f: float = math.nan
    p: float = math.nan

    @property
    def mean_square(self) -> float:
        """The sum of squares a degree of freedom."""
        return self.square / self.freedom if self.freedom else math.nan


@dataclass(frozen=True)
class OneWay:
    """Groups against what is within them, with the share of squares that groups explain and the sd within."""

    between: Source
    within: Source
    r_squared: float
    residual_sd: float


@dataclass(frozen=True)
class Crossed:
    """Parts crossed with operators, each cell repeated; ``interaction`` has no degrees of freedom once it is pooled."""

    part: Source
    operator: Source
    interaction: Source
    repeatability: Source


def one_way(groups: Sequence[npt.ArrayLike]) -> OneWay:
    """One-way analysis of variance of groups of any sizes.

    Raises
    ------
    InvalidInput : fewer than two groups, an empty one, no repetition at all, or a value that is not finite
    """
    require(len(groups) >= 2, "spc.too_few", "At least 2 groups are needed.")
    arrays = [finite(group, "group") for group in groups]
    sizes = [len(array) for array in arrays]
    freedom = sum(sizes) - len(sizes)
    require(freedom > 0, "spc.too_few", "No group has more than one value.")
    _, deviation = centred(np.concatenate(arrays))
    parts = np.split(deviation, np.cumsum(sizes)[:-1])
    means = [math.fsum(part) / len(part) for part in parts]
    between = math.fsum(size * mean**2 for size, mean in zip(sizes, means, strict=True))
    within = math.fsum(float(v) for part, mean in zip(parts, means, strict=True) for v in (part - mean) ** 2)
    error = Source(freedom, within)
    tested = against(Source(len(sizes) - 1, between), error)
    total = between + within
    return OneWay(tested, error, between / total if total > 0 else math.nan, math.sqrt(error.mean_square))


def crossed(values: Float64, *, pool_above: float = 1.0) -> Crossed:
    """Two-way analysis with repetition of values (operators, trials, parts); both factors are drawn at random.

    Part and operator are tested against their interaction.  If the probability of the interaction is greater than
    ``pool_above``, its squares join those of repeatability, and all is tested against that; 1 never pools.

    Raises
    ------
    InvalidInput : not three axes, fewer than two of each, or a value that is not finite
    """
    array = finite(values, "measurements", least=2, axes=3)
    require(min(array.shape) >= 2, "spc.too_few", "A study needs two operators, two trials and two parts.")
    operators, trials, parts = array.shape
    _, flat = centred(array.ravel())
    deviation = flat.reshape(array.shape)
    cell = deviation.mean(axis=1)
    part, operator = cell.mean(axis=0), cell.mean(axis=1)
    squares = {
        "part": operators * trials * math.fsum(part**2),
        "operator": parts * trials * math.fsum(operator**2),
        "interaction": trials * math.fsum(((cell - part - operator[:, None]) ** 2).ravel()),
        "repeatability": math.fsum(((deviation - cell[:, None, :]) ** 2).ravel()),
    }
    error = Source(operators * parts * (trials - 1), squares["repeatability"])
    both = against(Source((parts - 1) * (operators - 1), squares["interaction"]), error)
    yardstick = both
    if both.p > pool_above:
        error = yardstick = Source(error.freedom + both.freedom, error.square + both.square)
        both = Source(0, 0.0, both.f, both.p)
    return Crossed(
        against(Source(parts - 1, squares["part"]), yardstick),
        against(Source(operators - 1, squares["operator"]), yardstick),
        both,
        error,
    )


def against(effect: Source, error: Source) -> Source:
    """``effect`` with its F and p against ``error``; NaN where the error is nothing."""
    if error.freedom == 0 or error.square <= 0:
        return effect
    f = effect.mean_square / error.mean_square
    return Source(effect.freedom, effect.square, f, float(fdtrc(effect.freedom, error.freedom, f)))
