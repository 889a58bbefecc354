"""Training, validation and test maps."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import IntArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.mapset import MapSet


@dataclass(frozen=True)
class Splits:
    """Three sets of patches without a map in common.

    Parameters
    ----------
    train : MapSet
    validation : MapSet or None
        None if there are only two maps, or if no validation maps were asked for.
    test : MapSet

    Examples
    --------
    >>> maps = MapSet(np.zeros((2, 8, 8), "float32"), 1.0)
    >>> Splits(maps.take([0]), None, maps.take([1])).test.map_id.tolist()
    [1]
    """

    train: MapSet
    validation: MapSet | None
    test: MapSet


def split_by_map(
    maps: MapSet, *, validation: float = 0.1, test: float = 0.15, seed: int = 0
) -> Splits:
    """Split a set at random so that all patches of a map are in the same part.

    Parameters
    ----------
    maps : MapSet
    validation, test : float
        Fractions of the maps (not patches). With three maps or more, each part has at least one.
    seed : int
        Seed of the permutation of the maps.

    Returns
    -------
    Splits

    Raises
    ------
    InputError
        A single map, or fractions that leave nothing to train on.

    Examples
    --------
    >>> splits = split_by_map(MapSet(np.zeros((100, 8, 8), "float32"), 1.0), seed=1)
    >>> len(splits.train), len(splits.validation), len(splits.test)
    (75, 10, 15)
    """
    if not (validation >= 0 and test > 0 and validation + test < 1):
        raise InputError(
            "The fractions of validation and test maps must be positive and leave maps to train "
            f"on. Received: {validation} and {test}"
        )
    ids = np.unique(maps.map_id)
    if len(ids) < 2:
        raise InputError(
            "Training and test need one map each, since all patches of a map, and all maps of a "
            "box, are in the same part. Received: patches of one map, or maps of one box"
        )
    ids = np.random.default_rng(seed).permutation(ids)
    # One map is left to each of the other parts.
    left = len(ids) - (2 if validation and len(ids) > 2 else 1)
    n_test = min(max(1, round(test * len(ids))), left)
    left = len(ids) - n_test - 1
    n_validation = min(max(1, round(validation * len(ids))), left) if validation else 0
    test_ids, validation_ids, train_ids = np.split(ids, [n_test, n_test + n_validation])

    def part(chosen: IntArray) -> MapSet:
        return maps.take(np.flatnonzero(np.isin(maps.map_id, chosen)))

    return Splits(
        train=part(train_ids),
        validation=part(validation_ids) if len(validation_ids) else None,
        test=part(test_ids),
    )
