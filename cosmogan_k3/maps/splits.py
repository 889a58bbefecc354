"""Training, validation and test maps."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.mapset import MapSet


@dataclass(frozen=True)
class Splits:
    """Three sets without a map in common; ``validation`` is None where only two maps exist."""

    train: MapSet
    validation: MapSet | None
    test: MapSet


def split_by_map(maps, *, validation=0.1, test=0.15, seed=0):
    """Split a set at random so that patches of one map stay on one side.

    Args:
        maps: ``MapSet``.
        validation, test: float, shares of the maps (not patches); each side gets at least one map where there are
            three.
        seed: int.

    Returns:
        ``Splits``.

    Raises:
        InputError: a single map, or shares that leave nothing to train on.

    Example:
        >>> import numpy as np
        >>> splits = split_by_map(MapSet(np.zeros((100, 8, 8), "float32"), 1.0), seed=1)
        >>> len(splits.train), len(splits.validation), len(splits.test)
        (75, 10, 15)
    """
    if not (validation >= 0 and test > 0 and validation + test < 1):
        raise InputError(
            f"The shares must be positive and leave maps to train on. Received: {validation} and {test}"
        )
    ids = np.unique(maps.map_id)
    if len(ids) < 2:
        raise InputError(
            "Training and test need a map each, since patches of one map stay on one side. Received: patches of one map"
        )
    ids = np.random.default_rng(seed).permutation(ids)
    for_test = max(1, round(test * len(ids)))
    for_validation = (
        min(max(1, round(validation * len(ids))), len(ids) - for_test - 1) if validation else 0
    )
    groups = np.split(ids, [for_test, for_test + for_validation])
    parts = [
        maps.take(np.flatnonzero(np.isin(maps.map_id, group))) if len(group) else None
        for group in groups
    ]
    return Splits(train=parts[2], validation=parts[1], test=parts[0])
