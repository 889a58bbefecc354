"""Counts of the pixels of maps below many values of κ, from maps sorted once."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import FloatArray, FloatMaps, IntArray, Mask
from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps, checked_mask

# The Kolmogorov-Smirnov permutations are evaluated on this many of the levels.
_GRID = 1024


def sorted_pixels(maps: FloatMaps, mask: Mask | None = None) -> FloatArray:
    """Sort the observed pixels of each map.

    Parameters
    ----------
    maps : float array (n, N, N)
        Convergence.
    mask : bool array (N, N), optional
        True where observed.

    Returns
    -------
    float64 array (n, observed)
        Pixels in increasing order, one row a map.

    Examples
    --------
    >>> sorted_pixels(np.array([[[3.0, 1.0], [2.0, 0.0]]])).tolist()
    [[0.0, 1.0, 2.0, 3.0]]
    """
    pixels = maps.reshape(len(maps), -1) if mask is None else maps[:, mask]
    return np.sort(pixels.astype(np.float64), axis=1)


def counts_below(pixels: FloatArray, levels: FloatArray) -> IntArray:
    """Count the pixels of each map that are smaller than each level.

    Parameters
    ----------
    pixels : float64 array (n, observed)
        As ``sorted_pixels`` returns them.
    levels : float64 array (m,)
        Values of κ, in any order.

    Returns
    -------
    int64 array (n, m)

    Examples
    --------
    >>> counts_below(np.array([[0.0, 1.0, 2.0]]), np.array([0.0, 1.5])).tolist()
    [[0, 2]]
    """
    counts = np.empty((len(pixels), len(levels)), np.int64)
    for row, of_map in zip(counts, pixels, strict=True):
        row[:] = np.searchsorted(of_map, levels, side="left")
    return counts


def histogram_rows(pixels: FloatArray, edges: FloatArray) -> IntArray:
    """Count the pixels of each map in bins, as ``pixel_histogram`` does.

    Parameters
    ----------
    pixels : float64 array (n, observed)
        As ``sorted_pixels`` returns them.
    edges : increasing float array (bins + 1,)
        Bins are [lo, hi), the last one closed.

    Returns
    -------
    int64 array (n, bins)

    Examples
    --------
    >>> histogram_rows(np.array([[0.0, 1.0, 2.0, 9.0]]), [0, 1, 2]).tolist()
    [[1, 2]]
    """
    return np.diff(counts_below(pixels, closed_edges(checked_edges(edges, "edges"))), axis=1)


def closed_edges(edges: FloatArray) -> FloatArray:
    """Move the last edge up by the smallest step, so that half-open bins include it.

    Parameters
    ----------
    edges : float64 array (bins + 1,)
        Edges of the bins.

    Returns
    -------
    float64 array (bins + 1,)

    Examples
    --------
    >>> closed_edges(np.array([0.0, 1.0]))[1] > 1
    True
    """
    return np.append(edges[:-1], np.nextafter(edges[-1], np.inf))


@dataclass(frozen=True)
class PixelBins:
    """Values of κ at which the pixels of two sets of maps are compared.

    Parameters
    ----------
    levels : float64 array (m,)
        Increasing values at which the cumulative distributions are compared.
    published_edges : float64 array (bins + 1,), optional
        Edges of the bins of the published test, over the range of the first set.

    Examples
    --------
    >>> PixelBins(np.linspace(0, 1, 5)).grid.tolist()
    [0, 1, 2, 3, 4]
    """

    levels: FloatArray
    published_edges: FloatArray | None = None

    @property
    def grid(self) -> IntArray:
        """Indices of the levels on which permutations are evaluated."""
        return np.unique(np.linspace(0, len(self.levels) - 1, _GRID).astype(int))


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of the maps of a set, counted in ``PixelBins``.

    Parameters
    ----------
    below : int64 array (groups, levels)
        Pixels smaller than each level, summed over the maps of each group.
    rows : unsigned integer array (n, grid)
        The same for each map, at the levels of the grid.
    published : unsigned integer array (n, bins)
        Pixels of each map in the bins of the published test, if there are any.
    pixels : int
        Observed pixels of a map.
    """

    below: IntArray
    rows: IntArray
    published: IntArray
    pixels: int

    def take(self, indices: IntArray, groups: slice) -> "PixelCounts":
        """Select maps, and the groups that they make up together.

        Parameters
        ----------
        indices : int array
            The maps, in the order that the rows are to have.
        groups : slice
            The groups of exactly these maps.

        Returns
        -------
        PixelCounts
        """
        below = np.zeros_like(self.below)
        below[groups] = self.below[groups]
        return PixelCounts(below, self.rows[indices], self.published[indices], self.pixels)


