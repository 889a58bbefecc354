"""The side of a pixel that a FITS header describes."""

import functools
import math
import re
import warnings
from typing import Any

import numpy as np

from cosmogan_k3.maps.io.tolerance import differ

_ARCMIN_PER_DEG = 60
_SCALE = re.compile("(CDELT|CUNIT)[12]|(CD|PC)[12]_[12]")


class UnknownUnitError(ValueError):
    """A header gives pixel sizes in a unit that is no angle.

    Examples
    --------
    >>> raise UnknownUnitError("CUNIT1 is 'Mpc'")
    Traceback (most recent call last):
    cosmogan_k3.maps.io.fits_scale.UnknownUnitError: CUNIT1 is 'Mpc'
    """


def pixel_arcmin(header: Any, pixels: int) -> float | None:
    """Return the side of a pixel.

    Parameters
    ----------
    header : astropy.io.fits.Header
        ``ANGLE`` is the side of the map in degrees (LensTools). World coordinates may be given by
        ``CDELT``, with or without a ``PC`` matrix, or by a ``CD`` matrix, in the units ``CUNIT``.
        Without ``CUNIT`` they are in degrees.
    pixels : int
        Side of the map.

    Returns
    -------
    float or None
        Side in arcmin; None if the header has none of these keywords.

    Raises
    ------
    UnknownUnitError
        A unit that is no angle.
    ValueError
        A side that is not a positive number, pixels that are not square, or two values that differ.

    Examples
    --------
    >>> from astropy.io import fits
    >>> pixel_arcmin(fits.Header({"CDELT1": -30.0, "CDELT2": 30.0, "CUNIT1": "arcsec",
    ...     "CUNIT2": "arcsec"}), 8)
    0.5
    """
    by_angle = None
    if "ANGLE" in header:
        by_angle = _number(header, "ANGLE") * _ARCMIN_PER_DEG / pixels
        if not 0 < by_angle < math.inf:
            raise ValueError(f"ANGLE must be positive. Received: {header['ANGLE']}")
    keywords = [keyword for keyword in header if _SCALE.fullmatch(keyword)]
    if len(keywords) != len(set(keywords)):
        raise ValueError(f"keywords appear twice: {', '.join(sorted(keywords))}")
    cards = {k: str(header[k]) if k.startswith("CUNIT") else _number(header, k) for k in keywords}
    by_coordinates = _by_coordinates(tuple(cards.items()))
    if by_angle and by_coordinates and differ(by_angle, by_coordinates):
        raise ValueError(
            f"ANGLE says pixels of {by_angle:g} arcmin, the world coordinates pixels of "
            f"{by_coordinates:g} arcmin; correct the header"
        )
    return by_angle or by_coordinates


def _number(header: Any, keyword: str) -> float:
    value = header[keyword]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{keyword} must be a number. Received: {value!r}")
    return float(value)


@functools.lru_cache(maxsize=256)  # all images of a set have the same
def _by_coordinates(cards: tuple[tuple[str, float | str], ...]) -> float | None:
    """Return the side of a pixel, in arcmin, from the keywords of world coordinates."""
    from astropy import units
    from astropy.io import fits
    from astropy.wcs import WCS

    scales = {keyword: value for keyword, value in cards if not keyword.startswith("CUNIT")}
    # One pixel for one unit that is not named: the writer's default, which says nothing.
    if not scales or (len(scales) == len(cards) and _is_identity(scales)):
        return None
    header = fits.Header({"WCSAXES": 2, **dict(cards)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unusual names of units, which are mended or refused
        wcs = WCS(header, naxis=2)
        matrix, cunit = np.array(wcs.pixel_scale_matrix), list(wcs.wcs.cunit)
    for axis, unit in enumerate(cunit):
        if unit != units.dimensionless_unscaled:  # none is named
            if not unit.is_equivalent(units.arcmin):
                raise UnknownUnitError(
                    f"CUNIT{axis + 1} is {str(unit)!r}, which is no unit of angle"
                )
            matrix[axis] *= unit.to(units.deg)
    sides = np.hypot(*matrix) * _ARCMIN_PER_DEG
    if not (np.isfinite(sides).all() and (sides > 0).all()):
        raise ValueError(f"the sides of a pixel are {sides} arcmin; correct the header")
    skew = abs(np.dot(*matrix.T)) / math.prod(np.hypot(*matrix))
    if differ(*sides) or skew > 1e-3:
        raise ValueError(
            f"pixels are not square: {sides[0]:g} x {sides[1]:g} arcmin, with the cosine "
            f"{skew:.2g} between their sides; only square pixels can be read"
        )
    return float(sides[0])


def _is_identity(scales: dict[str, Any]) -> bool:
    """Return whether each keyword has the value that it has by default."""
    return all(
        value == (keyword.startswith("CDELT") or keyword[-3] == keyword[-1])
        for keyword, value in scales.items()
    )
