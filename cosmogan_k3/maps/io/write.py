"""Write maps in the format that the file's ending names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3._typing import FloatMaps, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.atomic import check_writable, replacing
from cosmogan_k3.maps.io.disk import check_space
from cosmogan_k3.maps.io.formats import writer_of
from cosmogan_k3.maps.io.map_file import WritableMaps
from cosmogan_k3.maps.mapset import as_map_set
from cosmogan_k3.maps.stream import LARGEST_FIELD_DEG

_BYTES_PER_PIXEL = 4


def check_output(path: PathLike) -> None:
    """Raise an error, before any work is done, if maps cannot be written to ``path``.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        Unknown ending, an existing folder, or a folder that cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> check_output(tempfile.gettempdir() + "/maps.h5")
    """
    path = Path(path)
    writer_of(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder")
    check_writable(path.parent)


def write_maps(
    path: PathLike,
    maps: WritableMaps | FloatMaps,
    pixel_arcmin: Any = None,
    *,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Write maps, whole or not at all, in blocks of bounded size.

    npz and HDF5 files hold maps, pixel size, identities and parameters. FITS files hold one image
    a map, the first in the primary unit, with ``ANGLE`` as LensTools reads it and ``CDELT``. npy
    files hold the pixels alone.

    Parameters
    ----------
    path : str or Path
        File that ends in npy, npz, fits, fit, h5 or hdf5.
    maps : MapSet, MapStream, or float array of shape (n, N, N)
        The maps of a ``MapStream`` need not fit in memory.
    pixel_arcmin : float or astropy.units.Quantity, optional
        Side of a pixel of an array, in arcmin unless it has a unit.
    confirm : callable, optional
        Called when the file is complete; if it raises an error, the file does not get its name.

    Raises
    ------
    InputError
        Unknown ending, a folder that cannot be written to, a disk without room for the maps, maps
        wider than 180 degrees, a parameter's name that cannot be stored, shear in an npy file, or
        an array without a pixel size. No file is left behind.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from cosmogan_k3.maps import MapSet, read_maps
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     maps = MapSet(np.ones((2, 8, 8), "float32"), pixel_arcmin=1.5)
    ...     write_maps(folder + "/maps.fits", maps)
    ...     read_maps(folder + "/maps.fits").pixel_arcmin
    1.5
    """
    check_output(path)
    if isinstance(maps, np.ndarray):
        maps = as_map_set(maps, pixel_arcmin)
    if maps.quantity != "kappa" and Path(path).suffix.lower() == ".npy":
        raise InputError(
            f"{path}: an npy file cannot say that it holds {maps.quantity}; write npz, h5 or fits"
        )
    if maps.field_deg > LARGEST_FIELD_DEG:
        raise InputError(
            f"{path}: its maps would be {maps.field_deg:g} degrees wide; flat maps have "
            f"{LARGEST_FIELD_DEG} degrees at most"
        )
    check_space(path, len(maps) * maps.pixels**2 * _BYTES_PER_PIXEL)
    for name in maps.parameters:
        # A slash would create groups in HDF5 files, and a null character ends names in npz.
        if not name.isprintable() or "/" in name or name in ("", "."):
            raise InputError(f"{path}: a file cannot hold a parameter of this name: {name!r}")
    with replacing(path) as partial:
        writer_of(Path(path))(partial, maps)
        if confirm:
            confirm()
