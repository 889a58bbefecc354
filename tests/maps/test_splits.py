"""Training, validation and test maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, split_by_map


@settings(max_examples=50, deadline=None)
@given(ids=st.lists(st.integers(0, 12), min_size=2, max_size=60), seed=st.integers(0, 2**32))
def test_patches_of_one_map_are_in_one_part(ids, seed):
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


def test_splits_refuse_a_single_map_and_wrong_fractions():
    maps = MapSet(np.zeros((4, 2, 2), "float32"), 1.0, np.zeros(4, int))
    with pytest.raises(InputError, match="patches of one map"):
        split_by_map(maps)
    with pytest.raises(InputError, match="fractions"):
        split_by_map(MapSet(maps.kappa, 1.0), test=0.6, validation=0.5)


@pytest.mark.parametrize(("validation", "test"), [(0.05, 0.9), (0.0, 0.99), (0.9, 0.05)])
def test_large_fractions_leave_a_map_to_each_part(validation, test):
    splits = split_by_map(
        MapSet(np.zeros((3, 2, 2), "float32"), 1.0), validation=validation, test=test
    )
    parts = [part for part in (splits.train, splits.validation, splits.test) if part]
    assert sorted(number for part in parts for number in part.map_id) == [0, 1, 2]
    assert len(splits.train) >= 1
    assert (splits.validation is None) == (validation == 0)


def test_the_fractions_are_those_of_the_maps_not_of_the_patches():
    """Map 0 has 100 patches, the others one each."""
    map_id = np.concatenate([np.zeros(100, int), np.arange(1, 40)])
    maps = MapSet(np.zeros((139, 2, 2), "float32"), 1.0, map_id)
    splits = split_by_map(maps, validation=0.25, test=0.5, seed=3)
    parts = (splits.train, splits.validation, splits.test)
    assert [len(np.unique(part.map_id)) for part in parts] == [10, 10, 20]
