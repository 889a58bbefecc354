"""Tools of the binned statistics: periodic padding of maps and a fast search of bins."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import FloatArray, IntArray

# Pixels handled at a time by statistics with many temporaries: these stay in a core's cache.
BLOCK = 2**14

# Largest table of ``Bins``. Edges that need a larger one are searched instead.
_MAX_CELLS = 2**16


def periodic_padding(block: NDArray[Any], width: int) -> NDArray[Any]:
    """Pad maps on each side with their periodic continuation.

    Parameters
    ----------
    block : array, shape (n, rows, columns)
        Maps.
    width : int
        Pixels to add on each side, at least 1.

    Returns
    -------
    array, shape (n, rows + 2 width, columns + 2 width)
        As ``numpy.pad`` with mode "wrap", but faster.

    Examples
    --------
    >>> periodic_padding(np.arange(4).reshape(1, 2, 2), 1)[0].tolist()
    [[3, 2, 3, 2], [1, 0, 1, 0], [3, 2, 3, 2], [1, 0, 1, 0]]
    """
    n, rows, columns = block.shape
    padded = np.empty((n, rows + 2 * width, columns + 2 * width), block.dtype)
    padded[:, width:-width, width:-width] = block
    padded[:, :width] = padded[:, rows : rows + width]
    padded[:, -width:] = padded[:, width : 2 * width]
    padded[:, :, :width] = padded[:, :, columns : columns + width]
    padded[:, :, -width:] = padded[:, :, width : 2 * width]
    return padded


class Bins:
    """Bins between increasing edges, with a search whose cost does not grow with their number.

    The range of the edges is divided into equal cells::

        c(x) = ⌊(x − first edge) · scale⌋

    c never decreases with x. So edges in lower cells than x lie below x, and edges in higher cells
    lie above it. The cells are so small that each holds at most one edge to compare with x.

    Parameters
    ----------
    edges : float64 array, shape (bins + 1,)
        Increasing and finite.

    Raises
    ------
    ValueError
        If an edge is not finite.

    Examples
    --------
    >>> bins = Bins(np.array([0.0, 1.0, 2.0]))
    >>> index = bins.index(np.array([-1.0, 0.0, 1.5, 2.0]))
    >>> index.tolist(), bins.sums(index).tolist()
    ([0, 1, 2, 3], [1, 1, 1, 1])
    """

    def __init__(self, edges: FloatArray) -> None:
        if not np.isfinite(edges).all():
            raise ValueError(f"The edges of the bins must be finite. Received: {edges}")
        self.edges = edges
        self._upper = np.append(edges, np.inf)
        span = edges[-1] - edges[0]
        with np.errstate(over="ignore"):
            cells = min(4 * np.ceil(span / np.diff(edges).min()), _MAX_CELLS)
            self._scale, self._last = min(cells / span, np.finfo(float).max), cells + 1
        occupied = self._cell(edges)
        self._searched = bool((np.diff(occupied) == 0).any())
        self._below = np.searchsorted(occupied, np.arange(int(cells) + 2), side="left")

    def _cell(self, values: FloatArray) -> NDArray[np.intp]:
        with np.errstate(over="ignore"):
            cell = values - self.edges[0]
            cell *= self._scale
        np.clip(cell, 0, self._last, out=cell)
        return cell.astype(np.intp)

    def index(self, values: FloatArray) -> IntArray:
        """Count the edges that are not above each value.

        Parameters
        ----------
        values : float64 array
            Finite values.

        Returns
        -------
        int64 array
            Exactly ``numpy.searchsorted(edges, values, side="right")``: 0 below all edges,
            ``len(edges)`` above all.
        """
        if self._searched:
            return np.searchsorted(self.edges, values, side="right")
        index = self._below.take(self._cell(values), mode="clip")
        index += values >= self._upper.take(index, mode="clip")
        return index

    def sums(self, index: IntArray, weights: FloatArray | None = None) -> NDArray[Any]:
        """Sum weights, or count values, by their index.

        Parameters
        ----------
        index : int64 array, shape (n,)
            Indices of values, as ``index`` returns them.
        weights : float64 array, shape (n,), optional
            Weight of each value.

        Returns
        -------
        float64 or int64 array, shape (bins + 2,)
            Sum or count of each index. The first and the last are outside the bins.
        """
        return np.bincount(index, weights, len(self.edges) + 1)
