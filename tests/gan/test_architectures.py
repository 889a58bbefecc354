"""Architectures: layers and weights of the published networks, symmetries, and allowed sizes."""

from dataclasses import fields, replace

import keras
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import PRESETS, DeepConvolutional, FullyConvolutional, Preset, get_preset
from cosmogan_k3.gan.build import build_discriminator, build_gan, build_generator
from tests.gan.tiny_gan import tensors, to_numpy

# Table 1 of the paper with its errata (docs/explanation/errata.md): layer, output, weights.
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
    # "~82K" counts the kernel T alone. The projection is an addition of this package.
    ("minibatch", (131_328,), 64 * 256 * 5 + 131_072 * 64),
    ("minibatch_reshape", (16, 16, 513), 0),
    ("conv_4", (16, 16, 513), 25 * 513 * 513 + 513),  # "4.4M" should be 6.58M
    ("norm_4", (16, 16, 513), 1026),
    ("logit", (1,), 131_329),  # "131K"
]


def trainable_weights(part):
    """Count the trainable weights of a layer or a network."""
    return sum(int(np.prod(w.shape)) for w in part.trainable_weights)


@pytest.mark.parametrize(
    ("build", "table"),
    [(build_generator, GENERATOR_TABLE), (build_discriminator, DISCRIMINATOR_TABLE)],
)
def test_geogan_has_the_layers_and_weights_of_the_paper(build, table):
    network = build(get_preset("geogan"), 256, seed=0)
    for name, shape, weights in table:
        layer = network.get_layer(name)
        assert tuple(layer.output.shape[1:]) == shape, name
        assert trainable_weights(layer) == weights, name
    assert trainable_weights(network) == sum(weights for _, _, weights in table)


def test_kernel_of_minibatch_discrimination_has_the_82k_weights_of_the_paper():
    layer = build_discriminator(get_preset("geogan"), 256, seed=0).get_layer("minibatch")
    assert int(np.prod(layer.kernel.shape)) == 81_920


def test_cosmogan_has_batch_normalization_and_no_minibatch_discrimination():
    generator = build_generator(get_preset("cosmogan"), 256, seed=0)
    discriminator = build_discriminator(get_preset("cosmogan"), 256, seed=0)
    kinds = {type(layer).__name__ for layer in (*generator.layers, *discriminator.layers)}
    assert "BatchNormalization" in kinds
    assert not kinds & {"VirtualBatchNorm", "MinibatchDiscrimination"}
    # Moving mean and variance of 512 + 256 + 128 + 64 channels are not trained.
    assert generator.count_params() - trainable_weights(generator) == 2 * 960
    assert discriminator.get_layer("logit").kernel.shape == (131_072, 1)


def test_minibatch_layout_channels_appends_constant_channels():
    networks = DeepConvolutional(
        channels=(16, 8), minibatch_kernels=64, minibatch_layout="channels"
    )
    discriminator = build_discriminator(Preset(networks, pixels=16), 16, seed=0)
    assert discriminator.get_layer("minibatch").output.shape[1:] == (4, 4, 80)


def test_minibatch_layout_reshape_needs_whole_maps_of_features():
    preset = Preset(DeepConvolutional(channels=(16, 8), minibatch_kernels=60), pixels=16)
    with pytest.raises(ValueError, match="multiple of 16"):
        build_discriminator(preset, 16, seed=0)


