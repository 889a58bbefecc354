"""The statistics of a comparison: thresholds, blocks, masks and statistics measured elsewhere."""

import numpy as np
import pytest

from cosmogan_k3.statistics import SummaryStatistics, join_features
from cosmogan_k3.statistics import summary as module

MASKABLE = ["pixels", "power_spectrum", "peaks", "minima"]


def assert_same_features(found, expected):
    assert [f.name for f in found] == [f.name for f in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.axis, b.axis)
        np.testing.assert_array_equal(a.rows, b.rows)


@pytest.fixture
def maps(rng):
    return rng.lognormal(size=(9, 32, 32)).astype(np.float32)


@pytest.fixture
def mask(rng):
    return rng.random((32, 32)) < 0.8


def test_maps_are_measured_alike_in_any_blocks(maps, monkeypatch):
    statistics = SummaryStatistics(maps, pixel_arcmin=2.0)
    whole = statistics.measure(maps)
    monkeypatch.setattr(module, "_BLOCK", 4)
    assert_same_features(statistics.measure(maps), whole)
    assert_same_features(
        join_features([statistics.measure(m) for m in (maps[:2], maps[2:])]), whole
    )
    assert all(len(features.rows) == len(maps) for features in whole)


@pytest.mark.parametrize("names", [[], ["peaks"], MASKABLE])
@pytest.mark.parametrize("masked", [False, True])
def test_measured_statistics_are_taken_as_they_are(maps, mask, names, masked, monkeypatch):
    statistics = SummaryStatistics(maps, pixel_arcmin=2.0, mask=mask if masked else None)
    expected = statistics.measure(maps)
    known = {f.name: (f.axis, f.rows) for f in expected if f.name in names}
    monkeypatch.setattr(module, "_BLOCK", 4)
    if "peaks" in names:
        monkeypatch.setattr(module, "peak_counts", None)
    assert_same_features(statistics.measure(maps, known), expected)


@pytest.mark.parametrize("hidden", [np.nan, 1e30])
def test_a_mask_leaves_what_needs_whole_maps_out(maps, mask, hidden):
    spoilt = np.where(mask, maps, np.float32(hidden))
    statistics = SummaryStatistics(spoilt, pixel_arcmin=2.0, mask=mask)
    found = statistics.measure(spoilt)
    assert [f.name for f in found] == MASKABLE
    expected = SummaryStatistics(maps, pixel_arcmin=2.0, mask=mask).measure(maps)
    assert_same_features(found, expected)
    whole = SummaryStatistics(maps, pixel_arcmin=2.0)
    assert whole.left_out == ()
    labels = [f.label for f in whole.measure(maps)]
    assert [label for label in labels if label not in statistics.left_out] == [
        f.label for f in found
    ]


def test_thresholds_are_those_of_the_first_maps_and_stay(maps, mask):
    many = np.concatenate([np.resize(maps, (256, 32, 32)), 100 * maps])
    statistics = SummaryStatistics(many, pixel_arcmin=2.0, mask=mask)
    first = many[:256, mask]
    assert statistics.peak_edges[[0, -1]] == pytest.approx(
        first.mean() + first.std() * np.array([-1, 5]), rel=1e-5
    )
    mask[:] = False
    assert statistics.mask.any(), "the mask must be a copy"
    with pytest.raises(ValueError, match="read-only"):
        statistics.peak_edges[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        statistics.mask[0, 0] = True


def test_constant_maps_are_refused():
    with pytest.raises(ValueError, match=r"must vary. Received: 0.5 everywhere in the first 3"):
        SummaryStatistics(np.full((3, 16, 16), 0.5), pixel_arcmin=1.0)
