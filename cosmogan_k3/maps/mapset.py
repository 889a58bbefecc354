"""Sets of convergence maps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import FloatMaps, IntArray, MapArray, Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.inspection import Inspection, inspect
from cosmogan_k3.maps.stream import check_pixel_size, check_values
from cosmogan_k3.maps.virtual import VirtualMaps, name_of_map, take_maps
from cosmogan_k3.units import pixel_size, plain_maps

BLOCK = 256  # maps in a block when a set is streamed, unless they have more pixels than this
_BLOCK_PIXELS = 2**24
if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ARCMIN_PER_DEG = 60


@dataclass(frozen=True, repr=False)
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
        check_values("map_id", self.map_id, len(self), kinds="iu")
        for name, values in self.parameters.items():
            check_values(name, values, len(self))

    def __len__(self) -> int:
        return len(self.kappa)

    def __repr__(self) -> str:
        from cosmogan_k3.maps.display import rows_of  # loads Matplotlib

        return f"<MapSet: {'; '.join(f'{name}: {text}' for name, text in rows_of(self).items())}>"

    def _repr_html_(self) -> str:
        from cosmogan_k3.maps.display import maps_as_html

        return maps_as_html(self)

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

    def plot(self, count: int = 4) -> "list[Axes]":
        """Draw the first maps in a row, on one colour scale, in a new figure of pyplot.

        Parameters
        ----------
        count : int, default 4
            Largest number of maps.

        Returns
        -------
        list of matplotlib.axes.Axes
            One a map.

        Examples
        --------
        >>> import numpy as np
        >>> maps = MapSet(np.zeros((6, 8, 8), "float32"), pixel_arcmin=2.0)
        >>> len(maps.plot())
        4
        """
        from matplotlib import pyplot

        from cosmogan_k3.maps.display import draw_maps

        return draw_maps(self, pyplot.figure(), count)

    @property
    def origin(self) -> str:
        """Where maps on disk come from, in words; empty for maps in memory."""
        return self.kappa.origin if isinstance(self.kappa, VirtualMaps) else ""

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
        origin = f", {self.origin}" if self.origin else ""
        return f"{size} of {self.pixel_arcmin:g} arcmin{origin}"


def as_map_set(maps: MapSet | FloatMaps, pixel_arcmin: Any = None) -> MapSet:
    """Return maps as a set.

    Parameters
    ----------
    maps : MapSet, or float array of shape (n, N, N)
    pixel_arcmin : float or astropy.units.Quantity, optional
        Side of a pixel of an array, in arcmin unless it has a unit.

    Returns
    -------
    MapSet

    Raises
    ------
    InputError
        As ``MapSet``, or an array without a pixel size.

    Examples
    --------
    >>> import numpy as np
    >>> as_map_set(np.zeros((4, 8, 8), "float32"), 2.0).pixel_arcmin
    2.0
    """
    size = pixel_size(maps, pixel_arcmin)
    return maps if isinstance(maps, MapSet) else MapSet(maps, size)
