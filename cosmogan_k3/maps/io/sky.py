"""Read full-sky HEALPix maps, one a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import Request
from cosmogan_k3.maps.io.guard import check_version, input_errors, version_of
from cosmogan_k3.maps.io.open import open_file

_UNSEEN = -1e30  # HEALPix marks missing pixels with −1.6375e30


@dataclass(frozen=True)
class FullSky:
    """A HEALPix map.

    Parameters
    ----------
    pixels : float32 array, shape (12 nside²,)
        Convergence (dimensionless); NaN where there is none.
    nested : bool
        Whether its pixels are in nested order; else in ring order.

    Examples
    --------
    >>> FullSky(np.zeros(48, "float32"), nested=False).nside
    2
    """

    pixels: NDArray[np.float32]
    nested: bool

    @property
    def nside(self) -> int:
        """Pixels along a side of each of the twelve base pixels."""
        return int(np.sqrt(len(self.pixels) // 12))


def read_sky(
    path: PathLike, *, field: str = "", ordering: str = "", external: bool = False
) -> FullSky:
    """Read a HEALPix map of the whole sky into memory.

    Parameters
    ----------
    path : str or Path
        FITS file with a HEALPix table, npy, npz or HDF5 file with an array of one axis, or raw
        binary file of Takahashi et al. (dat).
    field : str, default ""
        Name of the array or column. By default "kappa", "convergence" or the only one.
    ordering : {"", "ring", "nested"}
        Order of the pixels, for files that do not say it. Default ring.
    external : bool, default False
        Whether HDF5 files may take data from other files.

    Returns
    -------
    FullSky
        HEALPix's mark of missing pixels (UNSEEN) and other values that are not finite are NaN.

    Raises
    ------
    InputError
        Input that cannot be used; the message names the file and the cause.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/sky.npy", np.zeros(12 * 4**2, "float32"))
    ...     read_sky(folder + "/sky.npy").nside
    4
    """
    values, nested = _read(Path(path), Request(field, external, full_sky=True), ordering)
    if values.dtype.kind != "f":
        raise InputError(
            f"{path}: expected real floating-point pixels. Received: dtype {values.dtype}"
        )
    values[_missing(values)] = np.nan
    return FullSky(values, nested)


def read_sky_mask(path: PathLike, *, ordering: str = "") -> FullSky:
    """Read a HEALPix mask of 0 and 1, or of booleans, 1 where observed.

    Parameters
    ----------
    path : str or Path
    ordering : {"", "ring", "nested"}
        As in ``read_sky``.

    Returns
    -------
    FullSky
        1 where observed, else NaN.

    Raises
    ------
    InputError
        A file that cannot be read, or other values.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/mask.npy", np.arange(12) < 6)
    ...     int(np.nansum(read_sky_mask(folder + "/mask.npy").pixels))
    6
    """
    values, nested = _read(Path(path), Request(kind="mask", full_sky=True), ordering)
    if values.dtype.kind == "f":
        values[_missing(values)] = 0
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise InputError(f"{path}: expected a mask of 0 and 1, or of booleans", parameter="mask")
    return FullSky(np.where(values, np.float32(1), np.float32(np.nan)), nested)


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    return ~(np.isfinite(values) & (values > _UNSEEN))


def _read(path: Path, request: Request, ordering: str) -> tuple[NDArray[Any], bool]:
    """Return all pixels of a sky, and whether they are in nested order."""
    version = version_of(path)
    opened = open_file(path, request)
    if ordering and opened.ordering and ordering != opened.ordering:
        raise InputError(f"{path}: its pixels are in {opened.ordering} order", parameter="ordering")
    with input_errors(path):
        opened.verify()
        with opened.array.opened() as array, np.errstate(over="ignore"):
            # In float32, also where the file has float64: a sky can have gigabytes.
            values = np.array(array, np.float32 if array.dtype.kind == "f" else None)
    check_version(path, version)
    nside = int(np.sqrt(values.size / 12))
    nested = (opened.ordering or ordering) == "nested"
    if values.ndim != 1 or not nside or values.size != 12 * nside**2:
        raise InputError(
            f"{path}: expected a full sky of 12 nside² pixels. Received: shape {values.shape}"
        )
    if nested and nside & (nside - 1):
        raise InputError(f"{path}: nested order needs a power of 2 as nside. Received: {nside}")
    return values, nested
