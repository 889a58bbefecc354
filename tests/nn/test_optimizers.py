"""The pair of optimizers: configuration, variables and the ratio of the learning rates."""

import keras
import numpy as np
import pytest

from cosmogan_k3.nn.optimizers import PairedOptimizer


@pytest.fixture
def pair():
    return PairedOptimizer(keras.optimizers.Adam(2e-4), keras.optimizers.Adam(6e-4))


def test_the_ratio_of_the_learning_rates_stays(pair):
    pair.learning_rate = 1e-3
    assert float(pair.generator.learning_rate) == pytest.approx(1e-3)
    assert float(pair.discriminator.learning_rate) == pytest.approx(3e-3)
    assert float(pair.learning_rate) == pytest.approx(1e-3)


def test_it_owns_the_variables_of_both(pair):
    weights = [keras.Variable(np.ones(size)) for size in (3, 5)]
    pair.build_pair(weights[:1], weights[1:])
    assert pair.variables == [*pair.generator.variables, *pair.discriminator.variables]
    pair.generator.apply([keras.ops.ones(3)], weights[:1])
    assert int(pair.iterations) == 1
    assert int(pair.discriminator.iterations) == 0


def test_the_configuration_survives(pair):
    config = keras.optimizers.serialize(pair)
    again = keras.optimizers.deserialize(config)
    assert isinstance(again, PairedOptimizer)
    assert float(again.generator.learning_rate) == pytest.approx(2e-4)
    assert float(again.discriminator.learning_rate) == pytest.approx(6e-4)


def test_two_optimizers_are_needed():
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="Received: the same object twice"):
        PairedOptimizer(adam, adam)
