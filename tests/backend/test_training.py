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
