"""Cut full-sky HEALPix maps into flat patches."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cosmogan_k3._typing import FloatArray, Maps, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import quantity_of
from cosmogan_k3.maps.io.files import map_files
from cosmogan_k3.maps.io.sky import FullSky, read_sky, read_sky_mask
from cosmogan_k3.maps.mapset import BLOCK, MapSet
from cosmogan_k3.maps.stream import MapStream
from cosmogan_k3.maps.tiling import gnomonic_directions, tile_sky
from cosmogan_k3.units import in_unit

_LARGEST_FIELD = 30.0  # degrees; then lengths at the corners are too large by 14 %
_ARCMIN_PER_DEG = 60
_POINTS = 2**20  # points at which a sky is read at a time
_BLOCK_PIXELS = 2**24
# The mean over a flat pixel takes k x k points: two a side of a HEALPix pixel, at least six. The
# squared pixel window is too large by the fraction (ℓs)²/12k², 2 % at the Nyquist mode with six.
_POINTS_PER_PIXEL = 2
_FEWEST_POINTS = 6
_CHOICES = {"ordering": ("", "ring", "nested"), "sampling": ("mean", "interpolate")}


@dataclass(frozen=True)
class SkyCut:
    """How full skies are cut into patches.

    Parameters
    ----------
    pixels : int
        Side N of a patch in pixels.
    field_deg : float
        Side of a patch in degrees, at most 30.
    field : str, default ""
        Name of the array or column in the files. Names of shear, such as "gamma1", are recorded.
    ordering : {"", "ring", "nested"}
        Order of the pixels, for files that do not say it. Default ring.
    sampling : {"mean", "interpolate"}
        "mean": the mean over each flat pixel of the HEALPix map, which is constant in each of its
        pixels. "interpolate": bilinear interpolation at the centre of each flat pixel.
    mask : str, default ""
        HEALPix map of 0 and 1 (observed). Patches with a pixel that is not observed are left out.
    subtract_mean : bool, default False
        Whether the mean over the observed sky is subtracted.
    external : bool, default False
        Whether HDF5 files may take data from other files.

    Raises
    ------
    InputError
        A field or a number of pixels out of range, or an unknown order or sampling.

    Examples
    --------
    >>> SkyCut(pixels=64, field_deg=5.0).pixel_arcmin
    4.6875
    """

    pixels: int
    field_deg: float
    field: str = ""
    ordering: Literal["", "ring", "nested"] = ""
    sampling: Literal["mean", "interpolate"] = "mean"
    mask: str = ""
    subtract_mean: bool = False
    external: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "field_deg", in_unit(self.field_deg, "deg", "field_deg"))
        if not 0 < self.field_deg <= _LARGEST_FIELD:
            raise InputError(
                f"field_deg must be positive and at most {_LARGEST_FIELD:g}. "
                f"Received: {self.field_deg}",
                parameter="field_deg",
            )
        if self.pixels < 1:
            raise InputError(
                f"pixels must be positive. Received: {self.pixels}", parameter="pixels"
            )
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(
                    f"expected one of {', '.join(filter(None, choices))}. "
                    f"Received: {getattr(self, name)!r}",
                    parameter=name,
                )

    @property
    def pixel_arcmin(self) -> float:
        """Side of a pixel in arcmin, at the centre of a patch."""
        return self.field_deg * _ARCMIN_PER_DEG / self.pixels


def cut_sky(
    path: PathLike,
    cut: SkyCut,
    *,
    parameters: Mapping[str, float] | None = None,
    quiet: bool = True,
) -> MapSet:
    """Cut full-sky maps into flat patches.

    The patches do not overlap and lie in rows around the axis; see ``maps.tiling``. Their
    projection is gnomonic. Their first row is the southern one, their first column the western one.

    Parameters
    ----------
    path : str or Path
        Full-sky maps, one a file: a file, a folder or a pattern.
    cut : SkyCut
    parameters : mapping of str to float, optional
        Parameters of the skies, such as their cosmology, which all patches carry.
    quiet : bool, default True
        Show no progress bar.

    Returns
    -------
    MapSet
        Its ``map_id`` is the number of the sky that a patch comes from, so that all patches of a
        sky are on one side of a split.

    Raises
    ------
    InputError
        Input that cannot be used; a constant sky; no patch without missing pixels; healpy is not
        installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number in range(2):
    ...         np.save(f"{folder}/{number}.npy", np.arange(12 * 16**2, dtype="float32"))
    ...     maps = cut_sky(folder, SkyCut(pixels=8, field_deg=30.0))
    >>> maps.kappa.shape, np.bincount(maps.map_id).tolist()
    ((72, 8, 8), [36, 36])
    """
    stream = cut_stream(path, cut, parameters=parameters, quiet=quiet)
    kappa = np.concatenate(list(stream.blocks()))
    return MapSet(kappa, stream.pixel_arcmin, stream.map_id, stream.parameters, stream.quantity)


def cut_stream(
    path: PathLike,
    cut: SkyCut,
    *,
    parameters: Mapping[str, float] | None = None,
    quiet: bool = True,
) -> MapStream:
    """Cut full-sky maps into flat patches while they are written, for sets larger than memory.

    Parameters
    ----------
    path : str or Path
        As in ``cut_sky``.
    cut : SkyCut
    parameters : mapping of str to float, optional
        Parameters of the skies.
    quiet : bool, default True
        Show no progress bar.

    Returns
    -------
    MapStream
        The same maps as ``cut_sky``. One sky is in memory at a time.

    Raises
    ------
    InputError
        As ``cut_sky``.

    Warns
    -----
    UserWarning
        The pixels of the patches are smaller than those of the sky.
    """
    _healpy()  # raises InputError before any file is read
    paths = map_files(path)
    mask = read_sky_mask(cut.mask, ordering=cut.ordering) if cut.mask else None
    first = _read(paths[0], cut, mask)
    if cut.sampling == "mean" and cut.pixel_arcmin < _resolution(first):
        warnings.warn(
            f"The pixels of the patches, {cut.pixel_arcmin:.2g} arcmin, are smaller than those of "
            f"the sky, {_resolution(first):.2g} arcmin: choose larger ones, or interpolate",
            stacklevel=2,
        )
    centres = _complete(first, cut)
    del first  # it is read again when it is cut: skies are large
    map_id = np.repeat(np.arange(len(paths)), len(centres))
    drawn = _patches(paths, centres, mask, cut, quiet=quiet)
    constant = {name: np.full(len(map_id), value) for name, value in (parameters or {}).items()}
    return MapStream(
        len(map_id),
        cut.pixels,
        cut.pixel_arcmin,
        drawn,
        constant,
        map_id,
        quantity_of(cut.field),
    )


def _healpy() -> Any:
    try:
        import healpy
    except ImportError as error:
        raise InputError(
            f"healpy is not installed ({error}); pip install 'cosmogan_k3[healpix]'"
        ) from error
    return healpy


def _resolution(sky: FullSky) -> float:
    """Return the side of a pixel of a sky in arcmin."""
    return float(_healpy().nside2resol(sky.nside, arcmin=True))


def _read(path: Path, cut: SkyCut, mask: FullSky | None) -> FullSky:
    """Read a sky; masked pixels are missing."""
    sky = read_sky(path, field=cut.field, ordering=cut.ordering, external=cut.external)
    if mask is not None:
        sky = replace(sky, pixels=sky.pixels * _in_order_of(sky, mask, cut.mask))
    if np.isnan(sky.pixels).all():
        raise InputError(f"{path}: every pixel of the sky is missing or masked")
    if (value := np.nanmin(sky.pixels)) == np.nanmax(sky.pixels):
        raise InputError(f"{path}: the sky is constant where observed, {value:g} everywhere")
    if cut.subtract_mean:
        sky = replace(sky, pixels=sky.pixels - np.float32(np.nanmean(sky.pixels, dtype=np.float64)))
    return sky


def _in_order_of(sky: FullSky, mask: FullSky, path: str) -> NDArray[np.float32]:
    """Return the pixels of a mask in the order of those of a sky."""
    if mask.nside != sky.nside:
        raise InputError(
            f"{path}: the mask has nside {mask.nside}, the sky {sky.nside}", parameter="mask"
        )
    if mask.nested == sky.nested:
        return mask.pixels
    return _healpy().reorder(mask.pixels, **({"n2r": True} if mask.nested else {"r2n": True}))


def _complete(sky: FullSky, cut: SkyCut) -> FloatArray:
    """Return the centres of the patches without missing pixels."""
    centres = tile_sky(cut.field_deg)
    if not np.isnan(sky.pixels).any():
        return centres
    complete = [bool(np.isfinite(_patch(sky, centre, cut)).all()) for centre in centres]
    if not any(complete):
        raise InputError(
            f"no patch of {cut.field_deg:g} degrees is without missing or masked pixels; choose a "
            "smaller one",
            parameter="field_deg",
        )
    return centres[complete]


def _patches(
    paths: Sequence[Path],
    centres: FloatArray,
    mask: FullSky | None,
    cut: SkyCut,
    *,
    quiet: bool,
) -> Iterator[Maps]:
    """Iterate over the patches of all skies in blocks; all skies need the pixels of the first."""
    step = max(1, min(BLOCK, _BLOCK_PIXELS // cut.pixels**2))
    total = len(paths) * len(centres)
    with tqdm(total=total, desc="cutting", unit="map", disable=quiet or None) as bar:
        for path in paths:
            sky = _read(path, cut, mask)
            for start in range(0, len(centres), step):
                chosen = centres[start : start + step]
                block = np.stack([_patch(sky, centre, cut) for centre in chosen])
                if np.isnan(block).any():
                    raise InputError(
                        f"{path}: pixels are missing that {paths[0]} has; give a mask of the "
                        "pixels that all skies have",
                        parameter="mask",
                    )
                yield block
                bar.update(len(block))
            del sky  # before the next one is read


def _patch(sky: FullSky, centre: FloatArray, cut: SkyCut) -> Maps:
    """Return one patch, shape (N, N); NaN where a pixel of the sky is missing."""
    points = 1
    if cut.sampling == "mean":
        wanted = int(np.ceil(_POINTS_PER_PIXEL * cut.pixel_arcmin / _resolution(sky)))
        points = max(_FEWEST_POINTS, wanted)
    side = cut.pixels * points
    axis = np.deg2rad(cut.field_deg) * ((np.arange(side) + 0.5) / side - 0.5)
    rows = max(1, _POINTS // (side * points))  # of flat pixels at a time
    patch = np.empty((cut.pixels, cut.pixels), np.float32)
    for start in range(0, cut.pixels, rows):
        stop = min(start + rows, cut.pixels)
        y, x = np.meshgrid(axis[start * points : stop * points], axis, indexing="ij")
        values = _values(sky, gnomonic_directions(x, y, centre), cut.sampling)
        cells = values.reshape(stop - start, points, cut.pixels, points)
        patch[start:stop] = cells.mean(axis=(1, 3), dtype=np.float64)
    return patch


def _values(sky: FullSky, directions: FloatArray, sampling: str) -> Any:
    """Return the values of a sky in given directions, shape (3, n, m) to (n, m)."""
    healpy = _healpy()
    if sampling == "mean":
        return sky.pixels[healpy.vec2pix(sky.nside, *directions, nest=sky.nested)]
    theta, phi = healpy.vec2ang(np.moveaxis(directions, 0, -1).reshape(-1, 3))
    values = healpy.get_interp_val(sky.pixels, theta, phi, nest=sky.nested)
    return values.reshape(directions.shape[1:])
