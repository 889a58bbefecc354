"""Gaussian fields: spectra and moments against the maps that the layers were adapted to."""

import keras
import numpy as np
import pytest
from scipy import stats

from cosmogan_k3.nn.gaussian_fit import fit_gaussian_field
from cosmogan_k3.nn.layers import GaussianField, LognormalOutput
from cosmogan_k3.simulation import lognormal_maps
from tests.harness import check_layer


def draw(layer, rng, count, side):
    return keras.ops.convert_to_numpy(
        layer(rng.standard_normal((count, side, side, 1)).astype("float32"))
    )[..., 0]


def power(maps, *mode):
    """⟨|FFT|²⟩/N² averaged over a mode and the three that are equal to it by isotropy."""
    planes = (np.abs(np.fft.fft2(maps)) ** 2).mean(axis=0) / maps.shape[1] ** 2
    i, j = mode
    return np.mean([planes[i, j], planes[j, i], planes[-i, j], planes[-j, i]])


def test_shape_weights_and_files(rng):
    noise = rng.normal(size=(2, 16, 16, 1)).astype("float32")
    # Half wave numbers up to the corner of the plane, 2 · 11.3, one knot beyond, and the mean.
    output = check_layer(GaussianField(16), noise, expected_shape=noise.shape, expected_weights=25)
    # Before ``adapt`` the layer is the identity.
    np.testing.assert_allclose(output, noise, atol=1e-5)


@pytest.mark.parametrize("side", [16, 32])
def test_a_gaussian_power_law_is_reproduced_at_any_size(rng, side):
    """P ∝ 1/(1 + k²), at equal cycles per pixel also on maps of twice the side."""

    def gain(wavenumber):
        return np.sqrt(30 / (1 + wavenumber**2))

    modes = np.hypot(*np.meshgrid(*[np.fft.fftfreq(16) * 16] * 2))
    maps = np.fft.ifft2(np.fft.fft2(rng.normal(size=(3000, 16, 16))) * gain(modes)).real
    layer = GaussianField(16)
    layer.adapt(maps[..., None])
    found = draw(layer, rng, 3000, side)
    for mode in [(1, 0), (1, 1), (2, 1), (3, 0), (5, 4), (7, 7)]:
        scaled = tuple(m * side // 16 for m in mode)
        # Two sets of 3,000 maps with two to four independent modes: error 2 %.
        assert power(found, *scaled) == pytest.approx(gain(np.hypot(*mode)) ** 2, rel=0.08)
    assert abs(stats.skew(found.ravel())) < 0.02


def test_with_the_lognormal_output_it_reproduces_a_lognormal_simulation(rng):
    """Mean, variance, skewness and spectrum of the maps that the layers were adapted to."""
    maps = lognormal_maps(
        3000, pixels=32, field_deg=2.5, power=lambda ell: 4e-7 / ell, shift=0.03, seed=1
    )
    maps = maps / maps.std()
    assert stats.skew(maps.ravel()) > 0.8
    field, output = GaussianField(32), LognormalOutput()
    for layer in (field, output):
        layer.adapt(maps[..., None])
    found = keras.ops.convert_to_numpy(output(draw(field, rng, 3000, 32)[..., None]))[..., 0]
    # The statistical errors of 3,000 maps are a third of these tolerances.
    assert found.mean() == pytest.approx(maps.mean(), abs=0.02)
    assert found.var() == pytest.approx(1, abs=0.02)
    assert stats.skew(found.ravel()) == pytest.approx(stats.skew(maps.ravel()), rel=0.05)
    for mode in [(1, 0), (1, 1), (2, 2), (8, 0), (12, 12)]:
        assert power(found, *mode) == pytest.approx(power(maps, *mode), rel=0.08)


def test_few_maps_and_blank_ones_give_finite_gains(rng):
    for maps in (
        rng.lognormal(size=(2, 16, 16)),
        np.zeros((3, 16, 16)),
        -rng.lognormal(size=(8, 16, 16)),
    ):
        gains, mean = fit_gaussian_field(maps, 32)
        assert np.isfinite(gains).all()
        assert np.isfinite(mean)
        assert (gains >= 0).all()
