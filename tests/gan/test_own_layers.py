"""Layers of a user: a file may name those that her process has registered with Keras."""

import sys

import keras
import numpy as np
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, load_gan
from tests.gan.hostile_files import with_config
from tests.gan.tiny_gan import fit, tiny_gan, to_numpy


class Amplify(keras.layers.Layer):
    """Multiply maps by a weight."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, x):
        return self.factor * x


@keras.saving.register_keras_serializable(package="mine")
class Registered(Amplify):
    """Known to Keras as ``mine>Registered``."""


def gan_with(layer):
    """Return the tiny GAN, with a layer behind its generator."""
    tiny = tiny_gan()
    inputs = tiny.generator.inputs
    generator = keras.Model(inputs, layer(tiny.generator.outputs[0]), name="generator")
    gan = GAN(
        generator,
        tiny.discriminator,
        latent_space=tiny.latent_space,
        scaling=tiny.scaling,
        pixel_arcmin=3.0,
        reference_size=tiny.reference_size,
    )
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    return gan


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A file of a GAN with a registered layer, and maps that it draws."""
    path = tmp_path_factory.mktemp("own") / "gan.keras"
    gan = gan_with(Registered(name="mine"))
    gan.get_layer("generator").get_layer("mine").factor.assign(3.0)
    gan.averaged_generator.get_layer("mine").factor.assign(3.0)
    gan.save(path)
    return path, Emulator(gan).sample(1)


def own_layer(config):
    """Return the entry of the layer in the configuration of a model."""
    return config["config"]["generator"]["config"]["layers"][-1]


def test_a_registered_layer_is_loaded_and_trained_further(registered, maps):
    path, drawn = registered
    gan = load_gan(path)
    np.testing.assert_array_equal(Emulator(gan).sample(1), drawn)
    assert type(gan.generator.get_layer("mine")) is Registered
    before = to_numpy(gan.generator.get_layer("mine").weights)
    fit(gan, maps)
    assert to_numpy(gan.generator.get_layer("mine").weights) != before


def test_a_layer_is_loaded_only_where_its_name_is_registered(tmp_path):
    path = tmp_path / "gan.keras"
    gan_with(Amplify(name="mine")).save(path)
    with keras.saving.custom_object_scope({"Amplify": Amplify}):
        assert load_gan(path).pixels == 16
    with pytest.raises(InputError) as caught:
        load_gan(path)
    assert "register 'Amplify' before you load the file" in str(caught.value)
    assert "keras.saving.register_keras_serializable" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_module_that_a_file_names_is_not_imported(registered, tmp_path, monkeypatch):
    marker = tmp_path / "marker"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    path, drawn = registered
    target = tmp_path / "evil.keras"
    with_config(path, target, lambda config: own_layer(config).update(module="evil"))
    np.testing.assert_array_equal(Emulator.load(target).sample(1), drawn)

    def rename(config):
        own_layer(config).update(module="evil", class_name="Other")

    with pytest.raises(InputError, match=r"names 'evil\.Other'"):
        Emulator.load(with_config(path, target, rename))
    assert not marker.exists()
    assert "evil" not in sys.modules


def test_a_registered_function_in_place_of_a_class_is_refused(registered, tmp_path):
    def spoil(config):
        own_layer(config).update(class_name="function", config="mine>Registered")

    with pytest.raises(InputError, match="a class that models of this package do not use"):
        load_gan(with_config(registered[0], tmp_path / "evil.keras", spoil))
