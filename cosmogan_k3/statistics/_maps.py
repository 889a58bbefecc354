"""Checks of maps, masks and bin edges, and blockwise reading of maps."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import AnyMaps, FloatArray, FloatMaps, Mask
from cosmogan_k3.units import plain_maps

# Pixels read at a time: one block of maps stays in the processor's cache.
_BLOCK = 2**17

# Sums of pixels are smaller. HEALPix marks missing pixels by UNSEEN = -1.6375e30.
_LARGEST = 1e30
_MARK = "a mark of missing values (HEALPix: UNSEEN)"


def checked_maps(maps: AnyMaps) -> FloatMaps:
    """Check the shape of a set of maps.

    Parameters
    ----------
    maps : float array, PatchTable or MapSet, shape (n, N, N)
        κ.

    Returns
    -------
    float array or PatchTable
        ``maps``, without unit, mask and pixel size.

    Raises
    ------
    ValueError
        If ``maps`` is not a non-empty array of square maps of real numbers without a unit.

    Examples
    --------
    >>> checked_maps(np.zeros((2, 4, 4))).shape
    (2, 4, 4)
    """
    plain: FloatMaps = plain_maps(maps)
    if getattr(plain, "ndim", 0) != 3 or plain.shape[1] != plain.shape[2] or 0 in plain.shape:
        raise ValueError(
            "maps must be a non-empty array (n, N, N). "
            f"Received: shape {getattr(plain, 'shape', None)}"
        )
    return plain


def checked_mask(mask: ArrayLike | None, pixels: int) -> Mask | None:
    """Check a mask for maps of ``pixels`` pixels a side.

    Parameters
    ----------
    mask : bool array, shape (N, N), optional
        True where observed.
    pixels : int
        Side N of the maps.

    Returns
    -------
    bool array, shape (N, N), or None
        The mask; None if there is none.

    Raises
    ------
    ValueError
        If the mask has another type or shape, or if no pixel is observed.

    Examples
    --------
    >>> checked_mask([[True, False], [True, True]], 2).sum()
    3
    """
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (pixels, pixels):
        raise ValueError(
            f"mask must be a bool array ({pixels}, {pixels}), True where observed. "
            f"Received: {mask.dtype} of shape {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask must leave pixels to observe. Received: no pixel that is True")
    return mask


def checked_edges(edges: ArrayLike, name: str = "thresholds") -> FloatArray:
    """Check the edges of bins.

    Parameters
    ----------
    edges : array_like of float, shape (bins + 1,)
        Edges of the bins.
    name : str, default "thresholds"
        Name of the argument, for the error message.

    Returns
    -------
    float64 array, shape (bins + 1,)
        The edges.

    Raises
    ------
    ValueError
        If there are fewer than two edges, or if they do not increase.

    Examples
    --------
    >>> checked_edges([0, 1, 3]).tolist()
    [0.0, 1.0, 3.0]
    """
    edges = np.asarray(edges, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"{name} must be at least two increasing numbers. Received: {edges}")
    return edges


def blocks(
    maps: FloatMaps,
    mask: Mask | None = None,
    dtype: type[np.floating] = np.float64,
    step: int | None = None,
) -> Iterator[tuple[slice, NDArray[np.floating]]]:
    """Read maps block by block.

    Parameters
    ----------
    maps : float array or PatchTable, shape (n, N, N)
        κ.
    mask : bool array, shape (N, N), optional
        True where observed.
    dtype : NumPy float type, default float64
        Type of the blocks.
    step : int, optional
        Maps in a block; by default as many as fit into the processor's cache.

    Yields
    ------
    chosen : slice
        Indices of the maps of the block.
    block : float array, shape (maps of the block, N, N)
        The maps in ``dtype``, with masked pixels set to zero.

    Raises
    ------
    ValueError
        If an observed pixel is NaN or infinite; the message names the map.

    Examples
    --------
    >>> [(chosen.start, block.shape) for chosen, block in blocks(np.zeros((3, 4, 4)), step=2)]
    [(0, (2, 4, 4)), (2, (1, 4, 4))]
    """
    step = step or max(1, _BLOCK // maps.shape[1] ** 2)
    for start in range(0, len(maps), step):
        chosen = slice(start, start + step)
        block = np.asarray(plain_maps(maps[chosen]), dtype)
        if mask is not None:
            block = np.where(mask, block, 0)
        # One sum per map is the cheapest check of every pixel: NaN and infinity survive it.
        with np.errstate(invalid="ignore"):
            finite = np.abs(block.sum(axis=(1, 2))) < _LARGEST
        if not finite.all():
            name = getattr(maps, "name_of", "map {}".format)(start + int(np.argmin(finite)))
            reason = "NaN or infinity" if np.isnan(block).any() or np.isinf(block).any() else _MARK
            raise ValueError(f"maps must be finite where observed. Received: {reason} in {name}")
        yield chosen, block


def extremes(maps: AnyMaps, mask: ArrayLike | None = None) -> tuple[float, float]:
    """Smallest and largest observed pixel of all maps.

    Parameters
    ----------
    maps : float array or PatchTable, shape (n, N, N)
        κ.
    mask : bool array, shape (N, N), optional
        True where observed.

    Returns
    -------
    lowest, highest : float
        κ of these pixels.

    Examples
    --------
    >>> [float(value) for value in extremes(np.arange(8.0).reshape(2, 2, 2))]
    [0.0, 7.0]
    """
    maps = checked_maps(maps)
    mask = checked_mask(mask, maps.shape[1])
    observed = (block if mask is None else block[:, mask] for _, block in blocks(maps, mask))
    lowest, highest = zip(*((pixels.min(), pixels.max()) for pixels in observed), strict=True)
    return min(lowest), max(highest)


def finite_maps(maps: AnyMaps) -> Iterator[FloatArray]:
    """Read maps one by one.

    Parameters
    ----------
    maps : float array or PatchTable, shape (n, N, N)
        κ.

    Yields
    ------
    float64 array, shape (N, N)
        One map.

    Raises
    ------
    ValueError
        If ``maps`` is not an array of square maps, or if a pixel is NaN or infinite.

    Examples
    --------
    >>> [float(kappa.sum()) for kappa in finite_maps(np.ones((2, 3, 3)))]
    [9.0, 9.0]
    """
    for _, block in blocks(checked_maps(maps)):
        yield from block
