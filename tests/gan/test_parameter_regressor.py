"""The network that reads parameters: what it must learn, and what its features are for."""

import keras
import numpy as np
import pytest

from cosmogan_k3.gan.parameter_regressor import build_regressor, learned_features, train_regressor
from cosmogan_k3.statistics import frechet_distance


def maps_of(amplitudes, rng):
    """Red maps whose standard deviation is the amplitude, as σ_8 scales a map."""
    k = np.hypot(np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(16))
    k[0, 0] = 1
    maps = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(len(amplitudes), 16, 16))) / k, s=(16, 16))
    return (amplitudes[:, None, None] * maps / maps.std()).astype("float32")


@pytest.fixture
def training(rng):
    amplitudes = rng.uniform(0.6, 1.2, size=256)
    return maps_of(amplitudes, rng), amplitudes[:, None]


def test_it_reads_an_amplitude_better_than_the_mean_does(rng, training):
    network, (mean, deviation) = train_regressor(*training, epochs=10)
    amplitudes = rng.uniform(0.6, 1.2, size=200)
    maps = (maps_of(amplitudes, rng) - mean) / deviation
    predicted = keras.ops.convert_to_numpy(network(maps[..., None]))[:, 0]
    truth = (amplitudes - training[1].mean()) / training[1].std()
    # The mean predictor has a mean square of 1, known to 7 % from 200 maps.
    assert np.mean((predicted - truth) ** 2) < 0.5


def test_features_tell_another_cosmology_from_the_same(rng, training):
    same, real, other = (maps_of(np.full(160, a), rng) for a in (0.9, 0.9, 1.1))
    rows = learned_features(*training, [real, same, other], epochs=5)
    assert [r.shape for r in rows] == [(160, 16)] * 3
    assert rows[0].dtype == np.float64
    # Features that died are constant and carry nothing.
    alive = rows[0].std(axis=0) > 0
    null, distance = (frechet_distance(rows[0][:, alive], r[:, alive]) for r in rows[1:])
    assert distance > 5 * null


def test_one_seed_gives_one_network_and_spares_the_global_generator(training):
    # Two runs of one program: equal up to the order of sums between threads.
    maps, parameters = training
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    rows = [
        learned_features(maps[:64], parameters[:64], [maps[:32]], epochs=1, seed=s)[0]
        for s in (1, 1)
    ]
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-4, atol=1e-5)


def test_features_do_not_depend_on_where_the_map_begins(rng):
    network = build_regressor(16, 2)
    maps = rng.normal(size=(3, 16, 16, 1)).astype("float32")
    shifted = np.roll(maps, (8, 8), axis=(1, 2))
    a, b = (keras.ops.convert_to_numpy(network(m)) for m in (maps, shifted))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert network.count_params() < 20_000


def test_errors_name_the_cause(training):
    maps, parameters = training
    with pytest.raises(ValueError, match="multiple of 8"):
        build_regressor(20, 1)
    with pytest.raises(ValueError, match="a row of parameters for each map"):
        learned_features(maps, parameters[:5], [])
    with pytest.raises(ValueError, match="must vary"):
        learned_features(maps, 0 * parameters, [])
    with pytest.raises(ValueError, match="one size"):
        learned_features(maps, parameters, [maps[:, :8, :8]])
