"""What every statistic asks of its maps, masks and bins, said once."""

import numpy as np

_BLOCK = 2**17
"""Pixels handled at a time: a block stays in the processor's cache, however many maps there are."""


def checked_maps(maps):
    """``maps`` themselves, if they are ``(n, N, N)``."""
    if getattr(maps, "ndim", 0) != 3 or maps.shape[1] != maps.shape[2] or 0 in maps.shape:
        raise ValueError(
            f"maps must be a non-empty array (n, N, N). Received: shape {getattr(maps, 'shape', None)}"
        )
    return maps


def checked_mask(mask, pixels):
    """A bool mask ``(N, N)``, True where observed, that leaves something to see; None stays None."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (pixels, pixels):
        raise ValueError(
            f"mask must be a bool array ({pixels}, {pixels}), True where observed. "
            f"Received: {mask.dtype} of shape {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask must leave pixels to observe. Received: none that is True")
    return mask


def checked_edges(edges, name="thresholds"):
    """``edges`` as float64, if they are bin edges."""
    edges = np.asarray(edges, float)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"{name} must be at least two increasing numbers. Received: {edges}")
    return edges


def blocks(maps, mask=None, dtype=np.float64, step=None):
    """Yield ``(slice, maps of that slice)`` in ``dtype``, masked pixels at zero, and refuse NaN where observed."""
    step = step or max(1, _BLOCK // maps.shape[1] ** 2)
    for start in range(0, len(maps), step):
        chosen = slice(start, start + step)
        block = np.asarray(maps[chosen], dtype)
        if mask is not None:
            block = np.where(mask, block, 0)
        # One sum a map is the cheapest look at every pixel: NaN and infinity both survive it.
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(block.sum(axis=(1, 2)))
        if not finite.all():
            name = getattr(maps, "name_of", "map {}".format)(start + int(np.argmin(finite)))
            raise ValueError(
                f"maps must be finite where observed. Received: NaN or infinity in {name}"
            )
        yield chosen, block


def extremes(maps, mask=None):
    """Smallest and largest observed pixel of all maps."""
    mask = checked_mask(mask, checked_maps(maps).shape[1])
    observed = (block if mask is None else block[:, mask] for _, block in blocks(maps, mask))
    lowest, highest = zip(*((pixels.min(), pixels.max()) for pixels in observed), strict=True)
    return min(lowest), max(highest)


def finite_maps(maps):
    """The maps of ``blocks`` one after the other, as float64."""
    for _, block in blocks(checked_maps(maps)):
        yield from block