def count_pixels(
    pixels: FloatArray, bins: PixelBins, groups: IntArray | None = None
) -> PixelCounts:
    """Count the pixels of a block of maps.

    Parameters
    ----------
    pixels : float64 array (n, observed)
        As ``sorted_pixels`` returns them.
    bins : PixelBins
        Where to count.
    groups : int array (n,), optional
        Group of each map, 0 or 1; by default all maps are one group.

    Returns
    -------
    PixelCounts

    Examples
    --------
    >>> bins = PixelBins(np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0]))
    >>> counts = count_pixels(np.array([[0.0, 0.5, 2.0]]), bins)
    >>> counts.below.tolist(), counts.published.tolist()
    ([[0, 2]], [[2, 1]])
    """
    levels = bins.levels
    members = group_members(len(pixels), groups)
    inserted = np.zeros((len(members), len(levels) + 1), np.int64)
    for row, chosen in zip(inserted, members, strict=True):
        # A pixel is below every level from its insertion point on.
        place = np.searchsorted(levels, pixels[chosen].ravel(), side="right")
        row += np.bincount(place, minlength=len(levels) + 1)
    observed = pixels.shape[1]
    published = np.zeros((len(pixels), 0), np.int64)
    if bins.published_edges is not None:
        published = histogram_rows(pixels, bins.published_edges)
    small = np.uint16 if observed < 2**16 else np.uint32
    return PixelCounts(
        np.cumsum(inserted, axis=1)[:, :-1],
        counts_below(pixels, levels[bins.grid]).astype(small),
        published.astype(small),
        observed,
    )


def group_members(n: int, groups: IntArray | None) -> list[Mask]:
    """Return which maps belong to each group.

    Parameters
    ----------
    n : int
        Number of maps.
    groups : int array (n,) or None
        Group of each map, 0 or 1; None if all maps are one group.

    Returns
    -------
    list of bool arrays (n,)

    Examples
    --------
    >>> [member.tolist() for member in group_members(2, np.array([1, 0]))]
    [[False, True], [True, False]]
    """
    return [np.ones(n, bool)] if groups is None else [groups == 0, groups == 1]


def join_counts(parts: Iterable[PixelCounts]) -> PixelCounts:
    """Join the counts of the parts of a set.

    Parameters
    ----------
    parts : iterable of PixelCounts
        In the order of the maps, all in the same bins; one at a time is held in full.

    Returns
    -------
    PixelCounts

    Examples
    --------
    >>> part = PixelCounts(np.ones((2, 3), int), np.ones((4, 2)), np.ones((4, 1)), 9)
    >>> joined = join_counts([part, part])
    >>> joined.below.tolist(), joined.rows.shape
    ([[2, 2, 2], [2, 2, 2]], (8, 2))
    """
    below, rows, published, pixels = np.zeros((1, 1), np.int64), [], [], 0
    for part in parts:
        below = below + part.below
        rows.append(part.rows)
        published.append(part.published)
        pixels = part.pixels
    return PixelCounts(below, np.concatenate(rows), np.concatenate(published), pixels)


def count_set(
    maps: FloatMaps, bins: PixelBins, *, mask: Mask | None = None, groups: IntArray | None = None
) -> PixelCounts:
    """Count the pixels of a set of maps, a block at a time.

    Parameters
    ----------
    maps : float array (n, N, N) or PatchTable
        Convergence.
    bins : PixelBins
        Where to count.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, are never read.
    groups : int array (n,), optional
        Group of each map, 0 or 1; by default all maps are one group.

    Returns
    -------
    PixelCounts

    Raises
    ------
    ValueError
        Maps that are not (n, N, N), a mask of another shape or type, or NaN where observed.

    Examples
    --------
    >>> bins = PixelBins(np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0]))
    >>> count_set(np.array([[[0.0, 0.5], [2.0, 3.0]]]), bins).rows.tolist()
    [[0, 2]]
    """
    mask = checked_mask(mask, checked_maps(maps).shape[1])
    return join_counts(
        count_pixels(sorted_pixels(block, mask), bins, None if groups is None else groups[chosen])
        for chosen, block in blocks(maps, mask)
    )
