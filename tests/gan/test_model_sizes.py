"""A small file cannot ask for a large model; wrong sizes are refused before they take memory."""

import time

import keras
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.weight_limit import at_most
from tests.gan.hostile_files import with_config
from tests.gan.tiny_gan import VIRTUAL, tiny_gan

HUGE = 10**6


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file of a GAN."""
    path = tmp_path_factory.mktemp("model") / "gan.keras"
    tiny_gan(VIRTUAL).save(path)
    return path


def layer_of(config, network, class_name):
    """Return the last layer of a class in a network."""
    layers = config["config"][network]["config"]["layers"]
    return next(each for each in reversed(layers) if each["class_name"] == class_name)


def layer_option(network, class_name, key):
    """Return a function that sets an option of a layer."""

    def change(config, value):
        layer_of(config, network, class_name)["config"][key] = value

    return change


def gan_option(*keys):
    """Return a function that sets an option of the GAN."""

    def change(config, value):
        place = config["config"]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


SIZES = {
    "filters": layer_option("generator", "UpsampleConv2D", "filters"),
    "kernel": layer_option("generator", "MapConv2D", "kernel_size"),
    "transfer function": layer_option("generator", "GaussianField", "pixels"),
    "planes": layer_option("discriminator", "AtrousWavelet", "planes"),
    "units": layer_option("discriminator", "Dense", "units"),
    "reference": gan_option("reference_size"),
    "pixels": gan_option("latent_space", "pixels"),
    "margin": gan_option("latent_space", "margin"),
    "latent": gan_option("latent_space", "shapes", 0, 0),
    "channels": gan_option("latent_space", "shapes", 0, 2),
    "calibrator": gan_option("calibrator", "config", "pixels"),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_size_that_the_weights_do_not_have_is_refused_at_once(name, model, tmp_path):
    path = tmp_path / "evil.keras"
    for value in (HUGE, -1, 2.5, "8", [8]):
        with_config(model, path, lambda config, v=value: SIZES[name](config, v))
        start = time.monotonic()
        with pytest.raises(InputError) as caught:
            Emulator.load(path)
        assert "\n" not in str(caught.value)
        assert time.monotonic() - start < 5


def test_large_layers_in_a_row_are_refused_before_they_are_created(model, tmp_path):
    def grow(config):
        for layer in config["config"]["generator"]["config"]["layers"]:
            if "filters" in layer["config"]:  # 8 GB, if the first three were built
                layer["config"]["filters"] = 15_000
                layer.pop("build_config")

    path = with_config(model, tmp_path / "evil.keras", grow)
    with pytest.raises(InputError, match="asks for more numbers than its weights hold"):
        Emulator.load(path)


def test_sides_that_contradict_the_generator_are_refused(model, tmp_path):
    def double(config):
        space = config["config"]["latent_space"]
        space["pixels"] = 32

    path = with_config(model, tmp_path / "evil.keras", double)
    with pytest.raises(InputError, match=r"draws maps of shape \(16, 16, 1\).*expected \(32, 32"):
        Emulator.load(path)


def test_a_pixel_size_in_quotes_is_a_number(model, tmp_path):
    path = with_config(
        model, tmp_path / "text.keras", lambda config: config["config"].update(pixel_arcmin="3")
    )
    assert Emulator.load(path).pixel_arcmin == 3.0


@pytest.mark.parametrize("value", [[], None, "x"])
def test_a_number_that_only_drawing_uses_is_checked_when_it_is_loaded(value, model, tmp_path):
    spoil = layer_option("generator", "VirtualBatchNorm", "epsilon")
    path = with_config(model, tmp_path / "evil.keras", lambda config: spoil(config, value))
    with pytest.raises(InputError):
        Emulator.load(path)


def test_layers_are_counted_in_the_context_alone():
    add_weight = keras.layers.Layer.add_weight
    with at_most(11):
        keras.layers.Dense(2).build((None, 4))  # 8 weights and 2 biases
        with pytest.raises(InputError, match="more numbers"):
            keras.layers.Dense(1).build((None, 1))
    keras.layers.Dense(100).build((None, 100))
    assert keras.layers.Layer.add_weight is add_weight
