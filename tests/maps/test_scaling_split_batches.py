"""Scaling, splits and batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import Batches, MapSet, Scaling, split_by_map
from cosmogan_k3.maps.batches import SYMMETRIES, apply_symmetry


@pytest.mark.parametrize("kind", ["standard", "range", "rodriguez"])
def test_scaling_is_inverted(rng, kind):
    kappa = rng.normal(0.002, 0.01, size=(700, 8, 8)).astype("float32")  # more than one block
    scaling = Scaling.fit(kind, kappa)
    x = scaling.to_network(kappa)
    np.testing.assert_allclose(scaling.to_kappa(x), kappa, atol=1e-8)
    if kind == "standard":
        assert x.std() == pytest.approx(1, rel=1e-5)
        assert x.mean() == pytest.approx(kappa.mean() / kappa.std(), rel=1e-4)
    elif kind == "rodriguez":
        assert x.min() == -1
        mean = scaling.to_network(kappa.mean(dtype="float64"))
        assert mean == pytest.approx(0, abs=1e-6)
    else:
        assert (x.min(), x.max()) == (pytest.approx(-1, abs=1e-6), pytest.approx(1, abs=1e-6))


def test_rodriguez_scaling_is_the_published_curve():
    counts = np.array([0.0, 1.0, 4.0, 12.0, 396.0])
    expected = 2 * counts / (counts + 4) - 1
    np.testing.assert_allclose(
        Scaling(0.0, 4.0, "rodriguez").to_network(counts), expected, atol=1e-7
    )


# x is rounded to float32, by at most 2⁻²⁵ of itself below 1, and dκ/dx = 2a/(1 − x)² = a(1 + u)²/2; then κ is rounded.
@settings(max_examples=200, deadline=None)
@given(
    u=st.floats(0, 16_000),
    offset=st.floats(-0.1, 0),
    scale=st.floats(1e-3, 1),
)
def test_rodriguez_scaling_comes_back(u, offset, scale):
    scaling = Scaling(offset, scale, "rodriguez")
    kappa = np.float32(offset + u * scale)
    back = scaling.to_kappa(scaling.to_network(kappa))
    u = max((float(kappa) - offset) / scale, 0)
    assert (
        abs(float(back) - float(kappa))
        <= scale * (1 + u) ** 2 / 2 * 2.0**-24 + abs(kappa) * 2.0**-23 + 1e-9
    )


@settings(max_examples=200, deadline=None)
@given(x=st.floats(-1, 1 - 2.0**-13, width=32))
def test_rodriguez_scaling_comes_back_from_network_units(x):
    scaling = Scaling(0.0, 0.02, "rodriguez")
    assert scaling.to_network(scaling.to_kappa(np.float32(x))) == pytest.approx(x, abs=2e-7)


def test_rodriguez_scaling_is_finite_and_monotonic_wherever_a_generator_goes():
    x = np.array([-np.inf, -2, -1, -0.5, 0, 0.9, 1 - 2.0**-24, 1, 2, np.inf], "float32")
    kappa = Scaling(-0.02, 0.02, "rodriguez").to_kappa(x)
    assert np.isfinite(kappa).all()
    assert (np.diff(kappa) >= 0).all()
    assert kappa[2] == np.float32(-0.02)
    assert kappa[4] == pytest.approx(0, abs=1e-9)
    below = Scaling(-0.02, 0.02, "rodriguez").to_network(np.array([-1.0, -0.04, -0.03]))
    assert below.tolist() == [-1, -1, -1], (
        "κ below that of the training maps has no place of its own"
    )


def test_scalings_survive_their_configuration():
    for scaling in (Scaling(0.1, 2.0), Scaling(-0.02, 0.03, "rodriguez")):
        assert Scaling(**scaling.get_config()) == scaling
    assert (
        Scaling(**{"offset": 0.1, "scale": 2.0}).kind == "affine"
    )  # a file from before there were two kinds
    with pytest.raises(InputError, match="expected affine or rodriguez"):
        Scaling(kind="log")


def test_scaling_refuses_what_it_cannot_measure():
    with pytest.raises(InputError, match="do not vary"):
        Scaling.fit("range", np.ones((2, 4, 4)))
    with pytest.raises(InputError, match="Unknown scaling"):
        Scaling.fit("log", np.ones((2, 4, 4)))


@settings(max_examples=50, deadline=None)
@given(ids=st.lists(st.integers(0, 12), min_size=2, max_size=60), seed=st.integers(0, 2**32))
def test_patches_of_one_map_stay_on_one_side(ids, seed):
    ids = np.array(ids)
    if len(np.unique(ids)) < 2:
        return
    splits = split_by_map(MapSet(np.zeros((len(ids), 2, 2), "float32"), 1.0, ids), seed=seed)
    sides = [
        set(part.map_id.tolist()) for part in (splits.train, splits.validation, splits.test) if part
    ]
    assert sum(len(side) for side in sides) == len(np.unique(ids))
    assert set.union(*sides) == set(ids.tolist())
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test) if part) == len(
        ids
    )
    assert (splits.validation is None) == (len(np.unique(ids)) == 2)


def test_splits_follow_from_the_seed():
    maps = MapSet(np.zeros((100, 2, 2), "float32"), 1.0)
    ids = [split_by_map(maps, seed=seed).test.map_id.tolist() for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_splits_refuse_a_single_map_and_wrong_shares():
    maps = MapSet(np.zeros((4, 2, 2), "float32"), 1.0, np.zeros(4, int))
    with pytest.raises(InputError, match="patches of one map"):
        split_by_map(maps)
    with pytest.raises(InputError, match="shares"):
        split_by_map(MapSet(maps.kappa, 1.0), test=0.6, validation=0.5)


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

    shares = [batches() for _ in range(2)]
    for index, share in enumerate(shares):
        share.set_replica(index, 2, devices=4)
    for index in range(2):
        together = np.concatenate([share[index] for share in shares])
        np.testing.assert_array_equal(together, batches()[index])
    with pytest.raises(
        InputError, match=r"evenly among 3 devices.*multiple of 3.*Received: 8 maps.*--devices"
    ):
        batches().set_replica(0, 1, devices=3)


def test_batches_are_full_or_refused():
    assert len(Batches(np.zeros((10, 4, 4)), Scaling(), batch_size=4)) == 2
    with pytest.raises(InputError, match="A batch holds 16 maps"):
        Batches(np.zeros((10, 4, 4)), Scaling(), batch_size=16)
