"""Spectral filter: gains in closed form at several map sizes; fits to measured spectra."""

import keras
import numpy as np
import pytest

from cosmogan_k3.nn.layers import SpectralFilter, SpectralMatching
from tests.harness import check_layer


def ring_power(maps):
    """|FFT|² averaged over maps and over the modes around each whole wave number."""
    side = maps.shape[1]
    modes = np.fft.fftfreq(side) * side
    ring = np.hypot(modes[:, None], modes).round().astype(int)
    power = (np.abs(np.fft.fft2(maps[..., 0])) ** 2).mean(axis=0)
    return np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())


def apply(layer, maps):
    return keras.ops.convert_to_numpy(layer(maps))


def test_a_new_filter_and_one_in_training_are_the_identity(rng):
    maps = rng.normal(size=(3, 16, 16, 1)).astype("float32")
    layer = SpectralFilter(16)
    # Whole wave numbers up to the corner, √2 · 8 = 11.3, one knot beyond, and the shift.
    np.testing.assert_allclose(
        check_layer(layer, maps, expected_shape=maps.shape, expected_weights=14), maps, atol=1e-5
    )
    layer.fit([1.0, 11.0], [4.0, 4.0], shift=1.0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(maps, training=True)), maps)


@pytest.mark.parametrize("side", [16, 32, 24])
def test_every_mode_is_multiplied_by_the_gain_of_its_wave_number(rng, side):
    """A wave of c cycles per pixel is scaled by T(16 c), the mean by T(0) and shifted."""
    layer = SpectralFilter(16)
    knots = np.array([0.0, 1.0, 4.0, 8.0, 12.0])
    ratio = np.array([2.25, 0.5, 1.5, 2.0, 1.0])
    layer.fit(knots, ratio, shift=0.25)
    x, y = np.arange(side)[:, None], np.arange(side)[None, :]
    for nx, ny in [(1, 0), (0, 2), (3, 4), (side // 2, 0)]:
        wave = np.cos(2 * np.pi * (nx * x + ny * y) / side)
        wavenumber = 16 / side * np.hypot(nx, ny)
        below = int(wavenumber)
        table = np.interp([below, below + 1], knots, np.sqrt(ratio))
        gain = np.interp(wavenumber, [below, below + 1], table)
        found = apply(layer, (3.0 + wave)[None, ..., None].astype("float32"))[0, ..., 0]
        np.testing.assert_allclose(found, 1.5 * 3.0 + 0.25 + gain * wave, atol=2e-5)  # float32


def test_filters_are_appended(rng):
    """Gains multiply and shifts add up, the first filter's limits included."""
    first, second = SpectralFilter(16), SpectralFilter(16)
    first.fit([0.0, 11.0], [1.44, 1.44], shift=0.25)
    second.fit([0.0, 11.0], [1.21, 1.21], shift=0.5)
    first.then(second)
    maps = rng.normal(size=(2, 16, 16, 1)).astype("float32")
    np.testing.assert_allclose(apply(first, maps), 1.32 * maps + 0.75, atol=1e-5)  # float32
    first.fit([0.0, 11.0], [1.21, 1.21], shift=-0.25)
    np.testing.assert_allclose(apply(first, maps), 1.452 * maps + 0.5, atol=1e-5)
    first.reset()
    np.testing.assert_allclose(apply(first, maps), maps, atol=1e-5)


def test_gains_are_bounded(rng):
    layer = SpectralFilter(16)
    layer.fit([1.0, 11.0], [100.0, 0.0001], shift=0.0)
    gain = keras.ops.convert_to_numpy(layer.gain)
    assert (gain.min(), gain.max()) == (0.5, 2.0)


def test_a_fit_to_maps_corrects_other_maps(rng):
    """White noise with too much power on large scales and a wrong mean."""

    def drawn(n):
        maps = rng.normal(size=(n, 64, 64))
        smooth = sum(np.roll(maps, s, axis=a) for s in (0, 1, -1) for a in (1, 2)) / 3
        return (maps + 0.3 * smooth)[..., None].astype("float32")

    matching = SpectralMatching(1.0)
    matching.adapt((rng.normal(size=(300, 64, 64, 1)) + 0.5).astype("float32"))
    layer = SpectralFilter(64)
    layer.fit(*matching.shortfall([(drawn(150), None), (drawn(150), None)]))
    raw = drawn(300)
    corrected = apply(layer, raw)
    wanted = 64.0**2  # of unit white noise, at every mode
    # Rings from wave number 8 on hold 50 modes: error 2 % for three sets of 300 maps.
    assert np.abs(ring_power(raw)[8:] / wanted - 1).max() > 0.2
    assert np.abs(ring_power(corrected)[8:] / wanted - 1).max() < 0.06
    assert corrected.mean() == pytest.approx(0.5, abs=0.01)


def test_significant_errors_of_the_largest_scales_are_corrected(rng):
    """Half the power at the fundamental mode; its group of 100 modes lacks only 4 %."""
    matching = SpectralMatching(1.0)
    matching.adapt(rng.normal(size=(1500, 32, 32, 1)).astype("float32"))
    lacking = np.fft.fft2(rng.normal(size=(1500, 32, 32)))
    for mode in [(0, 1), (1, 0), (0, -1), (-1, 0)]:
        lacking[:, *mode] *= np.sqrt(0.5)
    maps = np.fft.ifft2(lacking).real[..., None].astype("float32")
    _, ratios, _ = matching.shortfall([(maps, None)])
    # The first ring holds the modes (0, 1) and (1, 1): power 1.5 of 2, known to 4 %.
    assert ratios[1] == pytest.approx(2 / 1.5, rel=0.15)
    assert np.abs(ratios[2:] - 1).max() < 0.06


@pytest.mark.parametrize("constant", [False, True])
def test_means_of_maps_get_the_scatter_of_the_training_maps(rng, constant):
    """Means scatter by 1.5 instead of 1; equal training means leave the scatter as it is."""

    def drawn(n, scatter, mean):
        maps = rng.normal(size=(n, 16, 16))
        maps -= maps.mean(axis=(1, 2), keepdims=True)
        return (maps + mean + scatter * rng.normal(size=(n, 1, 1)))[..., None].astype("float32")

    matching = SpectralMatching(1.0)
    training = drawn(1500, 0.0 if constant else 1.0, 0.3)
    matching.adapt(training)
    layer = SpectralFilter(16)
    found = drawn(1500, 1.5, 0.4)
    layer.fit(*matching.shortfall([(found, None)]))
    means = apply(layer, found).mean(axis=(1, 2, 3))
    # The variance of 1,500 numbers is known to 3.7 %; the shrinkage leaves 4 % here.
    assert means.std() == pytest.approx(1.5 if constant else 1.0, rel=0.07)
    assert means.mean() == pytest.approx(training.mean(), abs=1e-4)
