"""What ``fit`` takes from the backend: batches and the step."""

import keras
import numpy as np
import pytest
from keras import ops

from cosmogan_k3 import backend

MAPS = np.arange(3 * 2 * 4 * 4, dtype="float32").reshape(3, 2, 4, 4, 1)
CONDITIONS = np.arange(3 * 2 * 2, dtype="float32").reshape(3, 2, 2)


class SumOfMaps(backend.TrainStep, keras.Model):
    """Adds up the pixels of all maps that it is trained on."""

    def __init__(self):
        super().__init__()
        self.total = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.built = True

    def train_on_maps(self, data):
        self.total.assign(self.total + ops.sum(data[0]))
        return {"total": ops.convert_to_tensor(self.total)}


@pytest.mark.parametrize("conditional", [False, True])
def test_feed_returns_every_batch_in_order(conditional):
    batches = list(zip(MAPS, CONDITIONS, strict=True)) if conditional else list(MAPS)
    fed = backend.feed(batches)
    assert len(fed) == 3
    read = fed if backend.name == "tensorflow" else map(fed.__getitem__, range(3))
    for found, maps, conditions in zip(read, MAPS, CONDITIONS, strict=True):
        expected = (maps, conditions) if conditional else (maps,)
        for part, reference in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(part), reference)


@pytest.mark.parametrize("eager", [False, True])
def test_a_step_updates_the_variables_of_the_model(eager):
    model = SumOfMaps()
    jit_compile = backend.default_jit() and not eager
    model.compile(optimizer="sgd", run_eagerly=eager, jit_compile=jit_compile)
    history = model.fit(backend.feed(list(MAPS)), epochs=1, verbose=0, shuffle=False)
    assert float(model.total) == MAPS.sum()
    assert history.history["total"][-1] == MAPS.sum()


def test_describe_names_version_and_devices():
    described = backend.describe()
    assert described["version"][0].isdigit()
    assert described["devices"]


@pytest.mark.parametrize("decay", [0.0, 0.9, "tensor"])
def test_averages_move_by_the_same_share_of_every_value(decay):
    decay = ops.convert_to_tensor(0.9) if decay == "tensor" else decay
    share = float(decay)
    old, new = MAPS[:2], -MAPS[1:]
    averages, values = [keras.Variable(x) for x in old], [keras.Variable(x) for x in new]
    backend.move_averages(averages, values, decay)
    for average, value, before, after in zip(averages, values, old, new, strict=True):
        # Rounding of two products and their sum.
        expected = share * before + (1 - share) * after
        np.testing.assert_allclose(ops.convert_to_numpy(average), expected, rtol=1e-6, atol=1e-5)
        np.testing.assert_array_equal(ops.convert_to_numpy(value), after)
