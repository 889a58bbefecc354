"""Permutation tests of whether two sets of rows have the same distribution."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import FloatArray, IntArray, Rows
from cosmogan_k3.statistics.two_sample._rows import (
    correlations,
    principal_directions,
    standardised_together,
    without_pair_means,
)

# Directions of a sliced distance: enough that others give the same to a few per cent.
_SLICES = 64


class PermutationTest(ABC):
    """Two-sample test on the pooled rows of two sets.

    Under the null hypothesis all rows come from one distribution. The observed value of
    ``statistic`` is then exchangeable with its values for random assignments of rows to the sets.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets, one row per map.
    pairs : int64 array (n,), optional
        Pair of each row, if members of pairs are swapped between the sets. Variances are then those
        of rows without the mean of their pair. The mean of all rows moves with that of few units:
        variances about it are too small along the difference of the sets, which gets much weight.

    Attributes
    ----------
    unit : str
        What ``distance`` measures, in words.
    of_means : bool
        Whether means are compared; if not, the variation from row to row. The variation among few
        units is skewed and biased, and no swap of pairs imitates this.
    """

    unit: ClassVar[str]
    of_means: ClassVar[bool] = True

    def __init__(self, rows: Rows, pairs: IntArray | None = None) -> None:
        self.rows = rows
        self.pairs = pairs

    @abstractmethod
    def distance(self, first: IntArray, second: IntArray) -> float:
        """Distance between two sets of rows, in the test's unit.

        Parameters
        ----------
        first, second : int array
            Indices of the rows of each set.

        Returns
        -------
        float
            The distance; 0 or larger.
        """

    def statistic(self, memberships: NDArray[np.bool_]) -> FloatArray:
        """Test statistic for each assignment of the rows to the two sets.

        The statistic is the distance, unless a subclass has a more powerful one.

        Parameters
        ----------
        memberships : bool array (assignments, n)
            True where a row belongs to the first set.

        Returns
        -------
        float64 array (assignments,)
            The statistics; a larger one means a larger difference.
        """
        return np.array([self.distance(np.flatnonzero(m), np.flatnonzero(~m)) for m in memberships])


class MeanTest(PermutationTest):
    """Test of the mean rows: Hotelling's T² over the leading principal directions.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets; constant features and features with NaN are left out.

    Examples
    --------
    >>> test = MeanTest(np.array([[0.0], [0.0], [1.0], [1.0]]))
    >>> test.distance(np.array([0, 1]), np.array([2, 3]))
    2.0
    >>> test.statistic(np.array([[True, True, False, False], [True, False, True, False]])).tolist()
    [4.0, 0.0]

    References
    ----------
    Hotelling 1931, The generalization of Student's ratio, Ann. Math. Statist. 2, 360.
    """

    unit = "mean shift in units of the scatter between maps"

    def __init__(self, rows: Rows, pairs: IntArray | None = None) -> None:
        super().__init__(standardised_together(rows), pairs)

    def statistic(self, memberships: NDArray[np.bool_]) -> FloatArray:
        """Hotelling's T² up to a constant factor; see ``PermutationTest``."""
        directions, variances = principal_directions(without_pair_means(self.rows, self.pairs))
        # The pooled mean is zero: the mean of the second set follows from that of the first.
        white = self.rows @ directions / np.sqrt(variances)
        return ((memberships @ white) ** 2).sum(axis=1)

    def distance(self, first: IntArray, second: IntArray) -> float:
        """Root mean square of the shifts of the features; see ``PermutationTest``."""
        shift = self.rows[first].mean(axis=0) - self.rows[second].mean(axis=0)
        return float(np.sqrt((shift**2).mean()))


