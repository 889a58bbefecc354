"""Penalties against closed forms, and their second derivatives against finite differences.

float32 has a precision of 6e-8: sums over 64 pixels agree to 1e-5. The central difference of step
1e-2 has errors of order 1e-4 from the third derivative and 6e-8/1e-2 from rounding, for penalties
of order one.
"""

import keras
import numpy as np
import pytest
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty

ALL = (R1(3.0), R2(0.7), WassersteinPenalty(10.0))


def linear(weights):
    """D(x) = w·x, whose slope is w everywhere."""
    layer = keras.layers.Dense(1, use_bias=False)
    discriminator = keras.Sequential(
        [keras.Input((*weights.shape, 1)), keras.layers.Flatten(), layer]
    )
    layer.set_weights([weights.reshape(-1, 1)])
    return discriminator


@keras.saving.register_keras_serializable(package="tests")
class HalfSquare(keras.layers.Layer):
    """D(x) = |x|²/2, whose slope is x."""

    def call(self, x):
        return ops.sum(ops.square(x), axis=(1, 2, 3))[:, None] / 2


def quadratic(side):
    return keras.Sequential([keras.Input((side, side, 1)), HalfSquare()])


def smooth(rng, normalized=False):
    """A discriminator whose slope has derivatives of every order in all its weights."""
    layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, strides=2, activation="tanh")]
    layers += [keras.layers.BatchNormalization(center=False)] if normalized else []
    discriminator = keras.Sequential(
        [*layers, keras.layers.Flatten(), keras.layers.Dense(1, use_bias=False)]
    )
    discriminator.set_weights(
        [rng.normal(scale=0.3, size=w.shape) for w in discriminator.get_weights()]
    )
    return discriminator


def batch(rng, n=4, side=8):
    return [
        ops.convert_to_tensor(rng.normal(size=(n, side, side, 1)).astype("float32"))
        for _ in range(2)
    ]


def number(x):
    return float(ops.convert_to_numpy(ops.stop_gradient(x)))


@pytest.mark.parametrize("penalty", ALL)
def test_a_linear_discriminator_has_one_slope(rng, penalty):
    weights = rng.normal(scale=0.5, size=(8, 8)).astype("float32")
    norm = np.linalg.norm(weights)
    slack = norm**2 / 2 if isinstance(penalty, R1 | R2) else (norm - 1) ** 2
    value = number(penalty(linear(weights), *batch(rng), 3))
    assert value == pytest.approx(penalty.weight * slack, rel=1e-5)


def test_each_penalty_uses_its_own_maps(rng):
    real, fake = batch(rng)
    squares = [np.square(ops.convert_to_numpy(x)).sum(axis=(1, 2, 3)).mean() for x in (real, fake)]
    for penalty, square in zip((R1(3.0), R2(3.0)), squares, strict=True):
        assert number(penalty(quadratic(8), real, fake)) == pytest.approx(1.5 * square, rel=1e-5)


def test_points_between_maps_are_uniform(rng):
    # From g = 0 to x = 2 the slope of |x|²/2 is 2t: ⟨(2t − 1)²⟩ = 1/3, with variance 4/45.
    n = 20_000
    real, fake = np.zeros((2, n, 1, 1, 1), "float32")
    real[:] = 2
    value = number(
        WassersteinPenalty(1.0)(quadratic(1), *map(ops.convert_to_tensor, (real, fake)), 3)
    )
    assert value == pytest.approx(1 / 3, abs=4 * np.sqrt(4 / 45 / n))


def test_every_call_draws_new_points(rng):
    seed = keras.random.SeedGenerator(1)
    discriminator, maps = quadratic(8), batch(rng)
    one, other = (number(WassersteinPenalty()(discriminator, *maps, seed)) for _ in range(2))
    assert one != other


@pytest.mark.parametrize(("fraction", "stride"), [(1.0, 1), (0.5, 2), (0.25, 4), (0.4, 2)])
def test_a_fraction_uses_every_nth_map(rng, fraction, stride):
    real, fake = batch(rng, n=8)
    for penalty, maps in ((R1(1.0, fraction), real), (R2(1.0, fraction), fake)):
        expected = np.square(ops.convert_to_numpy(maps)).sum(axis=(1, 2, 3))[::stride].mean() / 2
        assert number(penalty(quadratic(8), real, fake)) == pytest.approx(expected, rel=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class ScaledHalfSquare(keras.layers.Layer):
    """D(x, c) = c |x|²/2, whose slope is c x."""

    def call(self, inputs):
        x, conditions = inputs
        return conditions * ops.sum(ops.square(x), axis=(1, 2, 3))[:, None] / 2


@pytest.mark.parametrize("stride", [1, 2])
def test_each_map_goes_with_its_own_conditions(rng, stride):
    maps, conditions = keras.Input((8, 8, 1)), keras.Input((1,))
    discriminator = keras.Model([maps, conditions], ScaledHalfSquare()([maps, conditions]))
    real, fake = batch(rng, n=8)
    scale = rng.uniform(1, 3, size=(8, 1)).astype("float32")
    slopes = scale[:, 0] ** 2 * np.square(ops.convert_to_numpy(real)).sum(axis=(1, 2, 3))
    penalty = R1(1.0, 1 / stride)
    found = penalty(discriminator, real, fake, conditions=ops.convert_to_tensor(scale))
    assert number(found) == pytest.approx(slopes[::stride].mean() / 2, rel=1e-5)


@pytest.mark.parametrize("penalty", ALL)
@pytest.mark.parametrize("normalized", [False, True])
def test_the_gradient_is_the_finite_difference(rng, penalty, normalized):
    discriminator = smooth(rng, normalized)
    real, fake = batch(rng)
    before = [ops.convert_to_numpy(v).copy() for v in discriminator.non_trainable_variables]

    def objective():
        return penalty(discriminator, real, fake, 3), ()

    (value, _), gradients = backend.value_and_grad(
        objective, discriminator.trainable_variables, discriminator.variables
    )
    if normalized:
        for old, new in zip(before, discriminator.non_trainable_variables, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(new), old)
    gradients = [ops.convert_to_numpy(g) for g in gradients]
    centre = [ops.convert_to_numpy(v).copy() for v in discriminator.trainable_variables]
    length = np.sqrt(sum(np.square(g).sum() for g in gradients))
    assert length > 1e-2 * abs(number(value)), "a penalty without a gradient tests nothing"
    ends = []
    for step in (1e-2, -1e-2):  # along the gradient, where the derivative is its length
        for variable, w, g in zip(
            discriminator.trainable_variables, centre, gradients, strict=True
        ):
            variable.assign(w + step * g / length)
        ends.append(number(objective()[0]))
    assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(length, rel=5e-3)


def test_a_flat_discriminator_has_finite_gradients(rng):
    discriminator = linear(np.zeros((8, 8), "float32"))
    (value, _), gradients = backend.value_and_grad(
        lambda: (WassersteinPenalty(10.0)(discriminator, *batch(rng), 3), ()),
        discriminator.trainable_variables,
        discriminator.variables,
    )
    assert number(value) == pytest.approx(10, rel=1e-4)
    assert np.isfinite(ops.convert_to_numpy(gradients[0])).all()


@pytest.mark.parametrize("penalty", ALL)
def test_configurations_survive(penalty):
    assert (
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(penalty))
        == penalty
    )


@pytest.mark.parametrize("arguments", [(-1.0,), (float("nan"),), (1.0, 0.0), (1.0, 1.5)])
def test_impossible_penalties_are_refused(arguments):
    with pytest.raises(InputError, match="needs a weight"):
        R1(*arguments)
