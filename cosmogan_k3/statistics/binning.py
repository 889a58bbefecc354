"""What the binned statistics share: periodic continuation, and a fast way to find the bin of a value."""

import numpy as np

BLOCK = 2**14
"""Pixels worked on at a time, where a statistic can: so few that its temporaries stay in a core's cache."""
_CELLS = 2**16
"""Largest table of ``Bins``; edges too uneven for it are searched instead."""


def wrapped(block, width):
    """The maps with ``width`` pixels of their periodic continuation on each side."""
    n, rows, columns = block.shape
    padded = np.empty((n, rows + 2 * width, columns + 2 * width), block.dtype)
    padded[:, width:-width, width:-width] = block
    padded[:, :width], padded[:, -width:] = (
        padded[:, rows : rows + width],
        padded[:, width : 2 * width],
    )
    padded[:, :, :width] = padded[:, :, columns : columns + width]
    padded[:, :, -width:] = padded[:, :, width : 2 * width]
    return padded


class Bins:
    """Bins between increasing edges.

    ``index`` is ``numpy.searchsorted(edges, values, side="right")``, exactly, at a cost that does not grow with the
    number of edges: c(x) = ⌊(x − first edge) · scale⌋ never decreases with x, so edges in lower cells than x's lie
    below x and edges in higher cells above; cells are so small that at most one edge is left to compare with.
    """

    def __init__(self, edges):
        if not np.isfinite(edges).all():
            raise ValueError(f"Edges of bins with a width must be finite. Received: {edges}")
        self.edges = edges
        self._upper = np.append(edges, np.inf)
        span = edges[-1] - edges[0]
        with np.errstate(over="ignore"):
            cells = min(4 * np.ceil(span / np.diff(edges).min()), _CELLS)
            self._scale, self._last = min(cells / span, np.finfo(float).max), cells + 1
        occupied = self._cell(edges)
        self._searched = bool((np.diff(occupied) == 0).any())
        self._below = np.searchsorted(occupied, np.arange(int(cells) + 2), side="left")

    def _cell(self, values):
        with np.errstate(over="ignore"):
            cell = values - self.edges[0]
            cell *= self._scale
        np.clip(cell, 0, self._last, out=cell)
        return cell.astype(np.intp)

    def index(self, values):
        """Number of edges that are not above each finite float64 value: 0 below all, ``len(edges)`` above all."""
        if self._searched:
            return np.searchsorted(self.edges, values, side="right")
        index = self._below.take(self._cell(values), mode="clip")
        index += values >= self._upper.take(index, mode="clip")
        return index

    def sums(self, index, weights=None):
        """Sum of the weights (or the count) of each index: ``(len(edges) + 1,)``."""
        return np.bincount(index, weights, len(self.edges) + 1)
