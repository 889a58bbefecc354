"""Spectral matching: moments, gradients and running averages against direct computations."""

import numpy as np
import pytest
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import SpectralMatching
from cosmogan_k3.statistics import power_spectrum
from cosmogan_k3.statistics.fourier import ring_means
from tests.harness import check_layer

SIDE = 16


@pytest.fixture
def maps(rng):
    return rng.normal(size=(64, SIDE, SIDE, 1)).astype("float32")


def adapted(maps, **options):
    layer = SpectralMatching(**{"weight": 1.0, "memory": 0.0, **options})
    layer.adapt(maps)
    return layer


def test_shape_and_weights(maps):
    moments = 1 + ring_means(SIDE).shape[1]
    check_layer(SpectralMatching(0.5), maps, expected_shape=(), expected_weights=4 * moments + 2)


def test_each_mode_is_in_one_ring():
    assert (np.count_nonzero(ring_means(SIDE), axis=1) == 1).all()
    # The zero mode has its own ring.
    assert np.flatnonzero(ring_means(SIDE)[:, 0]).tolist() == [0]


def test_the_moments_are_the_mean_and_the_power_spectrum(maps):
    """One ring against ``power_spectrum`` of the same modes, which is (L/N²)² |FFT|²."""
    mean, zero, innermost = ops.convert_to_numpy(adapted(maps + 0.5).expected)[:3]
    edges = np.array([0.5, 1.5])  # the innermost ring, in modes
    side_deg = SIDE / 60
    _, expected = power_spectrum(maps[..., 0], ell_edges=edges * 360 / side_deg, pixel_arcmin=1.0)
    unit = (np.radians(side_deg) / SIDE**2) ** 2
    np.testing.assert_allclose(innermost * unit, expected.mean(), rtol=1e-4)
    means = maps.mean(axis=(1, 2, 3)) + 0.5
    np.testing.assert_allclose([mean, zero], [means.mean(), np.mean(means**2) * SIDE**4], rtol=1e-5)


def moments_of(layer, one):
    """Compute u of one map in double precision."""
    expected, scatter = (
        ops.convert_to_numpy(v).astype(float) for v in (layer.expected, layer.scatter)
    )
    power = np.abs(np.fft.fft2(one[0, ..., 0].astype(float))).ravel() ** 2 @ ring_means(SIDE)
    return (np.r_[one.mean(dtype=float), power] - expected) / scatter


def slope_of(layer, maps):
    """Return the gradient of the loss at some maps."""
    x = ops.convert_to_tensor(maps)
    _, slope = backend.value_and_input_gradient(lambda x: (layer(x), None), x, layer.variables)
    return ops.convert_to_numpy(slope)


def test_the_gradient_is_that_of_the_squared_error(maps):
    """Without memory: the slope of w/2 Σ u², or of 3 w Σ ±u beyond the bound."""
    layer = adapted(maps, weight=0.3)
    one = 1.1 * maps[:1] + 0.05
    direction = np.random.default_rng(1).normal(size=one.shape)
    bound = np.clip(moments_of(layer, one), -3, 3)
    step = 1e-4
    ahead, behind = (moments_of(layer, one + sign * step * direction) for sign in (1, -1))
    expected = 0.3 * np.sum(bound * (ahead - behind)) / (2 * step)
    # Float32 gradients of sums over 256 modes.
    np.testing.assert_allclose(np.sum(slope_of(layer, one) * direction), expected, rtol=1e-3)


def test_the_gradient_points_to_the_spectrum(maps):
    """The slope along the amplitude is negative below one, zero at one and positive above."""
    layer = adapted(maps)

    def slope_along(amplitude):
        x = (amplitude * maps).astype("float32")
        return float(np.sum(slope_of(layer, x) * maps))

    assert slope_along(0.9) < -10 * abs(slope_along(1.0))
    assert slope_along(1.1) > 10 * abs(slope_along(1.0))


def test_running_mean_and_lag_are_moving_averages(maps):
    layer = adapted(maps, memory=0.9)
    layer.steps.assign(1e6)
    layer.update(layer.moments(2 * maps), layer.moments(maps[::4]))
    u = [np.mean([moments_of(layer, a * m[None]) for m in maps], axis=0) for a in (1, 2)]
    first = [np.mean([moments_of(layer, a * m[None]) for m in maps[::4]], axis=0) for a in (1, 2)]
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer.running), 0.9 * 0 + 0.1 * u[1], rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer.lag), 0.002 * (first[0] - first[1]), rtol=1e-3, atol=1e-5
    )


def test_the_memory_is_short_at_the_start(maps):
    """In step 0 it is 1/10, whatever the parameter."""
    layer = adapted(maps, memory=0.95)
    layer.update(layer.moments(2 * maps), layer.moments(2 * maps[::4]))
    u = np.mean([moments_of(layer, 2 * m[None]) for m in maps], axis=0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.running), 0.9 * u, rtol=1e-3, atol=1e-3)
    assert float(ops.convert_to_numpy(layer.steps)) == 1


def test_a_lag_of_the_averaged_generator_is_compensated(maps):
    """With a correct running mean and too faint averaged maps, brighter maps lower the loss."""
    layer = adapted(maps, memory=0.9)
    layer.lag.assign(-np.ones(layer.lag.shape))
    assert float(np.sum(slope_of(layer, maps) * maps)) < 0


def test_noisy_rings_take_the_ratio_of_their_group(rng, maps):
    """Two sets of the same spectrum: differences within a group of rings are noise."""
    matching = adapted(maps)
    others = rng.normal(size=(64, SIDE, SIDE, 1)).astype("float32")
    wavenumbers, ratios, _ = matching.shortfall([(others, None)])
    assert len(ratios) == len(wavenumbers) > 8
    # Two groups of at least 100 of the 255 modes, and the ratio of the means' variances.
    assert len(np.unique(ratios.round(6))) <= 4
    np.testing.assert_allclose(ratios[1:], 1, atol=0.1)


def test_errors_name_the_cause():
    with pytest.raises(ValueError, match="weight must be positive and memory"):
        SpectralMatching(0.0)
    with pytest.raises(ValueError, match="Received: weight=1, memory=1"):
        SpectralMatching(1, memory=1)
    with pytest.raises(ValueError, match="known side"):
        SpectralMatching(1.0).build((None, None, None, 1))


def test_equal_means_of_the_training_maps_are_not_matched(rng):
    """Training maps without means: only the spectrum is matched, another mean is no error."""
    maps = rng.normal(size=(200, 16, 16, 1)).astype("float32")
    matching = SpectralMatching(1.0)
    matching.adapt(maps - maps.mean(axis=(1, 2), keepdims=True))
    others = rng.normal(size=(16, 16, 16, 1)).astype("float32")
    moved, still = (float(ops.convert_to_numpy(matching(x))) for x in (others + 0.5, others))
    assert moved == pytest.approx(still, rel=1e-3)
    assert abs(moved) < 10
    wavenumbers, ratios, shift = matching.shortfall([(others + 0.5, None)])
    assert np.isfinite(ratios).all()
    assert len(ratios) == len(wavenumbers)
    assert shift == pytest.approx(-0.5, abs=0.1)
