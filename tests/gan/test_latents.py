"""The latent space: shapes for maps of any side, the margin, and one random stream for each map."""

import json

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import LatentSpace

# Coarsest cells of 8 pixels. With a margin of 16, maps of 64 pixels are drawn on 96. Open grids
# have two cells more beyond each edge, and none of the margin in training.
PERIODIC = LatentSpace(((8, 8, 16), (16, 16, 1), (64, 64, 1)), pixels=64)
MARGINED = LatentSpace(((12, 12, 16), (24, 24, 1), (96, 96, 1)), pixels=64, margin=16)

OPEN = LatentSpace(
    ((12, 12, 16), (20, 20, 1), (68, 68, 1)),
    pixels=64,
    margin=16,
    training_margin=0,
    cells=(8, 4, 1),
)


@pytest.mark.parametrize(
    ("space", "pixels", "sides"),
    [
        (PERIODIC, 64, (8, 16, 64)),
        (PERIODIC, 128, (16, 32, 128)),
        (PERIODIC, 8, (1, 2, 8)),
        (PERIODIC, 40, (5, 10, 40)),
        (MARGINED, 64, (12, 24, 96)),
        (MARGINED, 128, (20, 40, 160)),
        (MARGINED, 8, (5, 10, 40)),
        (OPEN, 64, (16, 28, 100)),
        (OPEN, 128, (24, 44, 164)),
    ],
)
def test_shapes_scale_with_the_side_of_the_map_and_its_margin(space, pixels, sides):
    expected = tuple((side, side, c) for side, c in zip(sides, (16, 1, 1), strict=True))
    assert space.shapes_for(pixels) == expected


@pytest.mark.parametrize("space", [PERIODIC, MARGINED, OPEN])
@pytest.mark.parametrize("pixels", [4, 60, 0, -8])
def test_sides_that_are_no_multiple_of_the_coarsest_cell_are_refused(space, pixels):
    with pytest.raises(InputError, match=f"multiple of 8 pixels. Received: pixels={pixels}"):
        space.shapes_for(pixels)


def test_a_latent_vector_has_maps_of_one_side():
    space = LatentSpace(((100,),), pixels=64)
    assert space.shapes_for(64) == ((100,),)
    with pytest.raises(InputError, match="draws maps of 64 pixels only"):
        space.shapes_for(128)


def test_crop_removes_the_margin_from_every_edge():
    maps = np.arange(2 * 6 * 6).reshape(2, 6, 6, 1)
    space = LatentSpace(((3, 3, 1),), pixels=4, margin=1)
    np.testing.assert_array_equal(space.crop(maps), maps[:, 1:5, 1:5])
    np.testing.assert_array_equal(LatentSpace(((3, 3, 1),), pixels=6).crop(maps), maps)


def test_each_map_has_its_own_random_stream():
    latents = PERIODIC.draw(3, 7, first=5)
    stream = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(1, 6)))
    for z in latents:
        np.testing.assert_array_equal(z[1], stream.standard_normal(z.shape[1:], dtype=np.float32))


def test_any_range_of_a_seed_has_the_same_latents():
    whole, part = PERIODIC.draw(9, [4, 5]), PERIODIC.draw(3, [4, 5], first=6)
    for z, of_range in zip(whole, part, strict=True):
        np.testing.assert_array_equal(of_range, z[6:])


def test_latents_of_neighbouring_maps_are_independent_and_standard_normal():
    space = LatentSpace(((4, 4, 4), (8, 8, 1), (16, 16, 1)), pixels=16)
    flat = np.concatenate([z.reshape(400, -1) for z in space.draw(400, 0)], axis=1)
    # 400 numbers fix a correlation to 0.05; the largest of 200 neighbours stays below 5 σ.
    neighbours = (flat[:-1, :200] * flat[1:, :200]).mean(axis=0)
    assert np.abs(neighbours).max() < 0.25
    assert abs(flat.std() - 1) < 0.01


def test_draw_returns_one_array_for_each_input():
    latents = MARGINED.draw(2, 0, pixels=128)
    assert [z.shape for z in latents] == [(2, 20, 20, 16), (2, 40, 40, 1), (2, 160, 160, 1)]
    assert {z.dtype for z in latents} == {np.dtype(np.float32)}


def test_latents_of_training_have_no_margin():
    assert [z.shape[1] for z in OPEN.draw(2, 0, training=True)] == [12, 20, 68]
    maps = np.zeros((1, 96, 96, 1))
    assert OPEN.crop(maps).shape == (1, 64, 64, 1)
    assert OPEN.crop(maps[:, :64, :64], training=True).shape == (1, 64, 64, 1)


@pytest.mark.parametrize("space", [PERIODIC, MARGINED, OPEN])
def test_the_configuration_survives_json(space):
    config = json.loads(json.dumps(space.get_config()))
    assert LatentSpace.from_config(config) == space


def test_configurations_of_earlier_versions_are_read():
    earlier = {name: MARGINED.get_config()[name] for name in ("shapes", "pixels", "margin")}
    assert LatentSpace.from_config(earlier) == MARGINED
