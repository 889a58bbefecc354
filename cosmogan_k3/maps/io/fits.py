"""FITS files (``.fits``, ``.fit``): one image a map, with the header of LensTools."""

import contextlib
import functools
import gzip
import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import BY_NAME, Request
from cosmogan_k3.maps.io.fits_scale import UnknownUnitError, pixel_arcmin
from cosmogan_k3.maps.io.fits_units import RECORD, Unit, read_units
from cosmogan_k3.maps.io.guard import Version, check_inflated, inflated_limit, version_of
from cosmogan_k3.maps.io.healpix_table import open_healpix_table
from cosmogan_k3.maps.io.map_file import FULL_SKY, MapFile, WritableMaps
from cosmogan_k3.maps.io.stored import (
    Buffer,
    InflatedArray,
    StackedArray,
    StoredArray,
    inflated,
    mapped,
)
from cosmogan_k3.maps.io.tolerance import differ

_ARCMIN_PER_DEG = 60


def open_fits(path: Path, request: Request = BY_NAME) -> MapFile:
    """Read the headers of a FITS file, which is memory-mapped when pixels are read.

    Parameters
    ----------
    path : Path
        May end in ".gz"; then it is inflated in memory.
    request : Request, optional
        Which images to read, by ``EXTNAME``, ``ITYPE`` or, without these, number of the unit.

    Returns
    -------
    MapFile
        One image with two or three axes, or all images of one name, of one shape with two axes.
        ``MAPID`` of each image is its identity. Of a full sky: one column of a HEALPix table.

    Raises
    ------
    InputError
        No image, several of different names, shapes or pixel sizes.
    ValueError
        A damaged file.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.io import fits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     header = fits.Header({"ANGLE": 2.0})
    ...     fits.writeto(folder + "/a.fits", np.zeros((8, 8), "float32"), header)
    ...     open_fits(Path(folder) / "a.fits").pixel_arcmin
    15.0
    """
    version = version_of(path)
    buffer: Buffer = functools.partial(mapped, path)
    if path.suffix.lower() == ".gz":
        buffer = functools.partial(_gunzipped, path, version)
    with buffer() as content:
        units = read_units(*_as_file(content))
    if request.full_sky:
        return open_healpix_table(path, units, request)
    name, images = _chosen(path, units, request)
    size, problem = _pixel_size(images)
    return MapFile(
        _array(path, version, images, buffer),
        name,
        size,
        problem,
        map_id=_map_id(images),
        shared_ids=len(images) == 1,
    )


def _as_file(content: Any) -> tuple[IO[bytes], int]:
    """Return a buffer as a file, and its length."""
    return (io.BytesIO(content) if isinstance(content, bytes) else content), len(content)


@contextlib.contextmanager
def _gunzipped(path: Path, version: Version) -> Iterator[bytes]:
    yield inflated(_gunzip, path, version)


def _gunzip(path: Path, version: Version) -> bytes:
    """Inflate a file; it stops where the file becomes larger than it may."""
    limit = inflated_limit(version[2])
    with gzip.open(path) as file:
        content = file.read(limit + 1)
    check_inflated(path, len(content), version[2])
    return content


def _chosen(path: Path, units: list[Unit], request: Request) -> tuple[str, list[Unit]]:
    """Return the name of the images to read, and all images of this name."""
    images = [unit for unit in units if unit.is_image or unit.is_compressed]
    if not images:
        if any("NSIDE" in unit.header for unit in units):
            raise InputError(f"{path}: {FULL_SKY}")
        raise InputError(f"{path}: no image in this FITS file; tables are not read")
    if not request.field and not any(unit.name for unit in images):
        return "", images
    names = {unit.number: unit.name or str(unit.number) for unit in images}
    axes = {names[unit.number]: len(unit.shape) for unit in images}
    wanted = request.pick(axes, path)
    return wanted, [unit for unit in images if names[unit.number] == wanted]


