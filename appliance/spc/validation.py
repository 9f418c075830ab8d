"""The statistics against what others published: each check names quantity, source, both numbers and the tolerance.

A published number is kept as it is printed, and the tolerance is half a unit of its last digit unless a reason for
another one stands beside it.  Reference data are in ``reference_data``; nothing here knows a result of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from appliance.spc import reference_data as data
from appliance.spc import rules
from appliance.spc.anova import one_way
from appliance.spc.capability import capability, with_freedom
from appliance.spc.change_point import change_point
from appliance.spc.constants import c4, d2, d2_star, d3
from appliance.spc.exact import ExactSums
from appliance.spc.gauge import gauge_study, range_study
from appliance.spc.kendall import mann_kendall
from appliance.spc.quantile_capability import by_quantiles
from appliance.spc.records import PhaseOne, Spread
from appliance.spc.summary import straight_line, summary
from appliance.spc.variables import (
    deviation_limits,
    dispersion_chart,
    individuals_limits,
    location_chart,
    range_limits,
)
from appliance.spc.weighted import cusum, ewma_chart

_QCC: Final = "qcc, pistonrings (Montgomery, table 6.3)"
_SAS: Final = "SAS/QC user's guide, Partgaps"
_AIAG: Final = "AIAG MSA, 10 parts x 3 operators x 3 trials"
_STRD: Final = "NIST StRD"
_HANDBOOK: Final = "NIST/SEMATECH e-Handbook"
_D2_ROUNDED: Final = "the source divides by d2 = 2.326"


@dataclass(frozen=True)
class Check:
    """One line of the table.  ``deviation`` and ``tolerance`` are absolute; a list of points has to be the same."""

    quantity: str
    source: str
    published: str
    computed: str
    deviation: float
    tolerance: float
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the deviation is within the tolerance; NaN never is."""
        return self.deviation <= self.tolerance


def validation() -> tuple[Check, ...]:
    """All checks, in a fixed order; takes about a second once the kernels are compiled."""
    return tuple(check for section in _SECTIONS for check in section())


def _number(
    quantity: str, source: str, published: str, computed: float, *, relative: float | None = None, note: str = ""
) -> Check:
    """A check of a number: half a unit of the last digit that is printed, or ``relative`` with a reason in ``note``."""
    printed = Decimal(published)
    exponent = printed.as_tuple().exponent
    half = 0.5 * 10.0 ** int(exponent)
    tolerance = half * (1.0 + 1e-9) if relative is None else max(half, relative * abs(float(printed)))
    return Check(quantity, source, published, f"{computed:.12g}", abs(computed - float(printed)), tolerance, note)


def _points(quantity: str, source: str, published: list[int], computed: list[int], note: str = "") -> Check:
    same = 0.0 if published == computed else math.inf
    return Check(quantity, source, _listed(published), _listed(computed), same, 0.0, note)


def _listed(points: list[int]) -> str:
    """``1 4-7`` for 1, 4, 5, 6, 7."""
    runs: list[list[int]] = []
    for point in points:
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs) or "none"


def _constants() -> Iterator[Check]:
    source = "ASTM E2587, table of constants"
    for n, second, third, fourth in (
        (2, "1.128", "0.853", "0.7979"),
        (5, "2.326", "0.864", "0.9400"),
        (10, "3.078", "0.797", "0.9727"),
        (25, "3.931", "0.708", "0.9896"),
    ):
        yield _number(f"d2 of {n}", source, second, d2(n))
        yield _number(f"d3 of {n}", source, third, d3(n))
        yield _number(f"c4 of {n}", source, fourth, c4(n))
    yield _number("d2 of 5, all digits", "Harter (1960)", "2.3259289473", d2(5))
    for n, factor in ((2, "0.7071"), (3, "0.5231"), (10, "0.3146")):
        yield _number(f"1 / d2* of {n}, one range", _AIAG, factor, 1.0 / d2_star(n, 1))


def _spread(limits: PhaseOne) -> Spread:
    assert limits.spread is not None
    return limits.spread


