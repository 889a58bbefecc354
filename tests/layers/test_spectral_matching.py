"""The pull towards the training maps' spectrum."""

import numpy as np
import pytest
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.layers import SpectralMatching
from cosmogan_k3.layers.spectral_matching import ring_means
from cosmogan_k3.statistics import power_spectrum
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
    rings = ring_means(SIDE).shape[1]
    check_layer(SpectralMatching(0.5), maps, expected_shape=(), expected_weights=3 * rings + 1)


def test_rings_hold_every_mode_but_the_mean_once():
    assert (np.count_nonzero(ring_means(SIDE), axis=1) == np.r_[0, np.ones(SIDE**2 - 1)]).all()


def test_power_is_that_of_the_statistics(maps):
    """One ring against ``power_spectrum`` of the same modes: (L/N²)² times |FFT|², a solid angle apart."""
    layer = adapted(maps)
    edges = np.array([0.5, 1.5])  # the innermost ring, in modes
    side_deg = SIDE / 60
    _, expected = power_spectrum(maps[..., 0], ell_edges=edges * 360 / side_deg, pixel_arcmin=1.0)
    unit = (np.radians(side_deg) / SIDE**2) ** 2
    np.testing.assert_allclose(ops.convert_to_numpy(layer.power)[0] * unit, expected.mean(), rtol=1e-4)


def test_the_gradient_is_that_of_the_squared_error(maps):
    """With no memory and all maps alike: w Σ (p − 1)/σ² p has the slope of w/2 Σ (p − 1)²/σ², by finite differences."""
    layer = adapted(maps, weight=0.3)
    one = 1.1 * maps[:1]
    _, slope = backend.value_and_input_gradient(layer, ops.convert_to_tensor(one), layer.variables)
    direction = np.random.default_rng(1).normal(size=one.shape)
    rings, power, scatter = ring_means(SIDE), *map(ops.convert_to_numpy, (layer.power, layer.scatter))

    def objective(x):
        relative = (np.abs(np.fft.fft2(x[0, ..., 0])).ravel() ** 2 @ rings) / power
        return 0.15 * np.sum(np.clip(relative - 1, -0.5, 0.5) ** 2 / scatter**2 * (abs(relative - 1) < 0.5))

    def bound(x):  # beyond an error of one half the pull stays what it is there
        relative = (np.abs(np.fft.fft2(x[0, ..., 0])).ravel() ** 2 @ rings) / power
        return 0.3 * np.sum(np.where(abs(relative - 1) >= 0.5, 0.5 * np.sign(relative - 1) * relative / scatter**2, 0))

    step = 1e-5
    expected = sum(f(one + step * direction) - f(one - step * direction) for f in (objective, bound)) / (2 * step)
    # Float32 gradients of sums over 256 modes.
    np.testing.assert_allclose(np.sum(ops.convert_to_numpy(slope) * direction), expected, rtol=1e-3)


def test_the_pull_is_towards_the_spectrum(maps):
    """Along the maps themselves the slope is that of their amplitude: up below one, nothing at one, down above."""
    layer = adapted(maps)

    def slope_along(amplitude):
        x = (amplitude * maps).astype("float32")
        _, slope = backend.value_and_input_gradient(layer, ops.convert_to_tensor(x), layer.variables)
        return float(np.sum(ops.convert_to_numpy(slope) * maps))

    assert slope_along(0.9) < -10 * abs(slope_along(1.0))
    assert slope_along(1.1) > 10 * abs(slope_along(1.0))


def test_the_running_mean_remembers(maps):
    layer = adapted(maps, memory=0.9)
    layer.steps.assign(1000.0)
    layer.update(ops.convert_to_tensor(2 * maps))
    # Twice the amplitude is four times the power: 0.9 · 1 + 0.1 · 4.
    np.testing.assert_allclose(ops.convert_to_numpy(layer.running), 1.3, rtol=1e-4)


def test_errors_name_the_cause():
    with pytest.raises(ValueError, match="weight must be positive and memory"):
        SpectralMatching(0.0)
    with pytest.raises(ValueError, match="Received: weight=1, memory=1"):
        SpectralMatching(1, memory=1)
