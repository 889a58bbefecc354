"""Batches of training maps."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import Batches, Scaling
from cosmogan_k3.maps.batches import SYMMETRIES, apply_symmetry


def test_the_symmetries_are_the_eight_of_the_square(rng):
    image = rng.normal(size=(4, 4))
    images = {apply_symmetry(image, i).tobytes() for i in range(SYMMETRIES)}
    expected = {np.rot90(f, k).tobytes() for f in (image, image.T) for k in range(4)}
    assert images == expected
    assert len(images) == 8


def test_an_epoch_shows_every_map_once_up_to_a_symmetry(rng):
    kappa = rng.normal(size=(12, 4, 4)).astype("float32")
    batches = Batches(kappa, Scaling(), batch_size=4, augment=True, seed=3)
    shown = np.concatenate([batches[i] for i in range(3)])[..., 0]
    found = [
        next(
            i
            for i in range(12)
            if any(np.array_equal(apply_symmetry(kappa[i], s), x) for s in range(8))
        )
        for x in shown
    ]
    assert sorted(found) == list(range(12))
    first = batches[0].copy()
    batches.start_epoch(1)
    assert not np.array_equal(batches[0], first)
    batches.start_epoch(0)
    np.testing.assert_array_equal(batches[0], first)


def test_processes_share_each_batch(rng):
    maps = rng.normal(size=(20, 4, 4)).astype("float32")

    def batches():
        return Batches(maps, Scaling(), batch_size=8, augment=True, seed=2)

    replicas = [batches() for _ in range(2)]
    for index, replica in enumerate(replicas):
        replica.set_replica(index, processes=2, devices=4)
    for index in range(2):
        together = np.concatenate([replica[index] for replica in replicas])
        np.testing.assert_array_equal(together, batches()[index])
    with pytest.raises(
        InputError, match=r"evenly among 3 devices.*multiple of 3.*Received: 8 maps;.*number of dev"
    ):
        batches().set_replica(0, processes=1, devices=3)


def test_batches_are_full_or_refused():
    assert len(Batches(np.zeros((10, 4, 4)), Scaling(), batch_size=4)) == 2
    with pytest.raises(InputError, match="A batch holds 16 maps"):
        Batches(np.zeros((10, 4, 4)), Scaling(), batch_size=16)


def test_augmentation_draws_all_eight_symmetries_and_nothing_else_does(rng):
    """256 copies of one image: a symmetry is absent with probability 8 × (7/8)²⁵⁶ = 10⁻¹⁴."""
    image = rng.normal(size=(3, 3)).astype("float32")
    kappa = np.broadcast_to(image, (256, 3, 3))
    shown = Batches(kappa, Scaling(), batch_size=256, augment=True)[0][..., 0]
    assert len(np.unique(shown, axis=0)) == SYMMETRIES
    np.testing.assert_array_equal(Batches(kappa, Scaling(), batch_size=256)[0][..., 0], kappa)


def test_an_impossible_batch_size_is_an_error_of_that_parameter():
    for size in (0, 11):
        with pytest.raises(InputError) as caught:
            Batches(np.zeros((10, 4, 4)), Scaling(), batch_size=size)
        assert caught.value.parameter == "batch_size"
