"""The independent units of a set: the maps or simulations that its rows come from."""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import IntArray


class Units:
    """The rows of a set in groups that are independent of one another.

    Patches of one map share its large modes, and patches of one simulation its realization. Only
    whole units can be exchanged, halved or drawn again.

    Parameters
    ----------
    n : int
        Number of rows.
    groups : array_like of int (n,), optional
        A number for each row; rows with the same number are one unit. By default each row is a
        unit.

    Attributes
    ----------
    index : int64 array (n,)
        Unit of each row. Units are numbered from 0 in the order of their first rows.
    sizes : int64 array (units,)
        Rows of each unit.

    Raises
    ------
    ValueError
        ``groups`` of another length.

    Examples
    --------
    >>> units = Units(5, [7, 3, 7, 3, 9])
    >>> units.index.tolist(), units.sizes.tolist()
    ([0, 1, 0, 1, 2], [2, 2, 1])
    >>> units.rows(np.array([2, 0])).tolist()
    [4, 0, 2]
    """

    def __init__(self, n: int, groups: ArrayLike | None = None) -> None:
        labels = np.arange(n) if groups is None else np.asarray(groups)
        if labels.shape != (n,):
            raise ValueError(f"groups needs one number a row, {n}. Received: shape {labels.shape}")
        _, first, index = np.unique(labels, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))
        self.index = order[index]
        self.sizes = np.bincount(self.index, minlength=len(first))

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def are_rows(self) -> bool:
        """Whether each row is a unit of its own."""
        return len(self.sizes) == len(self.index)

    @cached_property
    def _members(self) -> list[IntArray]:
        return np.split(np.argsort(self.index, kind="stable"), np.cumsum(self.sizes)[:-1])

    def rows(self, units: IntArray) -> IntArray:
        """Return the rows of some units, unit after unit.

        Parameters
        ----------
        units : int array (m,)
            Units, which may repeat.

        Returns
        -------
        int64 array (k,)
        """
        return np.concatenate([self._members[unit] for unit in units])

    def or_rows(self) -> "Units":
        """Return the units, or the rows as units if there is one unit, which nothing can divide."""
        return self if len(self) > 1 else Units(len(self.index))

    def take(self, rows: IntArray) -> "Units":
        """Return the units of some rows."""
        return Units(len(rows), self.index[rows])
