"""Read maps from files, and from folders of files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3._typing import FloatArray, IntArray, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import named_otherwise, quantity_of
from cosmogan_k3.maps.io.files import map_files
from cosmogan_k3.maps.io.guard import input_errors
from cosmogan_k3.maps.io.map_file import MapFile, read_whole
from cosmogan_k3.maps.io.open import MapSource, open_maps, reading
from cosmogan_k3.maps.io.tolerance import differ
from cosmogan_k3.maps.mapset import MapSet
from cosmogan_k3.maps.patch_table import PatchTable
from cosmogan_k3.maps.stream import LARGEST_FIELD_DEG
from cosmogan_k3.units import in_unit

_ARCMIN_PER_DEG = 60


def read_maps(
    path: PathLike,
    *,
    pixels: int | None = None,
    pixel_arcmin: Any = None,
    field: str = "",
    external: bool = False,
) -> MapSet:
    """Read convergence maps from a file or from a folder of files.

    Parameters
    ----------
    path : str or Path
        A file that ends in npy, npz, fits, fit, h5, hdf5 or dat, a folder of such files, or a
        pattern such as "run*/kappa23.dat". Files are read in the order of their names.
    pixels : int, optional
        Side of the patches that larger maps are cut into; by default the side of the maps. Pixels
        at the lower and right edges that do not fill a patch are left out.
    pixel_arcmin : float or astropy.units.Quantity, optional
        Side of a pixel in arcmin, for files that do not hold it.
    field : str, default ""
        Name of the array in the files, such as "kappa_z1", "kappa/zs1" or the name or number of a
        FITS image. By default "kappa", "convergence" or the only array of such a name.
    external : bool, default False
        Whether HDF5 files may take data from other files: by external links, virtual data sets or
        external storage. Such a file can name any file of the machine.

    Returns
    -------
    MapSet
        Its ``kappa`` is read from disk when it is indexed. Patches of one map share its ``map_id``.

    Raises
    ------
    InputError
        Input that cannot be used; the message names the file and the cause.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/maps.npy", np.zeros((3, 16, 16), "float32"))
    ...     maps = read_maps(folder, pixels=8, pixel_arcmin=1.0)
    ...     len(maps), maps.map_id.tolist()
    (12, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    """
    if pixels is not None and pixels < 1:
        raise InputError(f"pixels must be positive. Received: {pixels}", parameter="pixels")
    sources = (MapSource.of(file, field=field, external=external) for file in map_files(path))
    files = [_summarize(source) for source in sources]
    size = _pixel_size(files, pixel_arcmin)
    side = pixels or files[0].side
    tables = [_cut(file, i, side, exact=pixels is None) for i, file in enumerate(files)]
    of_map = [table[:, 1] for table in tables]
    map_ids = [ids[of] for ids, of in zip(_identities(files), of_map, strict=True)]
    shared = set.intersection(*(set(file.parameters) for file in files))
    return MapSet(
        PatchTable(tuple(file.source for file in files), np.concatenate(tables), side),
        size,
        np.concatenate(map_ids),
        {
            name: np.concatenate(
                [file.parameters[name][of] for file, of in zip(files, of_map, strict=True)]
            )
            for name in sorted(shared)
        },
        quantity_of(files[0].source.field),
    )


@dataclass(frozen=True)
class _FileSummary:
    """Everything about a file but its pixels, small enough to keep for thousands of files."""

    source: MapSource
    count: int
    side: int
    pixel_arcmin: float | None
    no_pixel_size: str  # why the size in the file cannot be used
    map_id: IntArray  # (count,)
    shared_ids: bool  # whether map_id means the same in all files
    parameters: dict[str, FloatArray]  # name to (count,)

    @property
    def path(self) -> str:
        return self.source.path


def _summarize(source: MapSource) -> _FileSummary:
    opened = open_maps(source)
    source = replace(source, field=opened.name)
    with input_errors(source.path):
        opened.verify()
        count = 1 if len(opened.array.shape) == 2 else opened.array.shape[0]
        map_id, parameters = _map_id(source.path, opened, count), _parameters(opened, count)
    _check_no_mask(source)
    return _FileSummary(
        source,
        count,
        opened.array.shape[-1],
        opened.pixel_arcmin,
        opened.no_pixel_size,
        map_id,
        opened.shared_ids and opened.map_id is not None,
        parameters,
    )


def _map_id(path: str, opened: MapFile, count: int) -> IntArray:
    """Return the number of each map, as the file has it; by default from 0 on."""
    if opened.map_id is None:
        return np.arange(count)
    if opened.map_id.shape != (count,):
        raise InputError(
            f"{path}: map_id needs one value a map, {count}. Received: shape {opened.map_id.shape}"
        )
    values = read_whole(opened.map_id)
    return values if opened.shared_ids else np.unique(values, return_inverse=True)[1]


def _parameters(opened: MapFile, count: int) -> dict[str, FloatArray]:
    """Return the parameters of each map; other arrays are left out."""
    parameters = {}
    for name, stored in opened.parameters.items():
        if stored.shape == (count,):
            if stored.dtype.kind not in "biuf":
                raise ValueError(
                    f"the parameter {name!r} must be numbers. Received: dtype {stored.dtype}"
                )
            parameters[name] = read_whole(stored).astype(np.float64)
    return parameters


def _check_no_mask(source: MapSource) -> None:
    """Refuse a file whose name or first map says that it holds no convergence.

    An array that was asked for, or that is named as convergence, is taken whatever the file is
    named. Of the first map one row is read, and all of it only if this row is that of a mask.
    """
    path = Path(source.path)
    if not source.field and named_otherwise(path.name.partition(".")[0]):
        raise InputError(
            f"{path}: by its name it holds no convergence; move it out of the folder of maps, or "
            "rename it if it does"
        )
    with reading(source) as maps:
        first = (0,) * (maps.ndim - 2)
        row = np.asarray(maps[(*first, maps.shape[-1] // 2)])
        if _only_0_and_1(row):
            first_map = np.asarray(maps[(*first, slice(None))])
            if _only_0_and_1(first_map) and np.ptp(first_map) == 1:
                raise InputError(
                    f"{path}: holds only 0 and 1, as a mask does; move it out of the folder of "
                    "maps, or name it as the mask"
                )


def _only_0_and_1(pixels: Any) -> bool:
    return bool(np.isin(pixels, (0, 1)).all())


def _identities(files: Sequence[_FileSummary]) -> list[IntArray]:
    """Return the identities of the maps of each file, numbered through all files.

    Equal identities in two files are two maps, unless the files share their identities.
    """
    shared: dict[int, int] = {}
    identities, first = [], 0
    for file in files:
        if file.shared_ids:
            ids = np.array([shared.setdefault(int(i), first) for i in file.map_id])
        else:
            ids = first + file.map_id
        identities.append(ids)
        first = max(first, int(ids.max()) + 1)
    return identities


def _cut(file: _FileSummary, number: int, side: int, *, exact: bool) -> IntArray:
    """Return file, map, first row and first column of each patch of a file, shape (n, 4)."""
    if exact and file.side != side:
        raise InputError(
            f"{file.path}: maps of {file.side} pixels beside maps of {side}; "
            "give pixels, the side of the patches to cut",
            parameter="pixels",
        )
    per_side = file.side // side
    if not per_side:
        raise InputError(
            f"{file.path}: a patch of {side} pixels is larger than its maps of {file.side}",
            parameter="pixels",
        )
    corners = np.arange(per_side) * side
    maps, rows, columns = (
        grid.ravel() for grid in np.meshgrid(np.arange(file.count), corners, corners, indexing="ij")
    )
    return np.column_stack([np.full(len(maps), number), maps, rows, columns])


def _pixel_size(files: Sequence[_FileSummary], given: Any) -> float:
    """Return the pixel size in arcmin that all files have; ``given`` fills what they do not say."""
    size = None if given is None else in_unit(given, "arcmin", "pixel_arcmin")
    origin = "pixel_arcmin gives"
    if size is not None:
        _check_positive("pixel_arcmin", size)
    for file in files:
        own = file.pixel_arcmin
        if own is None:
            if given is None:
                reason = file.no_pixel_size or "does not say how large its pixels are"
                raise InputError(
                    f"{file.path}: {reason}; give pixel_arcmin", parameter="pixel_arcmin"
                )
            continue
        _check_positive(file.path, own)
        if (field := own * file.side / _ARCMIN_PER_DEG) > LARGEST_FIELD_DEG:
            raise InputError(
                f"{file.path}: its maps would be {field:g} degrees wide; flat maps have "
                f"{LARGEST_FIELD_DEG} degrees at most"
            )
        if size is not None and differ(own, size):
            raise InputError(
                f"{file.path}: different pixel sizes: {own:g} arcmin in the file, and {origin} "
                f"{size:g} arcmin",
                parameter="" if given is None else "pixel_arcmin",
            )
        size, origin = own, f"{file.path} has"
    assert size is not None
    return size


def _check_positive(origin: str, size: float) -> None:
    """Refuse a size that is given, or that a file has."""
    if not 0 < size < np.inf:
        given = origin == "pixel_arcmin"
        raise InputError(
            f"{origin}: expected a positive pixel size. Received: {size} arcmin"
            + ("" if given else "; correct it in the file"),
            parameter=origin if given else "",
        )
