"""Presets: each builds, trains and is saved, on maps of 64, 128 and 256 pixels."""

import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from cosmogan_k3._options import shared
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import PRESETS, DeepConvolutional, Preset, Sampler, get_preset, load_gan
from cosmogan_k3.gan.build import build_discriminator, build_gan, build_generator
from cosmogan_k3.maps import Scaling
from tests.gan.tiny_gan import TINY, changed, to_numpy


def narrow(name, kernels=16):
    """Return a preset with few channels, a small batch and at most two discriminator steps.

    It keeps the layers, losses and penalties. XLA compiles the step of each preset anew, and in it
    each step of the discriminator.
    """
    preset = PRESETS[name]
    small = {"latent": 4, "reference_size": min(preset.architecture.reference_size, 3)}
    if isinstance(preset.architecture, DeepConvolutional):
        small["channels"] = (8, 4, 4, 4)
        small["minibatch_kernels"] = preset.architecture.minibatch_kernels and kernels
    else:
        small["channels"] = (4,) * len(preset.architecture.channels)
        small["discriminator_channels"] = (4, 4, 4, 4)
    steps = min(preset.discriminator_steps, 2)
    networks = replace(preset.architecture, **small)
    return replace(preset, architecture=networks, batch_size=2 * steps, discriminator_steps=steps)


def test_the_page_of_the_presets_has_their_settings():
    """Rates, batch and epochs of the table in ``docs/reference/presets.md``."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "presets.md").read_text()
    rows = dict.fromkeys(PRESETS)
    for name, _, rates, betas, batch, epochs, scaling in re.findall(
        r"^\| `(\w+)` \|" + r" ([^|]+) \|" * 6 + "$", page, re.MULTILINE
    ):
        first, *final = map(float, rates.split(" → "))
        last = final[0] if final else first
        rows[name] = (first, last, betas, int(batch.split()[0]), int(epochs), scaling)
    for name, p in PRESETS.items():
        last = p.generator_learning_rate * p.final_learning_rate_factor
        assert p.generator_learning_rate == p.discriminator_learning_rate
        betas = f"{p.beta_1:g}, {p.beta_2:g}"
        expected = (p.generator_learning_rate, pytest.approx(last), betas)
        assert rows[name] == (*expected, p.batch_size, p.epochs, p.scaling), name


def skewed_maps(preset, rng):
    """Return the scaling and two batches of lognormal maps in network units."""
    shape = (2 * preset.batch_size, 64, 64)
    kappa = rng.lognormal(sigma=0.5, size=shape).astype("float32") / 50 - 0.02
    scaling = Scaling.fit(preset.scaling, kappa)
    return scaling, scaling.to_network(kappa)[..., None]


def test_the_command_line_offers_every_preset():
    assert tuple(PRESETS) == shared.PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_and_is_loaded_from_a_file(name, rng, tmp_path):
    preset = narrow(name)
    scaling, maps = skewed_maps(preset, rng)
    gan = build_gan(preset, pixels=64, pixel_arcmin=3.0, scaling=scaling, seed=1)
    before = to_numpy(gan.trainable_variables)
    history = gan.fit(maps, batch_size=preset.batch_size, verbose=0, shuffle=False).history
    assert np.isfinite(list(history.values())).all()
    assert int(gan.optimizer.generator.iterations) == 2
    assert int(gan.optimizer.discriminator.iterations) == 2 * preset.discriminator_steps
    moved = changed(before, to_numpy(gan.trainable_variables))
    # A bias before a normalization has no gradient.
    assert all(m for m, old in zip(moved, before, strict=True) if old.ndim > 1)
    gan.save(tmp_path / "gan.keras")
    loaded = load_gan(tmp_path / "gan.keras")
    assert loaded.scaling == scaling
    assert loaded.penalties == gan.penalties
    assert loaded.discriminator_steps == gan.discriminator_steps
    samples = Sampler(loaded).sample(3, seed=1)
    assert np.isfinite(samples).all()
    np.testing.assert_array_equal(samples, Sampler(gan).sample(3, seed=1))


@pytest.mark.parametrize("pixels", [64, 128, 256])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds_networks_for_maps_of_every_side(name, pixels):
    # The published number of kernels: the layout of minibatch discrimination depends on it.
    preset = narrow(name, kernels=256)
    generator = build_generator(preset, pixels, seed=0)
    discriminator = build_discriminator(preset, pixels, seed=0)
    shapes = preset.architecture.latent_space(pixels).shapes
    inputs = [keras.KerasTensor((2, *shape)) for shape in shapes]
    (maps,) = keras.tree.flatten(generator.compute_output_spec(inputs))
    assert tuple(maps.shape) == (2, pixels, pixels, 1)
    assert discriminator.input_shape[1:] == (pixels, pixels, 1)
    if name.startswith("geogan"):
        side = pixels // 16
        channels = preset.architecture.channels[0] + 256 // side**2
        reshaped = discriminator.get_layer("minibatch_reshape")
        assert reshaped.output.shape[1:] == (side, side, channels)


@pytest.mark.parametrize("name", PRESETS)
def test_initial_weights_depend_on_the_seed_alone(name):
    pixels = 16 if name == "tiny" else 32

    def weights(seed):
        return build_generator(get_preset(name), pixels, seed=seed).get_weights()

    assert not any(changed(weights(1), weights(1)))
    assert any(changed(weights(1), weights(2)))


def test_unknown_presets_are_refused():
    expected = "expected one of best, quick, geogan, geogan_relativistic"
    with pytest.raises(InputError, match=expected):
        get_preset("biggan")


def test_averaging_a_generator_with_batch_normalization_is_refused():
    with pytest.raises(ValueError, match="do not fit averaged weights"):
        Preset(DeepConvolutional(generator_norm="batch"), pixels=16, average_decay=0.9)


def test_a_batch_size_that_the_discriminator_steps_do_not_divide_is_refused():
    with pytest.raises(InputError, match="multiple of 3"):
        replace(TINY, discriminator_steps=3)
