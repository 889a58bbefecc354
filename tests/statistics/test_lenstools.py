"""Our statistics against the numbers that LensTools measures on the same maps.

``benchmarks/lenstools_oracle.py`` stored these numbers. Two synthetic maps are part of the
repository; N-body maps are tested too where the folder with their files exists.

Where the definitions agree, the numbers agree to rounding. The definitions differ in these points
(docs/development/statistics.md):

- P(ℓ): LensTools averages over the half-plane of the real FFT. Modes of its first and last column
  count beside their mirror images, all others do not. Ours averages over the whole plane.
  ``test_power_spectrum`` corrects for the two columns before it compares.
- Peaks: LensTools divides by the widths of the bins; the stored numbers are multiplied by them.
- Minkowski functionals: LensTools' unit of length is the pixel.
- Moments: LensTools does not subtract the mean; the measured map has none.
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
from tests.conftest import ROOT

HERE = Path(__file__).parent
ORACLE = json.loads((HERE / "lenstools.json").read_text())
SYNTHETIC = dict(np.load(HERE / "lenstools_maps.npz"))
FILES = {
    name: path
    for name in ORACLE["maps"]
    if (path := ROOT.parent / "shared" / "data" / name).is_file()
}

# Relative. Both work in float64 and differ in the order of sums: 1e-12 is typical.
TOLERANCE = 1e-6


@pytest.fixture(params=[*SYNTHETIC, *FILES])
def case(request):
    """One map, and what LensTools measures on it."""
    name = request.param
    oracle = {key: np.array(values) for key, values in ORACLE["maps"][name].items()}
    if name in SYNTHETIC:
        return SYNTHETIC[name][None], oracle
    pixel_arcmin = float(oracle["pixel_arcmin"])
    maps = read_maps(FILES[name], pixels=ORACLE["pixels"], pixel_arcmin=pixel_arcmin)
    return maps.kappa[:1], oracle


def test_power_spectrum(case):
    maps, oracle = case
    edges, pixels, pixel = oracle["ell_edges"], maps.shape[1], float(oracle["pixel_arcmin"])
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
    # Uncorrected, a typical bin differs by less than a percent; one of a steep map by up to 11 %.
    assert np.median(np.abs(power[0] / oracle["power"] - 1)) < 0.01


def test_peak_counts(case):
    maps, oracle = case
    np.testing.assert_array_equal(peak_counts(maps, oracle["thresholds"])[0], oracle["peaks"])
    assert oracle["peaks"].sum() > 0


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
