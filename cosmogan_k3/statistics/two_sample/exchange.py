"""Tests of whether two sets of rows, one row a map, are of one kind.

Each holds the pooled rows and gives ``statistic(exchanges)``, the number to be ranked, for bool choices of the first
set ``(count, n)``; and ``distance(first, second)``, a number with a meaning, between the rows of two lists of indices.
"""

import numpy as np

from cosmogan_k3.statistics.two_sample._rows import correlations

_SMALLEST_SHARE = 1e-4
"""Directions with less of the variance than this are rounding, or constants."""

_ROWS_PER_DIRECTION = 10


class _Rows:
    def __init__(self, rows):
        # A feature that some map has no value for, as a constant one no skewness, is left out too: NaN is not larger.
        varies = rows.std(axis=0) > 1e-9 * np.abs(rows).max(axis=0)
        self.rows = (rows[:, varies] - rows[:, varies].mean(axis=0)) / rows[:, varies].std(axis=0)
        if not self.rows.shape[1]:
            raise ValueError("Every feature is constant: there is nothing to compare")

    def distance(self, first, second):
        return self._distance(self.rows[first], self.rows[second])


class MeanShift(_Rows):
    """Hotelling's T² of the difference of means, over the leading directions of the pooled rows."""

    unit = "mean shift in units of the scatter between maps"

    def statistic(self, exchanges):
        directions, variances = _principal(self.rows)
        # The rows' mean is zero: the mean of the second set follows from the first's.
        white = self.rows @ directions / np.sqrt(variances)
        return ((exchanges @ white) ** 2).sum(axis=1)

    @staticmethod
    def _distance(a, b):
        return float(np.sqrt(((a.mean(axis=0) - b.mean(axis=0)) ** 2).mean()))


class LargestShift(_Rows):
    """Largest difference of the mean rows, in their own unit: Kolmogorov and Smirnov's where rows are distributions."""

    unit = "largest difference of the distributions"

    def __init__(self, rows):
        self.rows = rows

    def statistic(self, exchanges):
        size = exchanges.sum(axis=1)[:, None]
        first = exchanges @ self.rows
        return np.abs(first / size - (self.rows.sum(axis=0) - first) / (len(self.rows) - size)).max(
            axis=1
        )

    @staticmethod
    def _distance(a, b):
        return float(np.abs(a.mean(axis=0) - b.mean(axis=0)).max())


class CorrelationTest(_Rows):
    """Distance of the matrices of correlation between features, over off-diagonal terms."""

    unit = "rms difference of the off-diagonal correlations"

    def statistic(self, exchanges):
        return np.array(
            [self._distance(self.rows[first], self.rows[~first]) for first in exchanges]
        )

    @staticmethod
    def _distance(a, b):
        features = a.shape[1]
        difference = correlations(a) - correlations(b)
        return float(np.sqrt((difference**2).sum() / max(features * (features - 1), 1)))


class SpreadTest(_Rows):
    """Wasserstein distance between the distributions of each feature over maps, averaged over features."""

    unit = "Wasserstein-1 distance in units of the scatter between maps"

    def __init__(self, rows):
        super().__init__(rows)
        # Sorted once, for all exchanges: ∫ |F_first − F_second| dx needs no more than running sums in this order.
        self._order = np.argsort(self.rows, axis=0)
        self._gaps = np.diff(np.take_along_axis(self.rows, self._order, axis=0), axis=0)

    def statistic(self, exchanges):
        return np.array(
            [self.distance(np.flatnonzero(first), np.flatnonzero(~first)) for first in exchanges]
        )

    def distance(self, first, second):
        share = np.zeros(len(self.rows))
        share[first], share[second] = 1 / len(first), -1 / len(second)
        difference = share[self._order[:-1]].cumsum(axis=0)
        return float(np.vdot(np.abs(difference, out=difference), self._gaps) / self.rows.shape[1])


def _principal(rows):
    """Leading directions of the rows, and their variances: no more than a tenth of the rows can fix."""
    variances, directions = np.linalg.eigh(rows.T @ rows / len(rows))
    kept = variances > _SMALLEST_SHARE * variances[-1]
    kept[: max(0, len(kept) - max(1, len(rows) // _ROWS_PER_DIRECTION))] = False
    return directions[:, kept], variances[kept]
