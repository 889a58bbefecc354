"""HEALPix maps in tables of FITS files, as healpy writes them."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import MapArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import Request
from cosmogan_k3.maps.io.fits_units import Unit
from cosmogan_k3.maps.io.map_file import MapFile

# Names that healpy and its C++ and Fortran sisters give to a map of any kind.
_NEUTRAL = {"TEMPERATURE", "I_STOKES", "SIGNAL"}
_ORDERINGS = {"RING": "ring", "NESTED": "nested", "NEST": "nested"}


@dataclass(frozen=True)
class HealpixColumn:
    """A column of a table, as the map of the whole sky.

    Parameters
    ----------
    path : Path
    unit : int
        Number of the table in the file.
    column : int
        Number of the column in the table.
    pixels : int
        Of the whole sky.
    partial : bool
        Whether the first column holds the numbers of the pixels that the table has. The others
        are NaN.

    Examples
    --------
    >>> HealpixColumn(Path("sky.fits"), 1, 0, 12, partial=False).shape
    (12,)
    """

    path: Path
    unit: int
    column: int
    pixels: int
    partial: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values where the table holds a part of the sky."""
        return np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of pixels of the whole sky."""
        return (self.pixels,)

    @contextlib.contextmanager
    def opened(self) -> Iterator[MapArray]:
        """Yield the map in memory."""
        if self.partial:
            numbers, values = self._read(0, self.column)
            yield self._whole(numbers, values)
            return
        (values,) = self._read(self.column)
        if len(values) != self.pixels:
            raise ValueError(f"{len(values)} values for a sky of {self.pixels} pixels")
        yield values

    def _read(self, *columns: int) -> list[NDArray[Any]]:
        """Read columns of the table."""
        from astropy.io import fits

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with fits.open(self.path) as file:
                table = file[self.unit].data
                return [np.array(table.field(column)).ravel() for column in columns]

    def _whole(self, numbers: NDArray[Any], values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the whole sky, of which some pixels have values."""
        if numbers.dtype.kind not in "iu" or numbers.shape != values.shape:
            raise ValueError("the numbers of the pixels do not fit to their values")
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < self.pixels):
            raise ValueError("the numbers of the pixels are not those of this nside")
        sky = np.full(self.pixels, np.nan, np.float32)
        sky[numbers] = values
        return sky


def open_healpix_table(path: Path, units: list[Unit], request: Request) -> MapFile:
    """Return the map of the whole sky that a FITS file holds in a table.

    Parameters
    ----------
    path : Path
    units : list of Unit
        Of the file, whose lengths are checked.
    request : Request
        Names the column.

    Returns
    -------
    MapFile
        ``NSIDE`` and ``ORDERING`` are read from the header, and ``INDXSCHM`` or ``OBJECT`` where
        the table holds a part of the sky.

    Raises
    ------
    InputError
        No table with HEALPix maps, more than one, or columns of which none or several can be meant.
    ValueError
        A header that does not fit to the table.
    """
    tables = [unit for unit in units if unit.header.get("XTENSION") == "BINTABLE"]
    tables = [unit for unit in tables if "NSIDE" in unit.header]
    if len(tables) != 1:
        raise InputError(
            f"{path}: expected one table with HEALPix maps (NSIDE in its header). "
            f"Received: {len(tables)}"
        )
    header = tables[0].header
    nside, ordering = header["NSIDE"], str(header.get("ORDERING", "")).strip().upper()
    if not isinstance(nside, int) or isinstance(nside, bool) or nside < 1:
        raise ValueError(f"NSIDE is {nside!r}; expected a positive integer")
    if ordering and ordering not in _ORDERINGS:
        raise ValueError(f"ORDERING is {ordering!r}; expected RING or NESTED")
    partial = "EXPLICIT" in str(header.get("INDXSCHM", "")) or header.get("OBJECT") == "PARTIAL"
    names = _columns(header)
    name = _chosen(path, names[1 if partial else 0 :], request)
    column = names.index(name)
    code = str(header[f"TFORM{column + 1}"]).strip()[-1:]
    if code not in ("E", "D") and request.kind != "mask":
        raise ValueError(f"{name!r} has the format {code!r}; expected floats")
    array = HealpixColumn(path, tables[0].number, column, 12 * nside**2, partial)
    return MapFile(array, name, ordering=_ORDERINGS.get(ordering, ""))


def _columns(header: Any) -> list[str]:
    """Return the names of the columns of a table; those without one are numbered."""
    count = header.get("TFIELDS", 0)
    return [str(header.get(f"TTYPE{i + 1}", "") or i).strip() for i in range(count)]


def _chosen(path: Path, names: list[str], request: Request) -> str:
    """Return the column to read; the only one may have a name that says nothing."""
    if not request.field and len(names) == 1 and names[0].upper() in _NEUTRAL:
        return names[0]
    return request.pick(dict.fromkeys(names, 1), path)