def _rings() -> Iterator[Check]:
    rings = data.PISTON_RINGS[:25]
    limits = range_limits(rings)
    means, ranges = location_chart(limits, rings), dispersion_chart(limits, rings)
    yield _number("centre, 25 groups of 5", _QCC, "74.00118", limits.centre)
    yield _number("sigma from ranges", _QCC, "0.009785039", _spread(limits).sigma, relative=5e-5, note=_D2_ROUNDED)
    yield _number("X-bar lower limit", _QCC, "73.98805", float(means.lower[0]))
    yield _number("X-bar upper limit", _QCC, "74.0143", float(means.upper[0]))
    yield _number("mean range", _QCC, "0.02276", float(ranges.centre[0]))
    yield _number("R upper limit", _QCC, "0.04812533", float(ranges.upper[0]), relative=5e-5, note=_D2_ROUNDED)
    by_deviation = deviation_limits(rings)
    deviations = dispersion_chart(by_deviation, rings)
    yield _number("mean standard deviation", _QCC, "0.009240037", float(deviations.centre[0]))
    yield _number("sigma from standard deviations", _QCC, "0.009829977", _spread(by_deviation).sigma)
    yield _number("s upper limit", _QCC, "0.01930242", float(deviations.upper[0]))
    found = capability(limits.centre, with_freedom(_spread(limits), 124), 125, 73.95, 74.05, target=74.0)
    assert found.potential is not None
    assert found.target is not None
    yield _number("Cp, 73.95 to 74.05", _QCC, "1.703", found.potential.value)
    yield _number("Cp, 95 % lower", _QCC, "1.491", found.potential.lower, note="with n - 1 degrees of freedom")
    yield _number("Cp, 95 % upper", _QCC, "1.915", found.potential.upper, note="with n - 1 degrees of freedom")
    yield _number("Cpk", _QCC, "1.663", found.actual.value)
    yield _number("Cpk, 95 % lower", _QCC, "1.448", found.actual.lower, note="with n - 1 degrees of freedom")
    yield _number("Cpk, 95 % upper", _QCC, "1.878", found.actual.upper, note="with n - 1 degrees of freedom")
    yield _number("Cpm, target 74", _QCC, "1.691", found.target.value)
    later = [s.at + 1 for s in rules.signals(location_chart(limits, data.PISTON_RINGS), [rules.beyond()])]
    yield _points("samples beyond the X-bar limits, phase II", "Montgomery, chapter 6", [37, 38, 39], later)


def _gaps() -> Iterator[Check]:
    limits = range_limits(data.PART_GAPS)
    means, ranges = location_chart(limits, data.PART_GAPS), dispersion_chart(limits, data.PART_GAPS)
    yield _number("X-bar lower limit, 21 groups of 5", _SAS, "242.087", float(means.lower[0]))
    yield _number("centre", _SAS, "259.667", limits.centre)
    yield _number("X-bar upper limit", _SAS, "277.246", float(means.upper[0]))
    yield _number("mean range", _SAS, "30.4762", float(ranges.centre[0]))
    yield _number("R upper limit", _SAS, "64.4419", float(ranges.upper[0]))
    yield _number("sigma", _SAS, "13.1028", _spread(limits).sigma)
    found = capability(limits.centre, _spread(limits), 105, 240.0, 270.0)
    assert found.potential is not None
    assert found.lower_side is not None
    yield _number("Cp, 240 to 270", _SAS, "0.38160", found.potential.value)
    yield _number("CPL", _SAS, "0.50032", found.lower_side.value)
    yield _number("Cpk", _SAS, "0.26288", found.actual.value)


def _gauge() -> Iterator[Check]:
    source = f"{_AIAG}, Minitab crossed example"
    found = gauge_study(data.GAUGE_STUDY)
    assert found.table is not None
    yield _number("interaction p", source, "0.974", found.table.interaction.p)
    yield _number("gauge, % of study variation", source, "27.86", found.study_percent(found.gauge))
    yield _number("gauge, % contribution", source, "7.76", found.contribution_percent(found.gauge))
    yield _number("distinct categories", source, "4", float(found.distinct_categories))
    ranged = range_study(data.GAUGE_STUDY)
    rounded = "the source works with rounded constants and means"
    for name, printed, value in (
        ("equipment variation, by ranges", "0.20188", ranged.repeatability),
        ("appraiser variation, by ranges", "0.22963", ranged.operator),
        ("gauge, by ranges", "0.30575", ranged.gauge),
        ("part variation, by ranges", "1.10456", ranged.part),
    ):
        yield _number(name, _AIAG, printed, value, relative=5e-4, note=rounded)


