"""Every system of the lineage trains, and stands on maps of 64, 128 and 256 pixels."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import PRESETS, DeepConvolutional, Sampler, load_gan
from cosmogan_k3.gan.build import build_discriminator, build_gan, build_generator
from cosmogan_k3.maps import Scaling
from cosmogan_k3.training.starting_weights import start_from


def narrow(name, kernels=16):
    """A preset with its layers, losses and penalties, but a few channels, a small batch and at most two steps.

    XLA compiles each preset's step anew, and in it each step of the discriminator.
    """
    preset = PRESETS[name]
    small = {"latent": 4, "reference_size": min(preset.architecture.reference_size, 3)}
    if isinstance(preset.architecture, DeepConvolutional):
        small |= {
            "channels": (8, 4, 4, 4),
            "minibatch_kernels": preset.architecture.minibatch_kernels and kernels,
        }
    else:
        small |= {
            "channels": (4,) * len(preset.architecture.channels),
            "discriminator_channels": (4, 4, 4, 4),
        }
    steps = min(preset.discriminator_steps, 2)
    architecture = replace(preset.architecture, **small)
    return replace(
        preset, architecture=architecture, batch_size=2 * steps, discriminator_steps=steps
    )


def sky(preset, rng):
    """Two batches of skewed maps in network units, and their scaling."""
    kappa = (
        rng.lognormal(sigma=0.5, size=(2 * preset.batch_size, 64, 64)).astype("float32") / 50 - 0.02
    )
    scaling = Scaling.fit(preset.scaling, kappa)
    return scaling, scaling.to_network(kappa)[..., None]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_and_comes_back_from_a_file(name, rng, tmp_path):
    preset = narrow(name)
    scaling, maps = sky(preset, rng)
    gan = build_gan(preset, pixels=64, pixel_arcmin=3.0, scaling=scaling, seed=1)
    before = [keras.ops.convert_to_numpy(v).copy() for v in gan.trainable_variables]
    history = gan.fit(maps, batch_size=preset.batch_size, verbose=0, shuffle=False).history
    assert np.isfinite(list(history.values())).all()
    assert int(gan.optimizer.generator.iterations) == 2
    assert int(gan.optimizer.discriminator.iterations) == 2 * preset.discriminator_steps
    for old, new in zip(before, gan.trainable_variables, strict=True):
        if old.ndim > 1:  # a bias before a normalisation has no gradient
            assert not np.array_equal(old, keras.ops.convert_to_numpy(new)), new.path
    gan.save(tmp_path / "gan.keras")
    again = load_gan(tmp_path / "gan.keras")
    assert again.scaling == scaling
    assert (again.penalties, again.discriminator_steps) == (gan.penalties, gan.discriminator_steps)
    samples = Sampler(again).sample(3, seed=1)
    assert np.isfinite(samples).all()
    np.testing.assert_array_equal(samples, Sampler(gan).sample(3, seed=1))


@pytest.mark.parametrize("pixels", [64, 128, 256])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_stands_on_maps_of_every_size(name, pixels):
    preset = narrow(
        name, kernels=256
    )  # as published: the layout of minibatch discrimination depends on it
    generator, discriminator = (
        build(preset, pixels, seed=0) for build in (build_generator, build_discriminator)
    )
    shapes = [(2, *shape) for shape in preset.architecture.latent_shapes(pixels)]
    made = keras.tree.flatten(
        generator.compute_output_spec([keras.KerasTensor(shape) for shape in shapes])
    )[0]
    assert tuple(made.shape) == (2, pixels, pixels, 1)
    assert discriminator.input_shape[1:] == (pixels, pixels, 1)
    if name.startswith("geogan"):
        side = pixels // 16
        channels = preset.architecture.channels[0] + 256 // side**2
        assert discriminator.get_layer("minibatch_reshape").output.shape[1:] == (
            side,
            side,
            channels,
        )


def test_the_published_layout_says_where_it_ends():
    with pytest.raises(InputError, match="multiple of 1024, or minibatch_layout 'channels'"):
        build_discriminator(narrow("geogan", kernels=256), 512, seed=0)


def test_a_training_starts_from_the_weights_of_another(rng, tmp_path):
    preset = narrow("geogan")
    options = {"pixels": 64, "pixel_arcmin": 3.0}
    gan = build_gan(preset, seed=1, **options)
    gan.set_weights(
        [w + rng.normal(scale=0.1, size=w.shape) for w in gan.get_weights()]
    )  # averaged ones of their own
    gan.save(tmp_path / "gan.keras")
    turned = build_gan(narrow("geogan_relativistic"), seed=2, **options)
    assert not np.allclose(Sampler(turned).sample(2), Sampler(gan).sample(2))
    start_from(turned, tmp_path / "gan.keras")
    np.testing.assert_array_equal(Sampler(turned).sample(2), Sampler(gan).sample(2))
    for a, b in zip(turned.get_weights(), gan.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(turned.optimizer.iterations) == 0
    assert type(turned.adversarial_loss).__name__ == "RelativisticAverageHinge"
    with pytest.raises(
        InputError, match=r"gan.keras: its networks are not those .* on maps of 64 pixels"
    ) as refused:
        start_from(build_gan(narrow("cosmogan"), **options), tmp_path / "gan.keras")
    assert "\n" not in str(refused.value)
