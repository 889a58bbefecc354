"""FITS files (``.fits``, ``.fit``): one image a map, with the header of LensTools."""

import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np

from cosmogan_k3._typing import Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps

_RECORD_BYTES = 2880  # every unit of a FITS file fills whole records
_ARCMIN_PER_DEG = 60


def open_fits(path: Path) -> MapFile:
    """Open a FITS file, memory-mapped if it has one image.

    Parameters
    ----------
    path : Path

    Returns
    -------
    MapFile
        One image with two or three axes, or several of one shape with two axes. The pixel size is
        ``ANGLE`` (LensTools: side of the map in degrees) over ``NAXIS1``, or ``CDELT1`` in degrees.
        ``MAPID`` of each image is its identity.

    Raises
    ------
    InputError
        No image, or several of different shapes.

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
    images = _read_images(path)
    if not images:
        raise InputError(f"{path}: no image in this FITS file")
    pixel = _pixel_arcmin(images[0][1])
    if len(images) == 1:
        return MapFile(images[0][0], pixel)
    if len({data.shape for data, _ in images}) != 1 or images[0][0].ndim != 2:
        raise InputError(
            f"{path}: the images of this FITS file are not all two-dimensional and of one shape"
        )
    map_id = np.array([header.get("MAPID", i) for i, (_, header) in enumerate(images)])
    return MapFile(np.stack([data for data, _ in images]), pixel, map_id)


def _read_images(path: Path) -> list[tuple[Any, Any]]:
    """Return data and header of each unit with an image."""
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("error", "File may have been truncated", AstropyUserWarning)
        with fits.open(path, memmap=True) as file:
            return [(hdu.data, hdu.header) for hdu in file if hdu.is_image and hdu.data is not None]


def _pixel_arcmin(header: Any) -> float | None:
    if "ANGLE" in header:
        return float(header["ANGLE"]) * _ARCMIN_PER_DEG / header["NAXIS1"]
    if "CDELT1" in header:
        return abs(float(header["CDELT1"])) * _ARCMIN_PER_DEG
    return None


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
        for number, kappa in enumerate(kappa for block in maps.blocks() for kappa in block):
            _write_image(file, maps, number, kappa)


def _write_image(file: IO[bytes], maps: WritableMaps, number: int, kappa: Maps) -> None:
    """Write one header and its data; astropy's own writer needs all images in memory."""
    from astropy.io import fits

    hdu = (fits.ImageHDU if number else fits.PrimaryHDU)(kappa)
    if not number:
        hdu.header["EXTEND"] = True
    hdu.header["ANGLE"] = (maps.field_deg, "side of the map in degrees (LensTools)")
    hdu.header["ITYPE"] = ("ConvergenceMap", "Image type")
    hdu.header["MAPID"] = int(maps.map_id[number])
    for axis in (1, 2):
        degrees = maps.pixel_arcmin / _ARCMIN_PER_DEG
        hdu.header[f"CDELT{axis}"] = (degrees, "side of a pixel in degrees")
    data = kappa.astype(">f4").tobytes()
    file.write(hdu.header.tostring().encode("ascii"))
    file.write(data + bytes(-len(data) % _RECORD_BYTES))
