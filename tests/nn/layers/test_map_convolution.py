"""Convolutions against Keras's layers and against the literal form on repeated maps."""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import MapConv2D, UpsampleConv2D
from cosmogan_k3.nn.periodic_padding import pad_periodic
from tests.harness import check_layer

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}  # float32 sums of some hundred products in another order


def to_numpy(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("side", [8, 24, 72])  # JAX has an implementation for each
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_zero_padding_is_keras_same(rng, strides, side, kernel_size):
    x = rng.normal(size=(2, side, side, 3)).astype("float32")
    ours = MapConv2D(4, kernel_size, strides=strides, padding="zeros")
    keras_layer = keras.layers.Conv2D(4, kernel_size, strides=strides, padding="same")
    y = ours(x)
    keras_layer.build(x.shape)
    keras_layer.set_weights(ours.get_weights())
    np.testing.assert_allclose(to_numpy(y), to_numpy(keras_layer(x)), **TOLERANCE)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_periodic_padding_is_keras_same_on_a_tiled_map(rng, strides, kernel_size):
    side = 8
    x = rng.normal(size=(2, side, side, 3)).astype("float32")
    ours = MapConv2D(4, kernel_size, strides=strides)
    y = ours(x)
    keras_layer = keras.layers.Conv2D(4, kernel_size, strides=strides, padding="same")
    keras_layer.build(x.shape)
    keras_layer.set_weights(ours.get_weights())
    center = slice(side // strides, 2 * side // strides)
    expected = to_numpy(keras_layer(np.tile(x, (1, 3, 3, 1))))[:, center, center]
    np.testing.assert_allclose(to_numpy(y), expected, **TOLERANCE)


@pytest.mark.parametrize("layer_class", [MapConv2D, UpsampleConv2D])
def test_periodic_layers_commute_with_shifts_of_the_sky(rng, layer_class):
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    layer = layer_class(3, 3)
    factor = 2 if layer_class is UpsampleConv2D else 1
    shifted = to_numpy(layer(np.roll(x, (3, 5), axis=(1, 2))))
    np.testing.assert_allclose(
        shifted, np.roll(to_numpy(layer(x)), (3 * factor, 5 * factor), axis=(1, 2)), **TOLERANCE
    )


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_transposed_mode_puts_a_kernel_around_each_second_pixel(rng, kernel_size):
    """As ``keras.layers.Conv2DTranspose``, cropped to the pixels within reach of the kernel."""
    x = rng.normal(size=(2, 6, 6, 3)).astype("float32")
    ours = UpsampleConv2D(6, kernel_size, mode="transposed", padding="zeros")
    y = ours(x)
    reference = keras.layers.Conv2DTranspose(6, kernel_size, strides=2, padding="valid")
    reference.build(x.shape)
    kernel, bias = ours.get_weights()
    reference.set_weights([kernel.transpose(0, 1, 3, 2), bias])
    reach = kernel_size // 2
    expected = to_numpy(reference(x))[:, reach : reach + 12, reach : reach + 12]
    np.testing.assert_allclose(to_numpy(y), expected, **TOLERANCE)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("padding", ["periodic", "zeros"])
def test_a_transposed_convolution_is_the_same_by_phases(rng, kernel_size, padding, monkeypatch):
    """Values, and gradients of ⟨w, y⟩ with respect to the maps, the kernel and the bias."""
    x = keras.Variable(rng.normal(size=(2, 6, 8, 3)).astype("float32"))
    weights = keras.ops.convert_to_tensor(rng.normal(size=(2, 12, 16, 6)).astype("float32"))
    layer = UpsampleConv2D(6, kernel_size, mode="transposed", padding=padding)
    layer.build(x.shape)
    variables = [x, *layer.trainable_variables]

    def objective():
        y = layer(keras.ops.convert_to_tensor(x))
        return keras.ops.sum(y * weights), keras.ops.stop_gradient(y)

    found = []
    for pays in (True, False):
        monkeypatch.setattr(backend, "transposed_convolution_is_fast", lambda pays=pays: pays)
        (_, y), gradients = backend.value_and_grad(objective, variables, variables)
        found.append([to_numpy(tensor) for tensor in (y, *gradients)])
    for direct, by_phases in zip(*found, strict=True):
        # Sums of up to 400 products in single precision.
        np.testing.assert_allclose(
            direct, by_phases, rtol=1e-4, atol=1e-5 * np.abs(by_phases).max()
        )


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("padding", ["periodic", "zeros"])
def test_nearest_mode_is_repeat_then_convolve(rng, kernel_size, padding):
    x = rng.normal(size=(2, 6, 6, 3)).astype("float32")
    ours = UpsampleConv2D(4, kernel_size, padding=padding)
    y = ours(x)
    literal = MapConv2D(4, kernel_size, padding=padding)
    literal.build((None, 12, 12, 3))
    literal.set_weights(ours.get_weights())
    np.testing.assert_allclose(
        to_numpy(y), to_numpy(literal(x.repeat(2, 1).repeat(2, 2))), **TOLERANCE
    )


@pytest.mark.parametrize("layer", [MapConv2D(4, 5), UpsampleConv2D(4, 3)])
def test_valid_padding_leaves_out_what_the_edges_reach(rng, layer):
    x = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    whole = to_numpy(layer(x))
    valid = type(layer).from_config(layer.get_config() | {"padding": "valid"})
    valid.build(x.shape)
    valid.set_weights(layer.get_weights())
    found = to_numpy(valid(x))
    assert found.shape == valid.compute_output_shape(x.shape)
    np.testing.assert_allclose(found, whole[:, 2:-2, 2:-2], **TOLERANCE)


@pytest.mark.parametrize(("before", "after"), [(2, 2), (1, 2), (2, 1), (0, 1), (2, 0)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (1, 2, 2, 3), (1, 8, 5, 2)])
def test_periodic_padding_is_that_of_numpy(rng, before, after, shape):
    """Also where the margins overlap on the map."""
    x = rng.normal(size=shape).astype("float32")
    width = [(0, 0), (before, after), (before, after), (0, 0)]
    padded = to_numpy(pad_periodic(keras.ops.convert_to_tensor(x), before, after))
    np.testing.assert_array_equal(padded, np.pad(x, width, mode="wrap"))


def test_the_gradient_of_periodic_padding_sums_over_the_copies(rng):
    """The gradient of ⟨w, pad(x)⟩ at a pixel is the sum of w over its copies."""
    weights = rng.normal(size=(2, 7, 8, 3)).astype("float32")
    x = keras.ops.convert_to_tensor(rng.normal(size=(2, 4, 5, 3)).astype("float32"))
    tensor = keras.ops.convert_to_tensor(weights)
    _, slope = backend.value_and_input_gradient(
        lambda x: (keras.ops.sum(pad_periodic(x, 2, 1) * tensor), None), x, []
    )
    expected = np.zeros((2, 4, 5, 3))
    np.add.at(expected, np.ix_(range(2), np.arange(-2, 5) % 4, np.arange(-2, 6) % 5), weights)
    np.testing.assert_allclose(to_numpy(slope), expected, **TOLERANCE)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "float64"])
