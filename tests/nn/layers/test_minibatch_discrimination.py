"""Minibatch discrimination against its literal form; noise injection; seeded weights."""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import MinibatchDiscrimination, NoiseInjection, SeededNormal
from tests.harness import check_layer


def to_numpy(x):
    return keras.ops.convert_to_numpy(x)


def literal(features, kernel, kernels, dims):
    m = (features @ kernel).reshape(len(features), kernels, dims)
    distance = np.abs(m[:, None] - m[None, :]).sum(-1)
    return np.exp(-distance).sum(1)


@pytest.mark.parametrize("kernels", [3, 40, 64])  # below, across and at a multiple of the chunk
def test_similarities_are_those_of_algorithm_2(rng, kernels):
    x = rng.normal(size=(6, 10)).astype("float32")
    layer = MinibatchDiscrimination(kernels, 5, kernel_initializer=SeededNormal(1, 0.2))
    y = to_numpy(layer(x))
    np.testing.assert_array_equal(y[:, :10], x)
    np.testing.assert_allclose(y[:, 10:], literal(x, to_numpy(layer.kernel), kernels, 5), rtol=1e-5)


def test_identical_examples_have_the_largest_similarity():
    layer = MinibatchDiscrimination(8, 5)
    y = to_numpy(layer(np.ones((7, 4), "float32")))
    np.testing.assert_allclose(y[:, 4:], 7.0, rtol=1e-6)


def test_the_projection_comes_first(rng):
    x = rng.normal(size=(6, 10)).astype("float32")
    layer = MinibatchDiscrimination(4, 2, projection=3, kernel_initializer=SeededNormal(1, 0.5))
    y = to_numpy(layer(x))
    np.testing.assert_allclose(
        y[:, 10:], literal(x @ to_numpy(layer.projector), to_numpy(layer.kernel), 4, 2), rtol=1e-4
    )


def test_maps_get_constant_channels(rng):
    x = rng.normal(size=(4, 3, 3, 2)).astype("float32")
    last = MinibatchDiscrimination(5, 2, kernel_initializer=SeededNormal(1, 0.2))
    y = to_numpy(last(x))
    assert np.ptp(y[..., 2:], axis=(1, 2)).max() == 0
    assert np.ptp(y[..., 2:], axis=0).min() > 0


def test_gradient_matches_finite_differences(rng):
    x = rng.normal(size=(4, 6)).astype("float32")
    layer = MinibatchDiscrimination(3, 2, kernel_initializer=SeededNormal(1, 0.3))
    layer.build(x.shape)

    def objective(x):
        return keras.ops.sum(layer(x)[:, 6:] ** 2), None

    _, gradient = backend.value_and_input_gradient(
        objective, keras.ops.convert_to_tensor(x), layer.variables
    )
    gradient = to_numpy(gradient.detach() if hasattr(gradient, "detach") else gradient)
    kernel = to_numpy(layer.kernel).astype("float64")
    step = 1e-6
    for i in range(6):
        up, down = (
            x.astype("float64") + sign * step * np.eye(1, 24, i).reshape(4, 6) for sign in (1, -1)
        )
        change = sum(
            s * (literal(z, kernel, 3, 2) ** 2).sum() for s, z in ((1, up), (-1, down))
        ) / (2 * step)
        np.testing.assert_allclose(gradient.ravel()[i], change, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "float16", "float64"])
def test_contract(rng, dtype):
    x = rng.normal(size=(4, 10)).astype("float32")
    check_layer(
        MinibatchDiscrimination(8, 5, dtype=dtype), x, expected_shape=(4, 18), expected_weights=400
    )
    check_layer(
        MinibatchDiscrimination(8, 5, 3, dtype=dtype),
        x,
        expected_shape=(4, 18),
        expected_weights=150,
    )
    x = rng.normal(size=(4, 3, 3, 2)).astype("float32")
    check_layer(
        MinibatchDiscrimination(8, 5, dtype=dtype),
        x,
        expected_shape=(4, 3, 3, 10),
        expected_weights=720,
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MinibatchDiscrimination(0, 5), "must be positive"),
        (lambda: MinibatchDiscrimination(4, 5, projection=0), "must be positive"),
        (lambda: MinibatchDiscrimination(4, 5).build((None, None)), "of known size"),
        (lambda: MinibatchDiscrimination(4, 5).build((None, 3, 3)), "or four axes"),
    ],
)
def test_errors_name_the_cause(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_noise_injection_starts_as_the_identity_and_has_one_weight_per_channel(rng):
    features, noise = (
        rng.normal(size=(2, 4, 4, 3)).astype("float32"),
        rng.normal(size=(2, 4, 4, 1)).astype("float32"),
    )
    layer = NoiseInjection()
    check_layer(layer, [features, noise], expected_shape=(2, 4, 4, 3), expected_weights=3)
    layer.set_weights([np.array([0.0, 1.0, 2.0], "float32")])
    np.testing.assert_allclose(
        to_numpy(layer([features, noise])), features + noise * [0, 1, 2], rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="noise with one channel"):
        NoiseInjection()([features, features])


def test_seeded_normal_has_the_standard_deviation_and_repeats():
    draw = SeededNormal([3, 4])((5, 5, 64, 64))
    # 102,400 samples: error 0.2 %.
    assert float(np.std(to_numpy(draw))) == pytest.approx(np.sqrt(2 / (25 * 128)), rel=0.01)
    np.testing.assert_array_equal(to_numpy(SeededNormal([3, 4])((5, 5, 64, 64))), to_numpy(draw))
    assert not np.array_equal(to_numpy(SeededNormal([3, 5])((5, 5, 64, 64))), to_numpy(draw))