def test_fully_convolutional_generator_is_translation_equivariant():
    gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    for layer in gan.generator.layers:
        if "inject" in layer.name:
            layer.weight.assign(np.full(layer.weight.shape, 0.3, "float32"))
    latents = gan.latent_space.draw(2, seed=0)
    coarsest = latents[0].shape[1]
    shifted = [np.roll(z, z.shape[1] // coarsest, axis=2) for z in latents]
    a, b = to_numpy(gan.generator(tensors(z)) for z in (latents, shifted))
    assert a.std() > 1e-3
    np.testing.assert_allclose(b, np.roll(a, 16 // coarsest, axis=2), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pixels", [8, 32])
def test_fully_convolutional_generator_takes_latents_of_any_side(rng, pixels):
    preset = get_preset("tiny")
    generator = build_generator(preset, 16, seed=0)
    shapes = preset.architecture.latent_space(pixels).shapes
    latents = [rng.normal(size=(2, *shape)).astype("float32") for shape in shapes]
    assert generator(tensors(latents)).shape == (2, pixels, pixels, 1)


@pytest.mark.parametrize(
    ("periodic", "edges", "margin"), [(True, "periodic", 0), (False, "open", 8)]
)
def test_maps_that_are_not_periodic_get_open_edges(periodic, edges, margin):
    networks = FullyConvolutional().for_edges(lambda: periodic)
    assert networks.edges == edges
    assert networks.latent_space(64).margin == margin


@pytest.mark.parametrize("pixels", [16, 32])
def test_maps_with_open_edges_are_parts_of_one_field(pixels):
    """Latents shifted by a coarsest cell give the map beside it."""
    preset = get_preset("tiny")
    preset = replace(preset, architecture=replace(preset.architecture, edges="open"))
    gan = build_gan(preset, pixels=pixels, pixel_arcmin=3.0)
    gan.generator.get_layer("map").kernel.assign(np.full((3, 3, 4, 1), 0.1, "float32"))
    space = gan.latent_space
    large = space.draw(1, seed=0, pixels=2 * pixels)
    cell, side = max(space.cells), space.shapes[-1][0]
    windows = []
    for shift in (0, cell):
        sizes = zip(large, space.cells, space.shapes, strict=True)
        cut = [
            z[:, s : s + n, s : s + n]
            for z, s, n in ((z, shift // c, n) for z, c, (n, _, _) in sizes)
        ]
        # The Gaussian field is periodic on its own grid.
        cut[-1] = np.roll(large[-1][:, :side, :side], (-shift, -shift), axis=(1, 2))
        windows.append(to_numpy([gan.generator(tensors(cut))])[0])
    assert windows[0].std() > 1e-2
    np.testing.assert_allclose(
        windows[1][:, :-cell, :-cell], windows[0][:, cell:, cell:], rtol=1e-3, atol=1e-4
    )


def test_pooled_logits_are_linear_in_the_mean_features(rng):
    networks = FullyConvolutional(discriminator_channels=(4, 4), discriminator_pooled=True)
    network = build_discriminator(Preset(networks, pixels=16), 16, seed=0)
    logit = network.get_layer("logit")
    assert trainable_weights(logit) == 4 + 1
    maps = rng.normal(size=(3, 16, 16, 1)).astype("float32")
    features = keras.Model(network.input, network.get_layer("leaky_2").output)(maps)
    weights, bias = to_numpy([logit.kernel, logit.bias])
    expected = to_numpy([features])[0].mean(axis=(1, 2)) @ weights + bias
    np.testing.assert_allclose(to_numpy([network(maps)])[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_the_width_is_a_factor_on_the_channels_of_both_networks(name):
    whole, half = get_preset(name).architecture, get_preset(name, 0.5).architecture
    assert get_preset(name, 1.0) == PRESETS[name]
    changed = {
        field.name: (getattr(whole, field.name), getattr(half, field.name))
        for field in fields(whole)
        if getattr(whole, field.name) != getattr(half, field.name)
    }
    assert "channels" in changed
    assert set(changed) == {field.name for field in fields(whole) if "channels" in field.name}
    for before, after in changed.values():
        assert after == tuple(count // 2 for count in before)


def test_the_narrowest_networks_have_one_channel():
    preset = get_preset("geogan", 0.001)
    assert preset.architecture.channels == (1, 1, 1, 1)
    assert build_generator(preset, 16, seed=0).get_layer("map").kernel.shape[-2:] == (1, 1)
    convolution = build_discriminator(preset, 16, seed=0).get_layer("conv_4")
    assert convolution.kernel.shape[-1] == 1 + 256  # minibatch discrimination stays whole


def test_deep_convolutional_networks_need_no_answer_about_edges():
    networks = DeepConvolutional()
    assert networks.for_edges(lambda: pytest.fail("not needed")) == networks


@pytest.mark.parametrize(("preset", "pixels"), [("quick", 60), ("quick", 4), ("geogan", 40)])
def test_sides_that_do_not_divide_are_refused(preset, pixels):
    with pytest.raises(InputError, match="multiple of"):
        get_preset(preset).architecture.latent_space(pixels)


@pytest.mark.parametrize(
    ("preset", "pixels", "nearest"), [("tiny", 12, 8), ("best", 24, 16), ("geogan", 40, 32)]
)
def test_sides_that_a_discriminator_cannot_halve_are_refused(preset, pixels, nearest):
    architecture = get_preset(preset).architecture
    architecture.check_trainable(nearest)
    with pytest.raises(InputError, match=f"cut the maps to {nearest} pixels"):
        architecture.check_trainable(pixels)


def test_published_minibatch_layout_is_refused_for_maps_it_does_not_fit():
    networks = DeepConvolutional(
        latent=4, channels=(8, 4, 4, 4), generator_norm=None, minibatch_kernels=256
    )
    with pytest.raises(InputError, match="multiple of 1024, or minibatch_layout 'channels'"):
        build_discriminator(Preset(networks, pixels=64), 512, seed=0)
