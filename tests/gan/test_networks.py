"""Architectures: the paper's table row by row, and what generators promise."""

import keras
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import PRESETS, DeepConvolutional, Preset, get_preset
from cosmogan_k3.gan.build import build_discriminator, build_gan, build_generator

# The rows of the paper's Table 1, errata applied (docs/errata.md): layer, output shape, weights that are trained.
GENERATOR_TABLE = [
    ("dense", (16 * 16 * 512,), 64 * 131_072 + 131_072),  # "8.5M"
    ("norm_0", (16, 16, 512), 1024),
    ("up_1", (32, 32, 256), 25 * 512 * 256 + 256),  # "3.3M"
    ("norm_1", (32, 32, 256), 512),
    ("up_2", (64, 64, 128), 25 * 256 * 128 + 128),  # "819K"
    ("norm_2", (64, 64, 128), 256),
    ("up_3", (128, 128, 64), 25 * 128 * 64 + 64),  # "205K"
    ("norm_3", (128, 128, 64), 128),
    ("map", (256, 256, 1), 1601),
]
DISCRIMINATOR_TABLE = [
    ("conv_0", (128, 128, 64), 1664),
    ("conv_1", (64, 64, 128), 25 * 64 * 128 + 128),  # missing from the table: 205K
    ("norm_1", (64, 64, 128), 256),
    ("conv_2", (32, 32, 256), 25 * 128 * 256 + 256),  # "819K"
    ("norm_2", (32, 32, 256), 512),
    ("conv_3", (16, 16, 512), 25 * 256 * 512 + 512),  # "3.3M"
    ("norm_3", (16, 16, 512), 1024),
    (
        "minibatch",
        (131_328,),
        64 * 256 * 5 + 131_072 * 64,
    ),  # "~82K" is T alone; the projection is ours
    ("minibatch_reshape", (16, 16, 513), 0),
    ("conv_4", (16, 16, 513), 25 * 513 * 513 + 513),  # "4.4M" should be 6.58M
    ("norm_4", (16, 16, 513), 1026),
    ("logit", (1,), 131_329),  # "131K"
]


@pytest.mark.parametrize(
    ("build", "table"),
    [(build_generator, GENERATOR_TABLE), (build_discriminator, DISCRIMINATOR_TABLE)],
)
def test_geogan_is_the_papers_table(build, table):
    network = build(get_preset("geogan"), 256, seed=0)
    for name, shape, weights in table:
        layer = network.get_layer(name)
        assert tuple(layer.output.shape[1:]) == shape, name
        assert sum(int(np.prod(w.shape)) for w in layer.trainable_weights) == weights, name
    trained = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    assert trained == sum(weights for _, _, weights in table)


def test_the_kernel_of_minibatch_discrimination_is_the_82k_of_the_table():
    layer = build_discriminator(get_preset("geogan"), 256, seed=0).get_layer("minibatch")
    assert int(np.prod(layer.kernel.shape)) == 81_920


def test_cosmogan_is_the_same_without_virtual_and_minibatch_layers():
    generator = build_generator(get_preset("cosmogan"), 256, seed=0)
    discriminator = build_discriminator(get_preset("cosmogan"), 256, seed=0)
    kinds = {type(layer).__name__ for layer in (*generator.layers, *discriminator.layers)}
    assert "BatchNormalization" in kinds
    assert not kinds & {"VirtualBatchNorm", "MinibatchDiscrimination"}
    assert (
        generator.count_params() - sum(int(np.prod(w.shape)) for w in generator.trainable_weights)
        == 2 * 960
    )
    assert discriminator.get_layer("logit").kernel.shape == (131_072, 1)


def test_the_sound_layout_of_minibatch_discrimination_keeps_space_and_channels_apart():
    architecture = DeepConvolutional(
        channels=(16, 8), minibatch_kernels=64, minibatch_layout="channels"
    )
    network = build_discriminator(Preset(architecture, pixels=16), 16, seed=0)
    assert network.get_layer("minibatch").output.shape[1:] == (4, 4, 80)
    with pytest.raises(ValueError, match="multiple of 16"):
        build_discriminator(
            Preset(DeepConvolutional(channels=(16, 8), minibatch_kernels=60), pixels=16), 16, seed=0
        )


@pytest.mark.parametrize("name", PRESETS)
def test_initial_weights_follow_from_the_seed_alone(name):
    preset = get_preset(name)
    pixels = 16 if name == "tiny" else 32
    one, same, other = (
        build_generator(preset, pixels, seed=seed).get_weights() for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_fully_convolutional_generator_commutes_with_shifts_of_the_sky():
    gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    for layer in gan.generator.layers:
        if "inject" in layer.name:
            layer.weight.assign(np.full(layer.weight.shape, 0.3, "float32"))
    latents = gan.latent_space.draw(2, seed=0)
    coarsest = latents[0].shape[1]
    shifted = [np.roll(z, z.shape[1] // coarsest, axis=2) for z in latents]
    a, b = (
        keras.ops.convert_to_numpy(gan.generator([keras.ops.convert_to_tensor(z) for z in q]))
        for q in (latents, shifted)
    )
    assert a.std() > 1e-3
    np.testing.assert_allclose(b, np.roll(a, 16 // coarsest, axis=2), rtol=1e-3, atol=1e-4)


def test_one_fully_convolutional_generator_makes_maps_of_any_size(rng):
    preset = get_preset("tiny")
    generator = build_generator(preset, 16, seed=0)
    for pixels in (8, 32):
        latents = [
            rng.normal(size=(2, *shape)).astype("float32")
            for shape in preset.architecture.latent_shapes(pixels)
        ]
        assert generator([keras.ops.convert_to_tensor(z) for z in latents]).shape == (
            2,
            pixels,
            pixels,
            1,
        )


@pytest.mark.parametrize(("preset", "pixels"), [("quick", 60), ("quick", 4), ("geogan", 40)])
def test_sizes_that_do_not_divide_are_refused(preset, pixels):
    with pytest.raises(InputError, match="multiple of"):
        get_preset(preset).architecture.latent_shapes(pixels)


def test_unknown_presets_are_refused():
    with pytest.raises(
        InputError, match="expected one of best, quick, geogan, geogan_relativistic"
    ):
        get_preset("biggan")


def test_averaging_a_batch_normalised_generator_is_refused():
    with pytest.raises(ValueError, match="do not fit averaged weights"):
        Preset(DeepConvolutional(generator_norm="batch"), pixels=16, average_decay=0.9)
