"""Read maps and masks from files, and maps from folders of files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosmogan_k3._typing import FloatArray, IntArray, Mask, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.formats import FORMATS
from cosmogan_k3.maps.io.open import open_file, open_maps
from cosmogan_k3.maps.mapset import MapSet
from cosmogan_k3.maps.patch_table import PatchTable


def read_maps(
    path: PathLike, *, pixels: int | None = None, pixel_arcmin: float | None = None
) -> MapSet:
    """Read convergence maps from a file or from a folder of files.

    Parameters
    ----------
    path : str or Path
        A file that ends in npy, npz, fits, fit, h5 or hdf5, or a folder of such files, which are
        read in the order of their names.
    pixels : int, optional
        Side of the patches that larger maps are cut into; by default the side of the maps. Pixels
        at the lower and right edges that do not fill a patch are left out.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; it overrides the value in the files.

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
    files = [_summarize(file) for file in _files(Path(path))]
    side = pixels or files[0].side
    tables, map_ids, parameters = [], [], []
    first_id = 0
    for number, file in enumerate(files):
        table = _cut(file, number, side, exact=pixels is None)
        of_map = table[:, 1]
        tables.append(table)
        map_ids.append(first_id + file.map_id[of_map])
        parameters.append({name: values[of_map] for name, values in file.parameters.items()})
        first_id += int(file.map_id.max()) + 1
    shared = set.intersection(*(set(p) for p in parameters))
    paths = tuple(str(file.path.absolute()) for file in files)
    return MapSet(
        PatchTable(paths, np.concatenate(tables), side),
        pixel_arcmin or _common_pixel_size(files),
        np.concatenate(map_ids),
        {name: np.concatenate([p[name] for p in parameters]) for name in sorted(shared)},
    )


def _files(path: Path) -> list[Path]:
    """Return the file itself, or the files of a folder that have a known ending."""
    if not path.is_dir():
        return [path]
    # Hidden files are still being written, or were left by a process that was killed.
    files = sorted(
        p for p in path.iterdir() if p.suffix.lower() in FORMATS and not p.name.startswith(".")
    )
    if not files:
        raise InputError(
            f"{path}: no maps in this folder; expected files ending in {', '.join(FORMATS)}"
        )
    return files


@dataclass(frozen=True)
class _FileSummary:
    """Everything about a file but its pixels, small enough to keep for thousands of files."""

    path: Path
    count: int
    side: int
    pixel_arcmin: float | None
    map_id: IntArray  # (count,), numbered from 0
    parameters: dict[str, FloatArray]  # name to (count,)


def _summarize(path: Path) -> _FileSummary:
    opened = open_maps(path)
    count = 1 if opened.array.ndim == 2 else len(opened.array)
    if opened.map_id is None:
        map_id = np.arange(count)
    elif np.shape(opened.map_id) != (count,):
        raise InputError(
            f"{path}: map_id needs one value a map, {count}. "
            f"Received: shape {np.shape(opened.map_id)}"
        )
    else:
        map_id = np.unique(opened.map_id, return_inverse=True)[1]
    parameters = {}
    for name, stored in opened.parameters.items():
        values = np.asarray(stored)
        if values.shape != (count,):
            continue  # not a parameter of each map
        if values.dtype.kind not in "biuf":
            raise InputError(
                f"{path}: the parameter {name!r} must be numbers. Received: dtype {values.dtype}"
            )
        parameters[name] = values.astype(np.float64)
    side = opened.array.shape[-1]
    return _FileSummary(path, count, side, opened.pixel_arcmin, map_id, parameters)


def _cut(file: _FileSummary, number: int, side: int, *, exact: bool) -> IntArray:
    """Return file, map, first row and first column of each patch of a file, shape (n, 4)."""
    if exact and file.side != side:
        raise InputError(
            f"{file.path}: maps of {file.side} pixels beside maps of {side}; "
            "give pixels, the side of the patches to cut"
        )
    per_side = file.side // side
    if not per_side:
        raise InputError(
            f"{file.path}: a patch of {side} pixels is larger than its maps of {file.side}"
        )
    corners = np.arange(per_side) * side
    maps, rows, columns = (
        grid.ravel() for grid in np.meshgrid(np.arange(file.count), corners, corners, indexing="ij")
    )
    return np.column_stack([np.full(len(maps), number), maps, rows, columns])


def _common_pixel_size(files: Sequence[_FileSummary]) -> float:
    """Return the pixel size in arcmin that all files hold."""
    sizes = {file.pixel_arcmin and round(file.pixel_arcmin, 9) for file in files}
    if len(sizes) != 1:
        raise InputError(
            f"{files[0].path.parent}: files with different pixel sizes, "
            f"{sorted(sizes, key=str)} arcmin"
        )
    size = files[0].pixel_arcmin
    if size is None:
        raise InputError(
            f"{files[0].path}: does not say how large its pixels are; give pixel_arcmin",
            parameter="pixel_arcmin",
        )
    if not 0 < size < np.inf:
        raise InputError(
            f"{files[0].path}: expected a positive pixel size; give pixel_arcmin. "
            f"Received: {size} arcmin",
            parameter="pixel_arcmin",
        )
    return size


def read_mask(path: PathLike, *, pixels: int) -> Mask:
    """Read a mask from a file with one map of 0 and 1, or of booleans, 1 where observed.

    Parameters
    ----------
    path : str or Path
        File that ends in npy, npz, fits, fit, h5 or hdf5.
    pixels : int
        Side N of the maps that the mask is for.

    Returns
    -------
    bool array, shape (N, N)
        True where observed.

    Raises
    ------
    InputError
        A file that cannot be read, another shape, other values, or no observed pixel.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/mask.npy", np.array([[1, 1], [1, 0]]))
    ...     read_mask(folder + "/mask.npy", pixels=2).tolist()
    [[True, True], [True, False]]
    """
    mask = np.asarray(open_file(Path(path)).array)
    if mask.shape != (pixels, pixels):
        raise InputError(
            f"{path}: expected one mask for maps of {pixels} x {pixels} pixels. "
            f"Received: {mask.shape}"
        )
    if mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise InputError(
            f"{path}: expected a mask of 0 and 1, or of booleans. "
            f"Received: {mask.dtype} with other values"
        )
    if not mask.any():
        raise InputError(
            f"{path}: a mask must leave pixels to observe, 1 where observed. Received: 0 everywhere"
        )
    return mask.astype(bool)
