"""The sampler: reproducible maps of any range, batch size and side."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import DeepConvolutional, Sampler, adapt, get_preset
from cosmogan_k3.maps import edge_discontinuity
from tests.gan.tiny_gan import TINY, tiny_gan

OPEN = replace(TINY, architecture=replace(TINY.architecture, edges="open"))


def test_maps_depend_on_the_seed_and_not_on_the_batch_size():
    sampler = Sampler(tiny_gan())
    maps = sampler.sample(10, seed=4, batch_size=3)
    close = {"rtol": 1e-4, "atol": 1e-6}
    np.testing.assert_allclose(sampler.sample(10, seed=4, batch_size=64), maps, **close)
    np.testing.assert_allclose(sampler.sample(4, seed=4), maps[:4], **close)
    assert not np.allclose(sampler.sample(10, seed=5), maps)


def test_a_batch_size_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="batch_size must be positive"):
        Sampler(tiny_gan()).sample(2, batch_size=-1)


@pytest.mark.parametrize("n", [0, -1])
def test_a_number_of_maps_that_is_not_positive_is_refused(n):
    with pytest.raises(InputError, match="must be positive"):
        Sampler(tiny_gan()).sample(n)


def test_any_range_of_a_seeds_maps_is_bit_identical():
    sampler = Sampler(tiny_gan())
    whole = sampler.sample(11, seed=4, batch_size=4)
    for first, n in ((0, 4), (3, 6), (8, 3), (10, 1)):
        part = list(sampler.sample_batches(n, first=first, seed=4, batch_size=4))
        np.testing.assert_array_equal(np.concatenate(part), whole[first : first + n])


def test_batches_start_at_multiples_of_the_batch_size(monkeypatch):
    gan = tiny_gan()
    drawn, original = [], gan.network_maps

    def record(latents, conditions):
        drawn.append(latents[0])
        return original(latents, conditions)

    monkeypatch.setattr(gan, "network_maps", record)
    list(Sampler(gan).sample_batches(6, first=3, seed=4, batch_size=4))
    expected = [gan.latent_space.draw(4, 4, first=first)[0] for first in (0, 4, 8)]
    np.testing.assert_array_equal(drawn, expected)


def test_errors_are_raised_at_the_call_and_not_at_the_first_batch():
    with pytest.raises(InputError, match="must be positive"):
        Sampler(tiny_gan()).sample_batches(0)


def test_a_grid_of_latents_gives_maps_of_other_sides():
    sampler = Sampler(tiny_gan())
    large = sampler.sample(3, pixels=48, seed=1)
    assert large.shape == (3, 48, 48)
    one_by_one = sampler.sample(3, pixels=48, seed=1, batch_size=1)
    np.testing.assert_allclose(one_by_one, large, rtol=1e-4, atol=1e-6)
    with pytest.raises(InputError, match=r"multiple of 4 pixels\. Received: pixels=30"):
        sampler.sample(1, pixels=30)


def test_a_vector_of_latents_gives_maps_of_one_side():
    networks = DeepConvolutional(channels=(8, 4))
    gan = tiny_gan(replace(get_preset("cosmogan"), architecture=networks, pixels=16))
    with pytest.raises(InputError, match="draws maps of 16 pixels only"):
        Sampler(gan).sample(1, pixels=32)


def test_tiled_latents_give_a_tiled_map():
    """Periodic convolutions are translation equivariant: a large map is no enlarged small one."""
    gan = tiny_gan()
    small = gan.latent_space.draw(2, 0)
    tiled = [np.tile(z, (1, 2, 2, 1)) for z in small]
    expected = np.tile(np.asarray(gan.predict_on_batch(small)), (1, 2, 2, 1))
    # Sums of the same products in another order: float32 rounding.
    np.testing.assert_allclose(gan.predict_on_batch(tiled), expected, rtol=1e-4, atol=1e-5)


def test_opposite_open_edges_are_uncorrelated():
    """On a torus the first and last rows are neighbours."""
    white = np.random.default_rng(0).normal(size=(400, 16, 16, 1))
    smooth = sum(np.roll(white, (i, j), axis=(1, 2)) for i in range(3) for j in range(3))
    ratio = {}
    for edges, preset in (("periodic", TINY), ("open", OPEN)):
        gan = tiny_gan(preset)
        adapt(gan, smooth.astype("float32"))
        ratio[edges] = edge_discontinuity(Sampler(gan).sample(400, seed=3))
    # Neighbours are correlated. 400 maps of 16 rows give the ratio to a few percent.
    assert ratio["periodic"] < 1.1 < 1.2 < ratio["open"]


def test_a_gan_with_open_edges_draws_larger_maps():
    assert Sampler(tiny_gan(OPEN)).sample(1, pixels=32).shape == (1, 32, 32)
