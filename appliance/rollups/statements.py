"""The statements that keep roll-ups: additions of whole numbers that the database makes in its own 64 bits.

Low limbs stay below 2^62: what two of them have too much is carried into the high one.
"""

from __future__ import annotations

from typing import Final

from appliance.db.bulk import Kind

#: Columns, with their kinds, in the order in which ``folding`` gives them.
TALLIES: Final[dict[str, Kind]] = dict.fromkeys(
    (
        "series", "grain", "bucket", "measured", "passed", "failed", "inconclusive", "not_measured", "below", "above",
        "total_high", "total_low", "squares_high", "squares_low", "lowest", "highest",
    ),
    "integer",
)  # fmt: skip
QUANTILES: Final[dict[str, Kind]] = dict.fromkeys(("series", "grain", "bucket", "place", "tally"), "integer")
_MOMENTS: Final = (
    "measured", "seconds_high", "seconds_low", "seconds_squares_high", "seconds_squares_low", "products_high",
    "products_low",
)  # fmt: skip
LINES: Final[dict[str, Kind]] = {
    "series": "integer", "bucket": "integer", **dict.fromkeys(_MOMENTS, "integer"), "score": "real",
}  # fmt: skip
CONDITIONS: Final[dict[str, Kind]] = {
    "asset_id": "text", "cad_revision_id": "text", "instrument_id": "text", "entries": "integer", "first_at": "text",
    "last_at": "text",
}  # fmt: skip
SERIES: Final[dict[str, Kind]] = {"id": "integer", "characteristic_id": "text", "dimension": "text", "member": "text"}


def _added(table: str, *columns: str) -> str:
    return ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in columns)


def _carried(table: str, *names: str) -> str:
    """Two limbs added, with what is carried from the low one."""
    low = "{table}.{name}_low + excluded.{name}_low"
    both = f"{{name}}_high = {{table}}.{{name}}_high + excluded.{{name}}_high + (({low}) >> 62), "
    both += f"{{name}}_low = ({low}) & 4611686018427387903"
    return ", ".join(both.format(table=table, name=name) for name in names)


def _least(table: str, column: str, sign: str) -> str:
    """The smaller (larger) of both; null is none."""
    return (
        f"{column} = CASE WHEN excluded.{column} IS NULL OR {table}.{column} {sign}= excluded.{column} "
        f"THEN {table}.{column} ELSE excluded.{column} END"
    )


ADD_TALLIES: Final = (
    "ON CONFLICT (series, grain, bucket) DO UPDATE SET "
    + ", ".join((
        _added("rollup", "measured", "passed", "failed", "inconclusive", "not_measured", "below", "above"),
        _carried("rollup", "total", "squares"), _least("rollup", "lowest", "<"), _least("rollup", "highest", ">"),
    ))
)  # fmt: skip
ADD_QUANTILES: Final = "ON CONFLICT (series, grain, bucket, place) DO UPDATE SET " + _added("rollup_quantile", "tally")
SET_LINES: Final = "ON CONFLICT (series, bucket) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in (*_MOMENTS, "score")
)
ADD_CONDITIONS: Final = (
    "ON CONFLICT (asset_id, cad_revision_id, instrument_id) DO UPDATE SET "
    + ", ".join((
        _added("rollup_condition", "entries"), _least("rollup_condition", "first_at", "<"),
        _least("rollup_condition", "last_at", ">"),
    ))
)  # fmt: skip
