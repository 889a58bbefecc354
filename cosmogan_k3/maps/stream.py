"""Maps that are drawn while they are written, and checks of what every set of maps carries."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import IntArray, Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.units import in_unit, positive

_ARCMIN_PER_DEG = 60
LARGEST_FIELD_DEG = 180  # of files: nothing flat is wider


@dataclass(frozen=True)
class MapStream:
    """Maps that are drawn while they are written; they are never in memory together.

    Parameters
    ----------
    count : int
        Number of maps.
    pixels : int
        Side N of a map in pixels.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    drawn : iterable of float32 arrays, shape (m, N, N)
        Blocks of maps, ``count`` maps in all.
    parameters : mapping of str to float array, shape (count,)
        Parameters of each map.
    map_id : int array, shape (count,), optional
        Number of the simulation that each map comes from; by default 0 to count − 1.
    quantity : str, default "kappa"
        Name of the array in files: "gamma1" and "gamma2" for shear.

    Raises
    ------
    InputError
        A pixel size that is not positive, or parameters or identities of another length.

    Examples
    --------
    >>> import numpy as np
    >>> stream = MapStream(3, 4, 2.0, (np.zeros((k, 4, 4), "float32") for k in (2, 1)))
    >>> len(stream), [len(block) for block in stream.blocks()]
    (3, [2, 1])
    """

    count: int
    pixels: int
    pixel_arcmin: float
    drawn: Iterable[Maps]
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    map_id: IntArray = None  # type: ignore[assignment]  # numbered below
    quantity: str = "kappa"

    def __post_init__(self) -> None:
        if self.map_id is None:
            object.__setattr__(self, "map_id", np.arange(self.count))
        object.__setattr__(self, "pixel_arcmin", check_pixel_size(self.pixel_arcmin))
        check_values("map_id", self.map_id, self.count, kinds="iu")
        for name, values in self.parameters.items():
            check_values(name, values, self.count)

    def __len__(self) -> int:
        return self.count

    @property
    def field_deg(self) -> float:
        """Side of a map in degrees."""
        return self.pixels * self.pixel_arcmin / _ARCMIN_PER_DEG

    def blocks(self) -> Iterator[Maps]:
        """Iterate over the maps in the blocks in which they are drawn; works once.

        Yields
        ------
        float32 array, shape (m, N, N)

        Raises
        ------
        ValueError
            The blocks do not add up to ``count`` maps.
        """
        total = 0
        for block in self.drawn:
            total += len(block)
            yield np.asarray(block, dtype=np.float32)
            del block  # before the next block is drawn
        if total != self.count:
            raise ValueError(f"A stream of {self.count} maps was expected. Received: {total} maps")


def check_pixel_size(pixel_arcmin: Any) -> float:
    """Return the side of a pixel in arcmin; refuse it if it is not positive and finite.

    Parameters
    ----------
    pixel_arcmin : float or astropy.units.Quantity

    Returns
    -------
    float

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_pixel_size(2)
    2.0
    """
    return positive("pixel_arcmin", in_unit(pixel_arcmin, "arcmin", "pixel_arcmin"))


def check_values(name: str, values: ArrayLike, count: int, kinds: str = "biuf") -> None:
    """Raise an error unless there is one number of a dtype of ``kinds`` a map.

    Parameters
    ----------
    name : str
        Of the values, for the message.
    values : array
    count : int
        Number of maps.
    kinds : str
        Characters of NumPy's ``dtype.kind``. Default: any real number.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_values("map_id", [0, 1], 2, kinds="iu")
    """
    array = np.asarray(values)
    if array.shape != (count,):
        raise InputError(f"{name} needs one value a map, {count}. Received: shape {array.shape}")
    if array.dtype.kind not in kinds:
        expected = "integers" if kinds == "iu" else "numbers"
        raise InputError(f"{name} must hold {expected}. Received: dtype {array.dtype}")
