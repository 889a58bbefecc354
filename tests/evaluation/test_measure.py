"""Measurement of a set: how often maps are read, and that it does not matter who measures."""

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.evaluation import scan as scan_module
from cosmogan_k3.evaluation.bins import choose_bins, kept_maps
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.measure import measure_part
from cosmogan_k3.evaluation.scan import scan
from cosmogan_k3.maps import MapSet, read_maps
from cosmogan_k3.maps.patch_table import PatchTable
from cosmogan_k3.statistics import (
    SummaryStatistics,
    null_halves,
    peak_counts,
    pixel_histogram,
    power_spectrum,
    summary_distances,
    wasserstein_distances,
)
from cosmogan_k3.statistics.two_sample.halves import set_of_map
from cosmogan_k3.statistics.two_sample.pixel_counts import histogram_rows, sorted_pixels

COUNTS = {"real": 300, "generated": 270, "training": 30}  # more than a block of 256 maps


def in_other_processes(calls, description="", maps=()):
    """Make calls as in other processes: nothing is shared, and the last call is made first."""
    sent = [pickle.dumps(call) for call in calls]
    return [pickle.loads(call)() for call in sent[::-1]][::-1]


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    return {
        name: rng.lognormal(size=(count, 16, 16)).astype("float32")
        for name, count in COUNTS.items()
    }


@pytest.fixture(scope="module")
def folder(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    for name, kappa in arrays.items():
        np.save(folder / f"{name}.npy", kappa)
    return folder


@pytest.fixture
def on_disk(folder):
    return {name: read_maps(folder / f"{name}.npy", pixel_arcmin=3.0) for name in COUNTS}


@pytest.fixture(scope="module")
def from_memory(arrays):
    sets = {name: MapSet(kappa, 3.0) for name, kappa in arrays.items()}
    return evaluate_maps(**sets, permutations=19)


@pytest.fixture
def reads(monkeypatch):
    """How often each map of each file is read."""
    reads, original = Counter(), PatchTable.__getitem__

    def counting(table, key):
        for file, number, *_ in np.atleast_2d(table.table[key]):
            reads[Path(table.files[file].path).name, int(number)] += 1
        return original(table, key)

    monkeypatch.setattr(PatchTable, "__getitem__", counting)
    return reads


def all_maps(names):
    return {(f"{name}.npy", number) for name in names for number in range(COUNTS[name])}


def test_each_map_on_disk_is_read_once(on_disk, reads, from_memory):
    evaluation = evaluate_maps(**on_disk, permutations=19)
    assert set(reads) == all_maps(COUNTS)
    assert set(reads.values()) == {1}
    assert evaluation.metrics == from_memory.metrics
    assert evaluation.comparison.table() == from_memory.comparison.table()
    for name, maps in on_disk.items():
        assert evaluation.provenance[f"{name}_fingerprint"] == maps.fingerprint()


def test_each_map_of_a_set_larger_than_memory_is_read_twice(
    on_disk, reads, from_memory, monkeypatch
):
    monkeypatch.setattr(scan_module, "MEMORY_PIXELS", 280 * 16**2)  # only the real maps exceed it
    evaluation = evaluate_maps(**on_disk, permutations=19)
    assert reads == Counter({key: 2 if key[0] == "real.npy" else 1 for key in all_maps(COUNTS)})
    assert evaluation.metrics == from_memory.metrics
    assert evaluation.provenance == from_memory.provenance


def test_other_processes_read_each_map_once_and_measure_the_same(on_disk, reads, from_memory):
    evaluation = evaluate_maps(**on_disk, permutations=19, map_calls=in_other_processes)
    # Once in this process, for the fingerprint, and once where it is measured or searched.
    assert reads == Counter(dict.fromkeys(all_maps(COUNTS), 2))
    assert evaluation.metrics == from_memory.metrics
    assert evaluation.comparison.table() == from_memory.comparison.table()


def test_the_distances_are_those_of_the_functions_for_users(arrays, from_memory):
    real, generated = arrays["real"], arrays["generated"]
    expected = summary_distances(real, generated, pixel_arcmin=3.0, permutations=19)
    expected |= wasserstein_distances(real, generated, pixel_arcmin=3.0)
    for name, value in expected.items():
        assert from_memory.metrics[name] == pytest.approx(value, rel=1e-12), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), pixels=st.sampled_from([16, 70]), masked=st.booleans())
def test_what_is_counted_once_is_what_each_statistic_counts(seed, pixels, masked):
    """For 70 pixels a bin of the comparison joins several integer modes."""
    rng = np.random.default_rng(seed)
    kappa = rng.lognormal(size=(6, pixels, pixels)).astype("float32").round(2)  # with equal pixels
    mask = rng.random((pixels, pixels)) < 0.9 if masked else None
    halves = null_halves(len(kappa), seed)
    scanned = scan(MapSet(kappa, 2.0), keep=kept_maps(len(kappa), pixels, halves), mask=mask)
    nulls = [(scanned, half) for half in halves]
    bins = choose_bins(scanned, scanned, nulls, pixel_arcmin=2.0, mask=mask)
    groups = set_of_map(halves, len(kappa))
    measured = measure_part(scanned.parts(len(kappa))[0], bins, groups)
    expected = SummaryStatistics(kappa, pixel_arcmin=2.0, mask=mask).measure(kappa)
    for features, direct in zip(measured.features, expected, strict=True):
        assert features.name == direct.name
        # Sums of the modes of a bin in another order.
        np.testing.assert_allclose(features.rows, direct.rows, rtol=1e-12)
        np.testing.assert_allclose(features.axis, direct.axis, rtol=1e-12)
    options = {"mask": mask}
    np.testing.assert_array_equal(
        measured.power, power_spectrum(kappa, pixel_arcmin=2.0, **options)[1]
    )
    for group, half in enumerate(halves):
        fine = pixel_histogram(kappa[half], bins.fine, **options).sum(axis=0)
        np.testing.assert_array_equal(measured.fine_pixels[group], fine)
        fine = peak_counts(kappa[half], bins.fine, periodic=False, **options).sum(axis=0)
        np.testing.assert_array_equal(measured.fine_peaks[group], fine)
    edges = bins.null.published_edges
    np.testing.assert_array_equal(
        measured.null_pixels.published, pixel_histogram(kappa, edges, **options)
    )


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(-3, 3), min_size=9, max_size=9),
    edges=st.lists(st.integers(-4, 4), min_size=2, max_size=6, unique=True),
)
def test_sorted_pixels_give_numpys_histogram(values, edges):
    maps = np.array(values, float).reshape(1, 3, 3)
    counts = histogram_rows(sorted_pixels(maps), sorted(edges))
    np.testing.assert_array_equal(counts[0], np.histogram(values, sorted(edges))[0])


def test_an_evaluation_does_not_change(from_memory):
    more = from_memory.extended(metrics={"speed": 3.0}, figures={})
    assert more.metrics == {**from_memory.metrics, "speed": 3.0}
    assert "speed" not in from_memory.metrics
    for mapping in (more.metrics, more.figures, more.provenance):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["speed"] = 4.0
