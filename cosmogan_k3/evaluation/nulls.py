"""The real maps that the nulls compare."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import IntArray
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import null_halves
from cosmogan_k3.statistics.two_sample.halves import reference_rows, set_of_map
from cosmogan_k3.statistics.two_sample.units import Units

# Name of the other real maps, among the sets of an evaluation.
REFERENCE = "reference"

# Other real maps that are measured, for each generated map: the nulls then choose among them.
_CHOICE = 4


@dataclass(frozen=True)
class Nulls:
    """Two disjoint sets of real maps, without a unit in common, whose distances are the nulls.

    Parameters
    ----------
    sets : list of two int64 arrays
        Indices among the real maps, followed by the reference maps.
    units : two Units
        Of the maps of each set.
    real : int
        Number of real maps.
    reference : MapSet, optional
        Other real maps. Without them the sets are halves of the real maps.
    """

    sets: list[IntArray]
    units: tuple[Units, Units]
    real: int
    reference: MapSet | None = None

    @property
    def of_real(self) -> IntArray:
        """Set, 0 or 1, of each real map."""
        return set_of_map(self.sets, self._total)[: self.real]

    @property
    def of_reference(self) -> IntArray:
        """Set of each reference map: 1, or 2 if it is in neither set."""
        return set_of_map(self.sets, self._total)[self.real :]

    @property
    def rows_of_real(self) -> list[IntArray]:
        """Indices of the real maps of each set."""
        return [rows[rows < self.real] for rows in self.sets]

    @property
    def rows_of_reference(self) -> IntArray:
        """Indices of the reference maps that are compared, among the reference maps."""
        return self.sets[1][self.sets[1] >= self.real] - self.real

    @property
    def _total(self) -> int:
        return self.real + (0 if self.reference is None else len(self.reference))


def choose_nulls(real: MapSet, training: MapSet | None, count: int, seed: int) -> Nulls:
    """Choose the sets that the nulls compare.

    These are the real maps and as many training maps as there are generated maps, so that the
    nulls have the noise of the distances. Without so many training maps, or if these are the real
    maps themselves, they are halves of the real maps.

    Parameters
    ----------
    real : MapSet
        Maps that the generated ones are compared with.
    training : MapSet or None
        Maps that the generator learned from.
    count : int
        Number of generated maps.
    seed : int
        Of the choice.

    Returns
    -------
    Nulls

    Examples
    --------
    >>> real, training = (MapSet(np.full((20, 4, 4), x, "float32"), 1.0) for x in (0, 1))
    >>> [len(rows) for rows in choose_nulls(real, None, 8, seed=0).sets]
    [10, 10]
    >>> [len(rows) for rows in choose_nulls(real, training, 8, seed=0).sets]
    [20, 8]
    """
    n, units = len(real), Units(len(real), real.map_id)
    if training is None or len(training) < count or _same(real, training):
        halves = null_halves(n, seed, real.map_id)
        whole = units.or_rows()
        return Nulls(halves, (whole.take(halves[0]), whole.take(halves[1])), n)
    rng = np.random.default_rng(seed)
    others = Units(len(training), training.map_id)
    rows = reference_rows(others, min(len(training), _CHOICE * count), rng)
    reference = training.take(np.sort(rows))
    others = Units(len(reference), reference.map_id)
    chosen = np.sort(reference_rows(others, count, rng))
    return Nulls([np.arange(n), n + chosen], (units, others.take(chosen)), n, reference)


def _same(real: MapSet, training: MapSet) -> bool:
    """Return whether two sets are as large, and begin and end with the same map."""
    ends = np.array([0, len(real) - 1])
    return len(real) == len(training) and all(
        np.array_equal(mine, other, equal_nan=True)
        for mine, other in zip(real.take(ends).blocks(), training.take(ends).blocks(), strict=True)
    )
