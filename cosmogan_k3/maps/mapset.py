"""Sets of convergence maps, whole or streamed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import IntArray, MapArray, Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.inspection import Inspection, inspect
from cosmogan_k3.maps.virtual import VirtualMaps, name_of_map, take_maps
from cosmogan_k3.units import in_unit, plain_maps, positive

BLOCK = 256  # maps in a block when a set is streamed, unless they have more pixels than this
_BLOCK_PIXELS = 2**24
_ARCMIN_PER_DEG = 60
LARGEST_FIELD_DEG = 180  # of files: nothing flat is wider


@dataclass(frozen=True)
class MapSet:
    """Convergence maps with their pixel size, identities and parameters.

    Parameters
    ----------
    kappa : float32 array or VirtualMaps, shape (n, N, N)
        Convergence (dimensionless), in memory or read from disk when indexed. An astropy Quantity
        is converted.
    pixel_arcmin : float or astropy.units.Quantity
        Side of a pixel, in arcmin unless it has a unit.
    map_id : int array, shape (n,), optional
        Number of the map that each patch was cut from; by default 0 to n − 1.
    parameters : mapping of str to float array, shape (n,)
        Parameters of each map, such as its cosmology.
    quantity : str, default "kappa"
        Name of the array in files: "gamma1" and "gamma2" for shear.

    Raises
    ------
    InputError
        Wrong shapes or types, or a pixel size that is not positive and finite.

    Examples
    --------
    >>> import numpy as np
    >>> maps = MapSet(np.zeros((4, 8, 8), "float32"), pixel_arcmin=2.0)
    >>> len(maps), maps.pixels, maps.field_deg
    (4, 8, 0.26666666666666666)
    """

    kappa: MapArray
    pixel_arcmin: float
    map_id: IntArray = None  # type: ignore[assignment]  # numbered below
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    quantity: str = "kappa"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kappa", plain_maps(self.kappa))
        object.__setattr__(self, "pixel_arcmin", check_pixel_size(self.pixel_arcmin))
        shape = tuple(self.kappa.shape)
        if len(shape) != 3 or shape[1] != shape[2] or 0 in shape:
            raise InputError(
                f"A set of maps has shape (n, N, N) with n > 0. Received: shape {shape}"
            )
        if np.dtype(self.kappa.dtype).kind not in "biuf":
            raise InputError(f"Maps are real numbers. Received: dtype {self.kappa.dtype}")
        if self.map_id is None:
            object.__setattr__(self, "map_id", np.arange(len(self.kappa)))
        _check_values("map_id", self.map_id, len(self), kinds="iu")
        for name, values in self.parameters.items():
            _check_values(name, values, len(self))

    def __len__(self) -> int:
        return len(self.kappa)

    @property
    def pixels(self) -> int:
        """Side N of a map in pixels."""
        return self.kappa.shape[1]

    @property
    def field_deg(self) -> float:
        """Side of a map in degrees."""
        return self.pixels * self.pixel_arcmin / _ARCMIN_PER_DEG

    def take(self, indices: ArrayLike) -> "MapSet":
        """Select maps by index, in the order of the indices.

        Parameters
        ----------
        indices : int array, shape (m,)

        Returns
        -------
        MapSet
            Of m maps; those on disk are not read.

        Examples
        --------
        >>> import numpy as np
        >>> MapSet(np.zeros((4, 8, 8), "float32"), pixel_arcmin=2.0).take([3, 0]).map_id.tolist()
        [3, 0]
        """
        indices = np.asarray(indices)
        kappa = take_maps(self.kappa, indices)
        chosen = {name: np.asarray(values)[indices] for name, values in self.parameters.items()}
        return replace(
            self, kappa=kappa, map_id=np.asarray(self.map_id)[indices], parameters=chosen
        )

    def blocks(self) -> Iterator[Maps]:
        """Iterate over the maps in blocks of at most 256 maps, and of 2²⁴ pixels (64 MB).

        Yields
        ------
        float32 array, shape (m, N, N)

        Examples
        --------
        >>> import numpy as np
        >>> maps = MapSet(np.zeros((300, 8, 8), "float32"), pixel_arcmin=2.0)
        >>> [len(block) for block in maps.blocks()]
        [256, 44]
        """
        step = max(1, min(BLOCK, _BLOCK_PIXELS // self.pixels**2))
        for start in range(0, len(self), step):
            yield np.asarray(self.kappa[start : start + step], dtype=np.float32)

    def fingerprint(self, mask: Mask | None = None) -> str:
        """Return the SHA-256 of shape, pixel size and pixels; equal sets have equal fingerprints.

        Parameters
        ----------
        mask : bool array, shape (N, N), optional
            True where observed; other pixels, NaN included, count as 0.

        Returns
        -------
        str
            64 hexadecimal digits.

        Raises
        ------
        InputError
            An observed pixel that is not finite, or a mask of another side.

        Examples
        --------
        >>> import numpy as np
        >>> MapSet(np.zeros((4, 8, 8), "float32"), pixel_arcmin=2.0).fingerprint()[:8]
        '8b972523'
        """
        return self.inspect(mask).fingerprint

    def inspect(self, mask: Mask | None = None) -> Inspection:
        """Read all maps once, for their fingerprint and for warnings of what looks wrong.

        Parameters
        ----------
        mask : bool array, shape (N, N), optional
            True where observed; other pixels, NaN included, count as 0.

        Returns
        -------
        Inspection

        Raises
        ------
        InputError
            As ``fingerprint``.

        Examples
        --------
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=(4, 8, 8)).astype("float32")
        >>> MapSet(noise, pixel_arcmin=2.0).inspect().warnings[0][:35]
        'the scatter of the pixels is 0.98; '
        """
        if mask is not None and mask.shape != self.kappa.shape[1:]:
            raise InputError(
                f"A mask of {mask.shape} pixels is not for maps of {tuple(self.kappa.shape[1:])}"
            )
        return inspect(
            self.blocks(),
            shape=self.kappa.shape,
            pixel_arcmin=self.pixel_arcmin,
            name_of=self.name_of,
            mask=mask,
        )

    def name_of(self, index: int) -> str:
        """Return the name of a map for messages: its file and position, or its number.

        Parameters
        ----------
        index : int

        Returns
        -------
        str

        Examples
        --------
        >>> import numpy as np
        >>> MapSet(np.zeros((4, 8, 8), "float32"), pixel_arcmin=2.0).name_of(3)
        'Map 3'
        """
        return name_of_map(self.kappa, index)

    def describe(self) -> str:
        """Return number, size and origin of the maps in one line.

        Returns
        -------
        str

        Examples
        --------
        >>> import numpy as np
        >>> MapSet(np.zeros((4, 8, 8), "float32"), pixel_arcmin=2.0).describe()
        '4 maps of 8 x 8 pixels of 2 arcmin'
        """
        size = f"{len(self)} maps of {self.pixels} x {self.pixels} pixels"
        origin = f", {self.kappa.origin}" if isinstance(self.kappa, VirtualMaps) else ""
        return f"{size} of {self.pixel_arcmin:g} arcmin{origin}"


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
        _check_values("map_id", self.map_id, self.count, kinds="iu")
        for name, values in self.parameters.items():
            _check_values(name, values, self.count)

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


def _check_values(name: str, values: ArrayLike, count: int, kinds: str = "biuf") -> None:
    """Raise an error unless there is one number of a dtype of ``kinds`` a map."""
    array = np.asarray(values)
    if array.shape != (count,):
        raise InputError(f"{name} needs one value a map, {count}. Received: shape {array.shape}")
    if array.dtype.kind not in kinds:
        expected = "integers" if kinds == "iu" else "numbers"
        raise InputError(f"{name} must hold {expected}. Received: dtype {array.dtype}")