class MaximumDifferenceTest(PermutationTest):
    """Largest difference of the mean rows; Kolmogorov-Smirnov if rows are distributions.

    Examples
    --------
    >>> test = MaximumDifferenceTest(np.array([[0.0, 0.5], [0.2, 0.5], [0.4, 0.6]]))
    >>> round(test.distance(np.array([0, 1]), np.array([2])), 12)
    0.3
    """

    unit = "largest difference of the distributions"

    def statistic(self, memberships: NDArray[np.bool_]) -> FloatArray:
        """Compute all distances at once; see ``PermutationTest``."""
        size = memberships.sum(axis=1)[:, None]
        first = memberships @ self.rows
        second = self.rows.sum(axis=0) - first
        difference = first / size - second / (len(self.rows) - size)
        return np.abs(difference).max(axis=1)

    def distance(self, first: IntArray, second: IntArray) -> float:
        """Largest absolute difference of the two mean rows; see ``PermutationTest``."""
        shift = self.rows[first].mean(axis=0) - self.rows[second].mean(axis=0)
        return float(np.abs(shift).max())


class CorrelationTest(PermutationTest):
    """Distance between the correlation matrices of the features, off the diagonal.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets; constant features and features with NaN are left out.

    Examples
    --------
    >>> rows = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    >>> distance = CorrelationTest(rows).distance(np.array([0, 1]), np.array([2, 3]))
    >>> round(distance, 12)     # r = 1 and r = -1
    2.0
    """

    unit = "rms difference of the off-diagonal correlations"
    of_means = False

    def __init__(self, rows: Rows, pairs: IntArray | None = None) -> None:
        super().__init__(standardised_together(rows), pairs)

    def distance(self, first: IntArray, second: IntArray) -> float:
        """Root mean square of the differences of correlations; see ``PermutationTest``."""
        features = self.rows.shape[1]
        difference = correlations(self.rows[first]) - correlations(self.rows[second])
        return float(np.sqrt((difference**2).sum() / max(features * (features - 1), 1)))


class ScatterTest(PermutationTest):
    """Wasserstein-1 distance between the distributions of each feature, averaged over features.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets; constant features and features with NaN are left out.

    Examples
    --------
    >>> test = ScatterTest(np.array([[0.0], [0.0], [1.0], [1.0]]))
    >>> test.distance(np.array([0, 1]), np.array([2, 3]))
    2.0
    """

    unit = "Wasserstein-1 distance in units of the scatter between maps"
    of_means = False

    def __init__(self, rows: Rows, pairs: IntArray | None = None) -> None:
        super().__init__(standardised_together(rows), pairs)
        # Sorted once: in this order ∫ |F_first − F_second| dx needs only cumulative sums.
        self._order = np.argsort(self.rows, axis=0)
        self._gaps = np.diff(np.take_along_axis(self.rows, self._order, axis=0), axis=0)

    def distance(self, first: IntArray, second: IntArray) -> float:
        """Mean Wasserstein-1 distance of the features; see ``PermutationTest``."""
        weight = np.zeros(len(self.rows))
        weight[first], weight[second] = 1 / len(first), -1 / len(second)
        difference = weight[self._order[:-1]].cumsum(axis=0)
        return float(np.vdot(np.abs(difference, out=difference), self._gaps) / self.rows.shape[1])


class SlicedTest(ScatterTest):
    """Wasserstein-1 distance along random directions, averaged over the directions.

    ::

        d = ⟨W₁(u·x_first, u·x_second)⟩_u,    |u| = 1

    It is 0 only where the joint distributions of all features agree.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(200, 2))
    >>> rows[:100] += 1
    >>> test, first = SlicedTest(rows), np.arange(100)
    >>> even = np.arange(0, 200, 2)
    >>> test.distance(first, first + 100) > 4 * test.distance(even, even + 1)
    True

    References
    ----------
    Bonneel et al. 2015, J. Math. Imaging Vis. 51, 22.
    """

    unit = "sliced Wasserstein-1 distance in units of the scatter between maps"
    # A distribution along a direction is the mean over maps of whether they lie below each value.
    of_means = True

    def __init__(self, rows: Rows, pairs: IntArray | None = None) -> None:
        if pairs is not None:
            axes, variances = principal_directions(without_pair_means(rows, pairs))
            rows = rows @ axes / np.sqrt(variances)
        directions = np.random.default_rng(0).normal(size=(rows.shape[1], _SLICES))
        super().__init__(rows @ (directions / np.linalg.norm(directions, axis=0)), pairs)
