"""Beside LensTools: numbers that ``benchmarks/lenstools_oracle.py`` stored, on N-body maps where they are at hand.

Where the definitions agree, the numbers do to rounding. They differ in (docs/statistics.md):

- P(ℓ): LensTools averages over the half-plane of the real FFT, in which the modes of its first and last column stand
  beside their mirror images and all others do not; ours is over the whole plane. ``test_power_spectrum`` corrects
  for the two columns, from the map's row sums, before it compares.
- peaks: LensTools divides by the widths of the bins; the oracle has been multiplied by them.
- Minkowski: LensTools' unit of length is the pixel.
- moments: LensTools does not subtract the mean; the oracle's map has none.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from cosmogan_k3.maps import read_maps
from cosmogan_k3.statistics import (
    minkowski_functionals,
    peak_counts,
    power_spectrum,
    smoothed_moments,
)

ORACLE = json.loads((Path(__file__).parent / "lenstools.json").read_text())
TOLERANCE = 1e-6
"""Relative; both work in float64 and differ in the order of sums only, so that 1e-12 is what one finds."""


@pytest.fixture(params=sorted(ORACLE["maps"]))
def case(request, real_maps):
    """One map of one file, and what LensTools measures on it."""
    pixels = ORACLE["pixels"]
    path = real_maps / request.param
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    oracle = {k: np.array(v) for k, v in ORACLE["maps"][request.param].items()}
    return read_maps(path, pixels=pixels, pixel_arcmin=float(oracle["pixel_arcmin"])).kappa[
        :1
    ], oracle


def test_power_spectrum(case):
    maps, oracle = case
    edges, pixels, pixel = oracle["ell_edges"], ORACLE["pixels"], float(oracle["pixel_arcmin"])
    _, power = power_spectrum(maps, pixel_arcmin=pixel, ell_edges=edges)
    k = np.abs(np.fft.fftfreq(pixels, 1 / pixels))
    fundamental = 360 * 60 / (pixels * pixel)

    def binned(column, weights=None):
        return np.histogram(fundamental * np.hypot(k, column), edges, weights=weights)[0]

    half = sum(binned(column) for column in range(pixels // 2 + 1))
    kappa = maps[0].astype(float)
    signs = (-1.0) ** np.arange(pixels)
    ends = {0: kappa.sum(axis=1), pixels // 2: (kappa * signs).sum(axis=1)}
    area = np.deg2rad(pixel / 60) ** 2 / pixels**2
    once = sum(
        binned(column, np.abs(np.fft.fft(rows)) ** 2 * area) for column, rows in ends.items()
    )
    whole = 2 * half - sum(binned(column) for column in ends)
    np.testing.assert_allclose(
        power[0], (2 * half * oracle["power"] - once) / whole, rtol=TOLERANCE
    )
    # Uncorrected, a typical bin differs by less than a percent; one of a steep, cut map by up to 11 %.
    assert np.median(np.abs(power[0] / oracle["power"] - 1)) < 0.01


def test_peak_counts(case):
    maps, oracle = case
    np.testing.assert_array_equal(peak_counts(maps, oracle["thresholds"])[0], oracle["peaks"])


@pytest.mark.parametrize("pixel_arcmin", [1.0, 0.25])
def test_minkowski_functionals(case, pixel_arcmin):
    maps, oracle = case
    functionals = minkowski_functionals(maps, oracle["thresholds"], pixel_arcmin=pixel_arcmin)
    for power, (name, ours) in enumerate(zip(("v0", "v1", "v2"), functionals, strict=True)):
        theirs = oracle[name] / pixel_arcmin**power
        np.testing.assert_allclose(
            ours[0], theirs, rtol=TOLERANCE, atol=TOLERANCE * np.abs(theirs).max()
        )


def test_smoothed_moments(case):
    maps, oracle = case
    ours = smoothed_moments(
        maps, pixel_arcmin=float(oracle["pixel_arcmin"]), scales_arcmin=[ORACLE["smoothing_arcmin"]]
    )
    np.testing.assert_allclose(ours[0, 0], oracle["smoothed_moments"], rtol=TOLERANCE, atol=1e-12)
