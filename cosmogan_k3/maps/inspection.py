"""One reading of a set of maps: its fingerprint, its pixels in numbers, and warnings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.fingerprint import Fingerprint
from cosmogan_k3.maps.sanity import PixelSummary, sanity_warnings

# The fourth power of a pixel, which moments need, is then a number in float32.
_LARGEST_PIXEL = 1e9


@dataclass(frozen=True)
class Inspection:
    """What one reading of a set of maps tells.

    Parameters
    ----------
    fingerprint : str
        SHA-256 of shape, pixel size and pixels.
    pixels : PixelSummary
        Range, mean and scatter of each map.
    warnings : tuple of str
        As ``sanity_warnings`` returns them.
    """

    fingerprint: str
    pixels: PixelSummary
    warnings: tuple[str, ...]


def inspect(
    blocks: Iterable[Maps],
    *,
    shape: tuple[int, ...],
    pixel_arcmin: float,
    name_of: Callable[[int], str],
    mask: Mask | None = None,
) -> Inspection:
    """Read a set of maps once; refuse pixels that are no numbers, or too large for convergence.

    Parameters
    ----------
    blocks : iterable of float32 arrays (m, N, N)
        Convergence, all maps in order.
    shape : tuple of int
        (n, N, N), shape of the set.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    name_of : function
        Returns the name of the map with an index, for messages.
    mask : bool array (N, N), optional
        True where observed; other pixels, NaN included, count as 0.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        An observed pixel that is NaN, infinite or beyond 10⁹.

    Examples
    --------
    >>> maps = np.array([[[0.0, 0.02], [-0.02, np.nan]]], "float32")
    >>> options = {"shape": maps.shape, "pixel_arcmin": 1.0, "name_of": "map {}".format}
    >>> inspect([maps], **options)
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: map 0: 1 of 4 pixels are NaN or infinite ...
    >>> inspect([maps], mask=np.isfinite(maps[0]), **options).pixels.highest.round(6).tolist()
    [0.02]
    """
    digest, summaries, start = Fingerprint(shape, pixel_arcmin), [], 0
    for block in blocks:
        summary = PixelSummary.of(block, mask)
        observed = block if mask is None else np.where(mask, block, np.float32(0))
        _check_range(summary, observed, start, name_of)
        digest.update(observed)
        summaries.append(summary)
        start += len(block)
    pixels = PixelSummary.join(summaries)
    return Inspection(digest.hexdigest(), pixels, sanity_warnings(pixels, name_of))


def _check_range(
    summary: PixelSummary, observed: Maps, start: int, name_of: Callable[[int], str]
) -> None:
    """Raise ``InputError`` at the first map whose pixels no statistic can use."""
    largest = np.maximum(-summary.lowest, summary.highest)
    known = largest <= _LARGEST_PIXEL  # false for NaN
    if known.all():
        return
    first = int(np.argmin(known))
    kappa = observed[first]
    missing = kappa[~(np.abs(kappa) <= _LARGEST_PIXEL)]
    if np.isfinite(missing).all():
        what = f"have values such as {missing[0]:.5g}, which mark missing pixels (HEALPix: UNSEEN)"
    else:
        what = "are NaN or infinite (BLANK pixels of FITS files are read as NaN)"
    raise InputError(
        f"{name_of(start + first)}: {len(missing)} of {kappa.size} pixels {what}; mask these "
        "pixels, fill them, or leave the map out"
    )
