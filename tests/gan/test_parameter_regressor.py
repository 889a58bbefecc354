"""The parameter regressor: accuracy, features, reproducibility and translation invariance."""

import keras
import numpy as np
import pytest

from cosmogan_k3.gan.parameter_regressor import build_regressor, learned_features, train_regressor
from cosmogan_k3.statistics import frechet_distance
from tests.gan.tiny_gan import to_numpy


def red_maps(amplitudes, rng):
    """Return Gaussian maps of power spectrum 1/k² with the amplitude as standard deviation."""
    k = np.hypot(np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(16))
    k[0, 0] = 1
    maps = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(len(amplitudes), 16, 16))) / k, s=(16, 16))
    return (amplitudes[:, None, None] * maps / maps.std()).astype("float32")


@pytest.fixture
def training(rng):
    """Maps and their amplitudes, which stand for σ_8."""
    amplitudes = rng.uniform(0.6, 1.2, size=256)
    return red_maps(amplitudes, rng), amplitudes[:, None]


def test_the_regressor_infers_an_amplitude_better_than_its_mean(rng, training):
    network, (mean, deviation) = train_regressor(*training, epochs=10)
    amplitudes = rng.uniform(0.6, 1.2, size=200)
    maps = (red_maps(amplitudes, rng) - mean) / deviation
    predicted = keras.ops.convert_to_numpy(network(maps[..., None]))[:, 0]
    truth = (amplitudes - training[1].mean()) / training[1].std()
    # Predicting the mean has a mean squared error of 1, known to 7 % from 200 maps.
    assert np.mean((predicted - truth) ** 2) < 0.5


def test_features_distinguish_another_cosmology_from_the_same(rng, training):
    same, real, other = (red_maps(np.full(160, a), rng) for a in (0.9, 0.9, 1.1))
    rows = learned_features(*training, [real, same, other], epochs=5)
    assert [r.shape for r in rows] == [(160, 16)] * 3
    assert rows[0].dtype == np.float64
    # Dead features are constant and hold no information.
    alive = rows[0].std(axis=0) > 0
    null, distance = (frechet_distance(rows[0][:, alive], r[:, alive]) for r in rows[1:])
    assert distance > 5 * null


def test_features_depend_on_the_seed_alone_and_leave_the_global_generator_untouched(training):
    # Two runs in one process are equal up to the order of sums between threads.
    maps, parameters = training[0][:64], training[1][:64]
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    (first,), (second,) = (
        learned_features(maps, parameters, [maps[:32]], epochs=1, seed=1) for _ in range(2)
    )
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)


def test_output_does_not_change_when_the_map_is_shifted_by_eight_pixels(rng):
    network = build_regressor(16, 2)
    maps = rng.normal(size=(3, 16, 16, 1)).astype("float32")
    a, b = to_numpy(network(m) for m in (maps, np.roll(maps, (8, 8), axis=(1, 2))))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert network.count_params() < 20_000


def test_sides_that_cannot_be_halved_three_times_are_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        build_regressor(20, 1)


def test_unusable_training_sets_are_refused(training):
    maps, parameters = training
    with pytest.raises(ValueError, match="a row of parameters for each map"):
        learned_features(maps, parameters[:5], [])
    with pytest.raises(ValueError, match="must vary"):
        learned_features(maps, 0 * parameters, [])
    with pytest.raises(ValueError, match="one size"):
        learned_features(maps, parameters, [maps[:, :8, :8]])
