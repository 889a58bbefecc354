"""Plain numbers and arrays, from those that carry a unit, a mask or a pixel size."""

from typing import Any

import numpy as np

from cosmogan_k3.errors import InputError


def in_unit(value: Any, unit: str, name: str) -> float:
    """Return a number in a unit.

    Parameters
    ----------
    value : float or astropy.units.Quantity
        A plain number is in ``unit``.
    unit : str
        "arcmin", "deg" or "" for pure numbers.
    name : str
        Of the parameter, for the error message.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Another kind of quantity, or no number.

    Examples
    --------
    >>> from astropy import units
    >>> in_unit(0.0625 * units.deg, "arcmin", "pixel_arcmin"), in_unit(3, "arcmin", "pixel_arcmin")
    (3.75, 3.0)
    """
    try:
        plain = value.to_value(unit) if hasattr(value, "to_value") else value
        return float(np.asarray(plain, np.float64)[()])
    except (TypeError, ValueError) as error:  # astropy's UnitConversionError is a TypeError
        raise InputError(
            f"{name} must be one number, in {unit or 'no unit'}. Received: {value!r}",
            parameter=name,
        ) from error


def positive(name: str, value: float) -> float:
    """Return a number; refuse it if it is not positive and finite.

    Parameters
    ----------
    name : str
        Of the parameter, for the error message.
    value : float

    Returns
    -------
    float

    Raises
    ------
    InputError

    Examples
    --------
    >>> positive("sigma_epsilon", 0.37)
    0.37
    """
    if not 0 < value < np.inf:
        raise InputError(f"{name} must be positive and finite. Received: {value}", parameter=name)
    return float(value)


# As ``maps.io.tolerance``, which this room does not import.
_SAME_SIZE = 1e-3


def pixel_size(maps: Any, pixel_arcmin: Any) -> float:
    """Return the side of a pixel in arcmin: as it is given, or as a set of maps has it.

    Parameters
    ----------
    maps : array or MapSet
    pixel_arcmin : float or astropy.units.Quantity, optional
        In arcmin unless it has a unit. None for a ``MapSet``.

    Returns
    -------
    float

    Raises
    ------
    InputError
        An array without a size, a set of another size, or no number.

    Examples
    --------
    >>> pixel_size(np.zeros((2, 8, 8)), 1.5)
    1.5
    """
    own = getattr(maps, "pixel_arcmin", None)
    if pixel_arcmin is None and own is None:
        raise InputError(
            "pixel_arcmin, the side of a pixel, is needed for an array of maps; a MapSet has it",
            parameter="pixel_arcmin",
        )
    size = in_unit(own if pixel_arcmin is None else pixel_arcmin, "arcmin", "pixel_arcmin")
    if own is not None and not np.isclose(size, own, rtol=_SAME_SIZE):
        raise InputError(
            f"the set has pixels of {own:g} arcmin. Received: {size:g}", parameter="pixel_arcmin"
        )
    return size


def plain_maps(maps: Any) -> Any:
    """Return maps without unit, mask and pixel size; other objects are returned as they are.

    Parameters
    ----------
    maps : array, astropy.units.Quantity, numpy.ma.MaskedArray, MapSet or any other object
        Quantities must be dimensionless, like κ; percent are converted. Of a ``MapSet`` its
        ``kappa`` is returned.

    Returns
    -------
    array or ``maps``

    Raises
    ------
    InputError
        A unit that convergence does not have, masked pixels, or complex numbers.

    Examples
    --------
    >>> from astropy import units
    >>> plain_maps([2.0] * units.percent).tolist()
    [0.02]
    >>> plain_maps(np.ma.masked_greater([1.0, 2.0], 1.5))
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: 1 of 2 pixels are masked; ...
    """
    maps = getattr(maps, "kappa", maps)
    if hasattr(maps, "to_value"):
        try:
            maps = maps.to_value("")
        except (TypeError, ValueError) as error:
            raise InputError(f"Convergence has no unit. Received: {maps.unit}") from error
    if isinstance(maps, np.ma.MaskedArray):
        if count := int(np.ma.count_masked(maps)):
            raise InputError(
                f"{count} of {maps.size} pixels are masked; fill them, or leave these maps out, "
                "or give the maps and a mask"
            )
        maps = np.asarray(maps.data)
    if np.dtype(getattr(maps, "dtype", float)).kind == "c":
        raise InputError(f"Maps are real numbers. Received: dtype {maps.dtype}")
    return maps
