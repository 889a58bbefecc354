"""What a format's reader returns, and what its writer needs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3.maps.io.stored import StoredArray

# What a user is told who gives a full sky where flat maps are expected.
FULL_SKY = "holds a full sky; cut it into flat patches first, with cosmogan cut"


def _nothing() -> None:
    """Check nothing."""


@dataclass(frozen=True)
class MapFile:
    """The contents of a file of maps; nothing but headers has been read.

    Parameters
    ----------
    array : StoredArray, shape (N, N), (n, N, N) or, of a full sky, (12 nside²,)
        Convergence maps.
    name : str, default ""
        Name of the array in the file; empty if it has none.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; None if the file does not hold it.
    no_pixel_size : str, default ""
        Why the file's own pixel size cannot be used, if it is not plainly missing.
    map_id : StoredArray or int array, shape (n,), optional
        Number of the map that each patch was cut from; None if the file does not hold it.
    shared_ids : bool, default False
        Whether ``map_id`` means the same map in other files of the folder.
    parameters : mapping of str to StoredArray, shape (n,)
        Parameters of each map.
    verify : callable
        Reads what has checksums, and raises an error if one is wrong.
    ordering : {"ring", "nested", ""}, default ""
        Order of the pixels of a full sky; empty if the file does not say it.

    Examples
    --------
    >>> from cosmogan_k3.maps.io.stored import InflatedArray
    >>> MapFile(InflatedArray((8, 8), np.dtype("f4"), np.zeros, ((8, 8),))).parameters
    {}
    """

    array: StoredArray
    name: str = ""
    pixel_arcmin: float | None = None
    no_pixel_size: str = ""
    map_id: StoredArray | NDArray[Any] | None = None
    shared_ids: bool = False
    parameters: Mapping[str, StoredArray] = field(default_factory=dict)
    verify: Callable[[], None] = _nothing
    ordering: str = ""


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

    @property
    def quantity(self) -> str:
        """Name of the array in the file: "kappa", "gamma1" or "gamma2"."""

    def __len__(self) -> int: ...

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Iterate over the maps in blocks."""


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
        Text, a boolean, a complex number, or more than one element; the caller names the file.

    Examples
    --------
    >>> number(np.array([1.5], "float32"))
    1.5
    """
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind in "bc":  # NumPy would make 1 of True, and drop an imaginary part
        raise ValueError(f"expected a real number. Received: {array.dtype} {array}")
    return float(array.astype(np.float64).item())


def read_whole(array: StoredArray | NDArray[Any]) -> NDArray[Any]:
    """Return the values of an array, which must be small.

    Parameters
    ----------
    array : StoredArray or array

    Returns
    -------
    array

    Examples
    --------
    >>> read_whole(np.arange(2)).tolist()
    [0, 1]
    """
    if isinstance(array, np.ndarray):
        return array
    with array.opened() as opened:
        return np.array(opened)
