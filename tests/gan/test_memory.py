"""What is done after each epoch creates no variables of new names.

TensorFlow keeps a kernel, 35 kB, for each name that a variable ever had. Keras numbers the names of
layers and optimizers. Memory would grow with the epochs if one of them were made in each.
"""

import keras
import pytest

from cosmogan_k3.gan import Sampler, adapt, calibrate
from tests.gan.tiny_gan import tiny_gan


@pytest.fixture
def created(monkeypatch):
    """The paths of all variables that are created from here on."""
    paths, original = set(), keras.Variable.__init__

    def create(variable, *arguments, **options):
        original(variable, *arguments, **options)
        paths.add(variable.path)

    monkeypatch.setattr(keras.Variable, "__init__", create)
    return paths


def test_an_epoch_ends_without_variables_of_new_names(created, tmp_path, rng):
    gan = tiny_gan()
    adapt(gan, rng.normal(size=(20, 16, 16, 1)).astype("float32"))

    def end_epoch():
        calibrate(gan)
        Sampler(gan).sample(3)
        gan.save(tmp_path / "gan.keras")

    before = set(created)
    end_epoch()
    first = set(created)
    assert first > before, "the creation of variables is not seen"
    end_epoch()
    assert created == first
