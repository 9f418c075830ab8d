"""Two epochs of an airborne survey, compared before us by PDAL and by CloudCompare.

Lengths are feet; the arithmetic does not mind.  Both programs print three digits, and PDAL writes 0 where we say NaN.
Core points with five points in either cylinder are compared.
"""

from __future__ import annotations

import csv
from pathlib import Path

import laspy
import numpy as np
import pytest

from appliance.change.compare import compare_scans, level_of_detection
from appliance.change.records import Change, Scales
from tests.unit.change.surfaces import UP

SCALES = Scales((2 * 1.390432,), 2.890432, 5.5)
WITHIN_FT = 0.0007
PRINTED_FT = 0.0005


def table(path: Path) -> dict[str, np.ndarray]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "epochs_autzen_bmx"


@pytest.fixture(scope="module")
def epochs(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    files = [laspy.read(folder / f"autzen-bmx-{year}.las") for year in (2010, 2023)]
    return tuple(np.stack((file.x, file.y, file.z), axis=1).astype(np.float64) for file in files)


@pytest.fixture(scope="module")
def pdal(folder: Path) -> dict[str, np.ndarray]:
    return table(folder / "autzen-bmx-m3c2.txt")


@pytest.fixture(scope="module")
def cloudcompare(folder: Path) -> dict[str, np.ndarray]:
    return table(folder / "autzen-bmx-cc.txt")


def cores_of(reference: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([reference[axis] for axis in "XYZ"], axis=1)


def many(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return (one >= 5) & (two >= 5)


@pytest.fixture(scope="module")
def found(epochs, pdal) -> Change:
    """All core points; at the one that is the survey's first point, without that point.

    PDAL leaves the first point of the cloud out of its own cylinder, and no other point.
    """
    first, second = epochs
    cores = cores_of(pdal)
    whole = compare_scans(first, second, cores, SCALES, towards=UP)
    own = np.flatnonzero((cores == first[0]).all(axis=1))
    assert own.tolist() == [0]
    without = compare_scans(first[1:], second, cores[own], SCALES, towards=UP, normals=whole.normal[own])
    for name in ("distance_mm", "lod_mm", "spread_mm", "count", "significant"):
        getattr(whole, name)[own] = getattr(without, name)
    return whole


def test_distance_spread_count_and_verdict_are_those_of_pdal(found: Change, pdal) -> None:
    enough = many(pdal["m3c2_count1"], pdal["m3c2_count2"])
    assert enough.sum() == 89
    for k in (0, 1):
        assert (found.count[enough, k] == pdal[f"m3c2_count{k + 1}"][enough]).all()
        assert np.abs(found.spread_mm[:, k] - pdal[f"m3c2_std_dev{k + 1}"])[enough].max() < WITHIN_FT
    assert np.abs(found.distance_mm - pdal["m3c2_distance"])[enough].max() < WITHIN_FT
    assert np.abs(found.lod_mm - pdal["m3c2_uncertainty"])[enough].max() < WITHIN_FT
    assert (found.significant == pdal["m3c2_significant"])[enough].all()


def test_where_pdal_writes_zero_for_an_empty_cylinder_there_is_no_distance(found: Change, pdal) -> None:
    empty = (found.count == 0).any(axis=1)
    assert empty.any()
    assert (pdal["m3c2_distance"][empty] == 0.0).all()
    assert np.isnan(found.distance_mm[empty]).all()
    assert not found.significant[empty].any()


def test_along_its_own_normals_counts_and_distances_are_those_of_cloudcompare(epochs, cloudcompare) -> None:
    """Its normals are printed to three digits, which move a distance by up to 0.0005 of each offset between places."""
    normals = np.stack([cloudcompare[f"Normal{axis}"] for axis in "XYZ"], axis=1)
    known = np.abs(normals).sum(axis=1) > 0.0
    normals[~known] = np.nan
    found = compare_scans(*epochs, cores_of(cloudcompare), SCALES, towards=UP, normals=normals)
    enough = many(cloudcompare["Npoints_cloud1"], cloudcompare["Npoints_cloud2"]) & known
    assert enough.sum() == 89
    for k in (0, 1):
        assert (found.count[enough, k] == cloudcompare[f"Npoints_cloud{k + 1}"][enough]).all()
    apart = np.abs(found.distance_mm - cloudcompare["M3C2 distance"])[enough]
    offset = offsets(epochs, cores_of(cloudcompare)[enough], normals[enough])
    assert (apart <= PRINTED_FT * (1.0 + offset)).all()
    assert np.median(apart) < PRINTED_FT
    assert (found.significant == cloudcompare["significant change"])[enough].all()


def offsets(epochs, cores: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Sum of the absolute coordinates between the mean places of the two epochs in each cylinder."""
    means = []
    for points in epochs:
        for core, normal in zip(cores, normals, strict=True):
            offset = points - core
            height = offset @ normal
            across = np.einsum("ij,ij->i", offset, offset) - height**2
            means.append(offset[(np.abs(height) <= 5.5) & (across <= SCALES.radius_mm**2)].mean(axis=0))
    first, second = np.split(np.array(means), 2)
    return np.abs(second - first).sum(axis=1)


def test_our_normals_are_those_of_cloudcompare_to_the_step_of_its_packing(epochs, cloudcompare) -> None:
    """It packs a normal into 21 bits, steps of about 0.002."""
    normals = np.stack([cloudcompare[f"Normal{axis}"] for axis in "XYZ"], axis=1)
    found = compare_scans(*epochs, cores_of(cloudcompare), SCALES, towards=UP)
    known = (np.abs(normals).sum(axis=1) > 0.0) & ~np.isnan(found.normal[:, 0])
    away = np.linalg.norm(found.normal - normals, axis=1)[known]
    assert known.sum() > 90
    assert np.quantile(away, 0.95) < 0.0025


@pytest.mark.parametrize("program", ["pdal", "cloudcompare"])
def test_the_level_of_detection_follows_from_the_columns_of_either_program(program: str, request) -> None:
    reference = request.getfixturevalue(program)
    names = (
        ("m3c2_std_dev1", "m3c2_std_dev2", "m3c2_count1", "m3c2_count2", "m3c2_uncertainty")
        if program == "pdal"
        else ("STD_cloud1", "STD_cloud2", "Npoints_cloud1", "Npoints_cloud2", "distance uncertainty")
    )
    spread = np.stack([reference[name] for name in names[:2]], axis=1)
    count = np.stack([reference[name] for name in names[2:4]], axis=1).astype(np.int32)
    enough = many(count[:, 0], count[:, 1])
    apart = np.abs(level_of_detection(spread, count, 0.0) - reference[names[4]])[enough]
    assert round(float(apart.max()), 4) <= WITHIN_FT
