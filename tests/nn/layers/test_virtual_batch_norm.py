"""Virtual batch normalization against NumPy."""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import VirtualBatchNorm
from tests.harness import check_layer

EPSILON = 1e-5
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


def to_numpy(x):
    return keras.ops.convert_to_numpy(x)


def normalized(x, sample, axes):
    return (x - sample.mean(axes, keepdims=True)) / np.sqrt(
        sample.var(axes, keepdims=True) + EPSILON
    )


@pytest.fixture
def maps(rng):
    return rng.normal(2.0, 3.0, size=(10, 6, 6, 2)).astype("float32")


def test_batch_mode_uses_the_joint_statistics(maps):
    layer = VirtualBatchNorm(4)
    y = to_numpy(layer(maps, training=True))
    np.testing.assert_allclose(y[4:], normalized(maps[4:], maps, (0, 1, 2)), **TOLERANCE)
    np.testing.assert_allclose(y[:4], normalized(maps[:4], maps[:4], (0, 1, 2)), **TOLERANCE)


def test_example_mode_joins_each_example_with_the_reference(maps):
    layer = VirtualBatchNorm(4, mode="example")
    y = to_numpy(layer(maps, training=True))
    for i in range(4, 10):
        union = np.concatenate([maps[:4], maps[i : i + 1]])
        np.testing.assert_allclose(
            y[i], normalized(maps[i : i + 1], union, (0, 1, 2))[0], **TOLERANCE
        )


@pytest.mark.parametrize("mode", ["batch", "example"])
def test_inference_is_frozen_and_treats_examples_alone(maps, mode):
    layer = VirtualBatchNorm(4, mode=mode)
    trained = to_numpy(layer(maps, training=True))
    together = to_numpy(layer(maps[4:]))
    one_by_one = np.concatenate([to_numpy(layer(maps[i : i + 1])) for i in range(4, 10)])
    np.testing.assert_allclose(together, one_by_one, **TOLERANCE)
    np.testing.assert_allclose(together, trained[4:], **TOLERANCE)
    frozen = to_numpy(layer.frozen_mean).copy()
    layer(100 + maps)
    np.testing.assert_array_equal(to_numpy(layer.frozen_mean), frozen)


def test_example_mode_treats_examples_alone_in_training(maps):
    layer = VirtualBatchNorm(4, mode="example")
    alone = to_numpy(layer(maps[:5], training=True))
    np.testing.assert_allclose(to_numpy(layer(maps, training=True))[:5], alone, **TOLERANCE)


def test_gradients_flow_through_the_reference(maps):
    layer = VirtualBatchNorm(4)
    layer.build(maps.shape)
    _, gradient = backend.value_and_input_gradient(
        lambda x: (keras.ops.sum(layer(x, training=True)[4:] ** 3), None),
        keras.ops.convert_to_tensor(maps),
        layer.variables,
    )
    gradient = to_numpy(gradient.detach() if hasattr(gradient, "detach") else gradient)
    assert np.abs(gradient[:4]).max() > 1e-4


@pytest.fixture(params=[1, 2], ids=["first", "second"])
def gradients_of(request, maps, rng):
    """Gradients of ⟨w, y⟩ with y = layer(a x), or of the square of its gradient in x.

    With respect to a (of the shape of x), to γ and, in the first case, to β.
    """
    factors = keras.Variable(rng.normal(1.0, 0.5, size=maps.shape))
    x, weights = (
        keras.ops.convert_to_tensor(v.astype("float32"))
        for v in (maps, rng.normal(size=maps.shape))
    )

    def of(layer):
        def product(x):
            return keras.ops.sum(layer(x * factors, training=True) * weights), None

        def objective():
            if request.param == 1:
                return product(x)
            return keras.ops.sum(
                backend.value_and_input_gradient(product, x, layer.variables)[1] ** 2
            ), None

        variables = [factors, layer.gamma, layer.beta][: 4 - request.param]
        return [
            to_numpy(g)
            for g in backend.value_and_grad(objective, variables, [factors, *layer.variables])[1]
        ]

    return of


@pytest.mark.skipif(
    not backend.fused_normalization_is_fast(), reason="this backend has no kernel of its own"
)
@pytest.mark.parametrize("reference_size", [1, 4, 9])
@pytest.mark.parametrize("axis", [-1, 1])
def test_gradients_of_the_fused_kernels_are_those_of_the_arithmetic(
    maps, rng, monkeypatch, reference_size, axis, gradients_of
):
    """Tolerance 1e-4 of the largest: float32 sums over some hundred values."""
    layer = VirtualBatchNorm(reference_size, axis=axis)
    layer.build(maps.shape)
    for weight in layer.trainable_variables:
        weight.assign(rng.normal(1.0, 0.5, size=weight.shape))
    by_kernel = gradients_of(layer)
    monkeypatch.setattr(backend, "fused_normalization_is_fast", lambda: False)
    for ours, expected in zip(by_kernel, gradients_of(layer), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(10, 3), (10, 5, 5, 3), (10, 4, 5, 6, 3)])
@pytest.mark.parametrize("mode", ["batch", "example"])
def test_contract(rng, shape, mode):
    x = rng.normal(size=shape).astype("float32")
    check_layer(
        VirtualBatchNorm(4, mode), x, expected_shape=shape, expected_weights=12, training=True
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "mixed_bfloat16"])
def test_any_float_policy(maps, dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip(
            "JAX computes in float32 unless 64-bit mode is switched on for the whole process"
        )
    layer = VirtualBatchNorm(4, dtype=dtype)
    y = layer(keras.ops.cast(maps, layer.compute_dtype), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
    tolerance = {"float16": 5e-3, "bfloat16": 4e-2}.get(layer.compute_dtype, 1e-4)
    y = to_numpy(keras.ops.cast(y, "float32"))
    np.testing.assert_allclose(
        y[4:], normalized(maps[4:], maps, (0, 1, 2)), rtol=tolerance, atol=tolerance
    )


def test_channels_first_is_channels_last_transposed(maps):
    last = to_numpy(VirtualBatchNorm(4)(maps, training=True))
    first = to_numpy(VirtualBatchNorm(4, axis=1)(maps.transpose(0, 3, 1, 2), training=True))
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), last, **TOLERANCE)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: VirtualBatchNorm(0), "reference_size must be positive"),
        (lambda: VirtualBatchNorm(4, "layer"), "mode must be one of"),
        (lambda: VirtualBatchNorm(4).build((None, 8, None)), "known size of the channel axis"),
        (lambda: VirtualBatchNorm(4).build((None,)), "at least two axes"),
        (lambda: VirtualBatchNorm(4, axis=0).build((4, 4)), "channel axis"),
        (lambda: VirtualBatchNorm(4)(np.zeros((4, 3), "float32"), training=True), "more than 4"),
    ],
)
def test_errors_name_the_cause(build, message):
    with pytest.raises(ValueError, match=message):
        build()
