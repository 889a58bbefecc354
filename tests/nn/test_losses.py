"""Losses against their equations in NumPy."""

import keras
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.nn import losses


@pytest.fixture
def logits(rng):
    return rng.normal(size=(2, 16, 1)).astype("float32") * 2


def value(method, *logits):
    return float(
        keras.ops.convert_to_numpy(
            method(*(x if x is None else keras.ops.convert_to_tensor(x) for x in logits))
        )
    )


def test_geometric_hinge(logits):
    real, fake = logits
    loss = losses.get("hinge", margin_real=0.7, margin_fake=1.3)
    expected = np.maximum(0, 0.7 - real).mean() + np.maximum(0, 1.3 + fake).mean()
    assert value(loss.discriminator, real, fake) == pytest.approx(expected, rel=1e-5)
    assert value(loss.generator, None, fake) == pytest.approx(-fake.mean(), rel=1e-5)


def test_relativistic_average_hinge(logits):
    real, fake = logits
    loss = losses.RelativisticAverageHinge()
    d = (
        np.maximum(0, 1 - (real - fake.mean())).mean()
        + np.maximum(0, 1 + (fake - real.mean())).mean()
    )
    g = (
        np.maximum(0, 1 + (real - fake.mean())).mean()
        + np.maximum(0, 1 - (fake - real.mean())).mean()
    )
    assert loss.relative
    assert value(loss.discriminator, real, fake) == pytest.approx(d, rel=1e-5)
    assert value(loss.generator, real, fake) == pytest.approx(g, rel=1e-5)


def test_cross_entropy(logits):
    real, fake = logits
    loss = losses.CrossEntropy()
    expected = -np.log(1 / (1 + np.exp(-real))).mean() - np.log(1 - 1 / (1 + np.exp(-fake))).mean()
    assert value(loss.discriminator, real, fake) == pytest.approx(expected, rel=1e-5)
    assert value(loss.generator, None, fake) == pytest.approx(
        np.log1p(np.exp(-fake)).mean(), rel=1e-5
    )


def test_wasserstein(logits):
    real, fake = logits
    loss = losses.get("wasserstein")
    assert value(loss.discriminator, real, fake) == pytest.approx(
        fake.mean() - real.mean(), rel=1e-5
    )
    assert value(loss.generator, None, fake) == pytest.approx(-fake.mean(), rel=1e-5)


def test_relativistic_pairing_pairs_the_maps_in_order(logits):
    real, fake = logits
    loss = losses.get("relativistic_pairing")
    assert loss.relative
    assert value(loss.discriminator, real, fake) == pytest.approx(
        np.log1p(np.exp(fake - real)).mean(), rel=1e-5
    )
    assert value(loss.generator, real, fake) == pytest.approx(
        np.log1p(np.exp(real - fake)).mean(), rel=1e-5
    )
    # Every real logit is one above its partner: ln(1 + 1/e). Another order would give more.
    assert value(loss.discriminator, fake + 1, fake) == pytest.approx(
        np.log1p(np.exp(-1)), rel=1e-5
    )


def test_labels_are_flipped_with_the_given_probability():
    loss = losses.CrossEntropy(flip=0.1)
    seed = keras.random.SeedGenerator(1)
    confident = np.full((20_000, 1), 30.0, "float32")
    # A flipped label costs 30, a correct one nothing, for real and for generated maps.
    share = (
        value(lambda real, fake: loss.discriminator(real, fake, seed), confident, -confident) / 60
    )
    assert share == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 40_000))


def test_configurations_survive():
    configured = (
        losses.GeometricHinge(0.5, 2.0),
        losses.RelativisticAverageHinge(0.3),
        losses.CrossEntropy(0.2),
    )
    for loss in (*configured, losses.Wasserstein(), losses.RelativisticPairing()):
        assert (
            keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss)) == loss
        )
        assert losses.get(loss) is loss


def test_unknown_and_impossible_losses_are_refused():
    with pytest.raises(InputError, match="expected one of hinge"):
        losses.get("least_squares")
    with pytest.raises(InputError, match="flip must lie"):
        losses.CrossEntropy(0.5)