def _nist() -> Iterator[Check]:
    found = one_way(list(data.SI_RSTV))
    yield _number("SiRstv, between instruments", _STRD, "0.0511462616", found.between.square)
    yield _number("SiRstv, within instruments", _STRD, "0.21663656", found.within.square)
    yield _number("SiRstv, F", _STRD, "1.18046237440255", found.between.f, relative=1e-10, note="data as binary floats")
    known = summary(data.MICHELSON)
    yield _number("Michelso, mean", _STRD, "299.852400000000", known.mean)
    yield _number(
        "Michelso, standard deviation",
        _STRD,
        "0.0790105478190518",
        known.sd,
        relative=1e-11,
        note="data as binary floats",
    )
    yield _number(
        "Michelso, lag-one autocorrelation",
        _STRD,
        "0.535199668621283",
        known.lag_one,
        relative=1e-11,
        note="data as binary floats",
    )
    exact = ExactSums.of(np.rint(data.MICHELSON * 100_000).astype(np.int64))
    yield _number("Michelso, standard deviation, whole numbers", _STRD, "0.0790105478190518", exact.deviation() / 1e5)
    hard = ExactSums.of(np.array([10_000_001, 10_000_003, 10_000_002]))
    yield _number("NumAcc1, mean", _STRD, "10000002", hard.mean())
    yield _number("NumAcc1, standard deviation", _STRD, "1", hard.deviation())
    line = straight_line(data.NORRIS[:, 1], data.NORRIS[:, 0])
    for name, printed, value in (
        ("intercept", "-0.262323073774029", line.intercept),
        ("slope", "1.00211681802045", line.slope),
        ("sd of intercept", "0.232818234301152", line.intercept_sd),
        ("sd of slope", "0.000429796848199937", line.slope_sd),
        ("residual sd", "0.884796396144373", line.residual_sd),
    ):
        yield _number(f"Norris, {name}", _STRD, printed, value, relative=1e-11, note="data as binary floats")


def _run_rules() -> Iterator[Check]:
    chart = location_chart(individuals_limits(data.ALL_RULES_BROKEN), data.ALL_RULES_BROKEN)
    steps = "counts steps where Nelson counts points"
    for rule, points, note in (
        (rules.beyond(), [*range(37, 46)], ""),
        (rules.one_side(7), [*range(22, 37), 43, 44], ""),
        (rules.trend(8), [22], steps),
        (rules.TWO_OF_THREE, [*range(38, 45)], ""),
        (rules.hugging(15), [*range(29, 37)], ""),
        (rules.mixture(8), [44, 45], ""),
        (rules.FOUR_OF_FIVE, [*range(40, 45)], ""),
        (rules.alternating(15), [15, 16], steps),
    ):
        found = [signal.at + 1 for signal in rules.signals(chart, [rule])]
        yield _points(f"points flagged: {rule.name}", "JASP, verified with Minitab", points, found, note)


def _memory() -> Iterator[Check]:
    chart = ewma_chart(data.EWMA_EXAMPLE, 50.0, 2.0539, weight=0.3, width=3.0)
    yield _number("EWMA after 1 value", f"{_HANDBOOK} 6.3.2.4", "50.60", float(chart.value[0]))
    yield _number("EWMA after 20 values", f"{_HANDBOOK} 6.3.2.4", "51.99", float(chart.value[-1]))
    yield _number(
        "EWMA upper limit",
        f"{_HANDBOOK} 6.3.2.4",
        "52.5884",
        float(chart.upper[-1]),
        relative=1e-5,
        note="the source prints the limit approached",
    )
    sums = cusum(data.CUSUM_EXAMPLE, 325.0, 1.0, reference=0.3175, decision=4.1959)
    yield _points("CUSUM beyond h", f"{_HANDBOOK} 6.3.2.3", [*range(14, 21)], [s.at + 1 for s in sums.signals()])
    yield _number("CUSUM after 20 values", f"{_HANDBOOK} 6.3.2.3", "19.04", float(sums.high[-1]))


def _trends() -> Iterator[Check]:
    source = "Kendall, Rank Correlation Methods, exact distribution"
    for n, printed in ((4, "0.0833"), (5, "0.0167"), (8, "0.0000496"), (10, "0.000000551")):
        rising = np.arange(float(n))
        found = mann_kendall(rising, rising, np.zeros(n, dtype=np.int64))
        yield _number(f"p of {n} values that rise, two-sided", source, printed, found.p)
    change = change_point(data.PETTITT)
    where = "Pettitt (1979), table 1"
    yield _number("change point, statistic K", where, "232", float(change.statistic))
    yield _number("change point, after value", where, "17", float(change.index))
    yield _number("change point, asymptotic p", where, "0.0146", change.p_asymptotic)


def _quantiles() -> Iterator[Check]:
    source = "closed form, ISO 22514-2"
    outer = [math.sqrt(-2.0 * math.log(1.0 - share)) for share in (0.00135, 0.5, 0.99865)]
    found = by_quantiles((outer[0], outer[1], outer[2]), None, 5.0)[1]
    yield _number("Ppk of a Rayleigh characteristic, U = 5 sigma", source, "1.555", found)


_SECTIONS: Final[tuple[Callable[[], Iterator[Check]], ...]] = (
    _constants, _rings, _gaps, _gauge, _nist, _run_rules, _memory, _trends, _quantiles,
)  # fmt: skip