def _array(path: Path, version: Version, images: list[Unit], buffer: Buffer) -> StoredArray:
    """Return one image, or several as one array."""
    shape = images[0].shape
    if len(images) > 1:
        if len(shape) != 2 or any(unit.shape != shape for unit in images):
            raise InputError(
                f"{path}: the images of this FITS file are not all two-dimensional and of one shape"
            )
        shape = (len(images), *shape)
    if not any(unit.is_compressed for unit in images):
        arrays = tuple(unit.array(buffer) for unit in images)
        return arrays[0] if len(arrays) == 1 else StackedArray(arrays)
    check_inflated(path, math.prod(shape) * 8, version[2])
    arguments = (path, version, tuple(unit.number for unit in images))
    return InflatedArray(shape, inflated(_decompress, *arguments).dtype, _decompress, arguments)


def _decompress(path: Path, version: Version, numbers: tuple[int, ...]) -> NDArray[Any]:
    """Read images that are compressed in tiles."""
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, memmap=False) as file:
            data = [np.array(file[number].data) for number in numbers]
    return data[0] if len(data) == 1 else np.stack(data)


def _pixel_size(images: list[Unit]) -> tuple[float | None, str]:
    """Return the pixel size of all images, or why there is none."""
    try:
        sizes = [pixel_arcmin(unit.header, unit.shape[-1]) for unit in images]
    except UnknownUnitError as error:
        return None, str(error)
    first = sizes[0]
    for unit, size in zip(images, sizes, strict=True):
        if (size is None) != (first is None) or (size and first and differ(size, first)):
            raise ValueError(
                f"the first image has pixels of {first} arcmin, unit {unit.number} has pixels of "
                f"{size} arcmin"
            )
    return first, ""


def _map_id(images: list[Unit]) -> NDArray[Any] | None:
    """Return ``MAPID`` of each image; None if no image has one."""
    ids = [unit.header.get("MAPID") for unit in images]
    if all(each is None for each in ids):
        return None
    if not all(isinstance(each, int) for each in ids):
        raise ValueError(f"MAPID must be an integer in every image. Received: {ids}")
    return np.array(ids)


def write_fits(path: Path, maps: WritableMaps) -> None:
    """Write maps to a FITS file, one image a map, the first in the primary unit.

    Parameters
    ----------
    path : Path
    maps : MapSet or MapStream
        Its maps are written one at a time; its parameters are not written.

    Examples
    --------
    >>> import tempfile
    >>> from cosmogan_k3.maps import MapSet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "maps.fits"
    ...     write_fits(path, MapSet(np.zeros((2, 8, 8), "float32"), pixel_arcmin=1.5))
    ...     open_fits(path).array.shape
    (2, 8, 8)
    """
    with path.open("wb") as file:
        # Numbers from 0 on say nothing, and those of single maps would be the same in all files.
        numbered = not np.array_equal(maps.map_id, np.arange(len(maps)))
        for number, kappa in enumerate(kappa for block in maps.blocks() for kappa in block):
            header = _header(maps, number, kappa)
            if numbered:
                header["MAPID"] = (int(maps.map_id[number]), "map that this was cut from")
            data = kappa.astype(">f4").tobytes()
            file.write(header.tostring().encode("ascii"))
            file.write(data + bytes(-len(data) % RECORD))


def _header(maps: WritableMaps, number: int, kappa: Maps) -> Any:
    """Return the header of an image; astropy's own writer needs all images in memory."""
    from astropy.io import fits

    header = (fits.ImageHDU if number else fits.PrimaryHDU)(kappa).header
    if not number:
        header["EXTEND"] = True
        header["NMAPS"] = (len(maps), "maps in this file")
    convergence = maps.quantity == "kappa"
    header["EXTNAME"] = (maps.quantity.upper(), "convergence" if convergence else "shear")
    header["ANGLE"] = (maps.field_deg, "side of the map in degrees (LensTools)")
    if convergence:
        header["ITYPE"] = ("ConvergenceMap", "Image type")
    for axis in (1, 2):
        degrees = maps.pixel_arcmin / _ARCMIN_PER_DEG
        header[f"CDELT{axis}"] = (degrees, "side of a pixel")
        header[f"CUNIT{axis}"] = "deg"
    return header
