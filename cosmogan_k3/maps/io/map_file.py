"""What a format's reader returns, and what its writer needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import MapArray
from cosmogan_k3.errors import InputError


@dataclass(frozen=True)
class MapFile:
    """The contents of an opened file of maps.

    Parameters
    ----------
    array : array_like, shape (N, N) or (n, N, N)
        Convergence maps; memory-mapped or read when indexed where the format allows.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; None if the file does not hold it.
    map_id : array, shape (n,), optional
        Number of the map that each patch was cut from; None if the file does not hold it.
    parameters : mapping of str to array, shape (n,)
        Parameters of each map.

    Examples
    --------
    >>> MapFile(np.zeros((2, 8, 8))).parameters
    {}
    """

    array: MapArray
    pixel_arcmin: float | None = None
    map_id: NDArray[Any] | None = None
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class WritableMaps(Protocol):
    """Maps that can be written to a file: ``MapSet`` or ``MapStream``."""

    @property
    def pixels(self) -> int:
        """Side of a map in pixels."""

    @property
    def pixel_arcmin(self) -> float:
        """Side of a pixel in arcmin."""

    @property
    def field_deg(self) -> float:
        """Side of a map in degrees."""

    @property
    def map_id(self) -> NDArray[np.integer]:
        """Number of the map that each patch was cut from."""

    @property
    def parameters(self) -> Mapping[str, NDArray[Any]]:
        """Parameters of each map."""

    def __len__(self) -> int: ...

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Iterate over the maps in blocks."""


def name_of_maps(dimensions: Mapping[str, int], path: Path) -> str:
    """Return the name of the array that holds the maps.

    Parameters
    ----------
    dimensions : mapping of str to int
        Number of axes of each array of the file.
    path : Path
        The file, for the error message.

    Returns
    -------
    str
        "kappa", or the name of the only array with two or three axes.

    Raises
    ------
    InputError
        No array, or more than one, can be the maps.

    Examples
    --------
    >>> name_of_maps({"convergence": 3, "redshift": 1}, Path("maps.npz"))
    'convergence'
    """
    if "kappa" in dimensions:
        return "kappa"
    candidates = [name for name, ndim in dimensions.items() if ndim in (2, 3)]
    if len(candidates) != 1:
        raise InputError(
            f"{path}: expected an array named 'kappa', or only one with two or three axes. "
            f"Received: {', '.join(sorted(dimensions)) or 'no array'}"
        )
    return candidates[0]


def number(value: Any) -> float | None:
    """Convert a stored number, scalar or array of one element, to float; None stays None.

    Parameters
    ----------
    value : scalar or array with one element, optional

    Returns
    -------
    float or None

    Raises
    ------
    ValueError
        Text, or more than one element; the caller names the file.

    Examples
    --------
    >>> number(np.array([1.5], "float32"))
    1.5
    """
    return None if value is None else float(np.asarray(value, np.float64).item())