def test_contract(rng, dtype):
    x = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    check_layer(
        MapConv2D(4, 5, strides=2, dtype=dtype),
        x,
        expected_shape=(2, 4, 4, 4),
        expected_weights=304,
    )
    check_layer(
        UpsampleConv2D(4, 3, dtype=dtype), x, expected_shape=(2, 16, 16, 4), expected_weights=112
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MapConv2D(4, 4), "kernel_size odd"),
        (lambda: MapConv2D(0, 3), "filters must be positive"),
        (lambda: MapConv2D(4, 3, padding="reflect"), "padding must be one of"),
        (lambda: MapConv2D(4, 3, strides=3), "strides must be 1 or 2"),
        (lambda: UpsampleConv2D(4, 7), "kernel_size must be 3 or 5"),
        (lambda: UpsampleConv2D(4, 3, mode="bilinear"), "mode must be one of"),
        (lambda: MapConv2D(4, 3).build((None, 8, 8, None)), "known number of channels"),
        (lambda: MapConv2D(4, 5)(np.zeros((1, 1, 1, 2), "float32")), "cannot be padded"),
        (lambda: MapConv2D(4, 5, strides=2)(np.zeros((1, 7, 7, 2), "float32")), "even sides"),
    ],
)
def test_errors_name_the_cause(build, message):
    with pytest.raises(ValueError, match=message):
        build()
