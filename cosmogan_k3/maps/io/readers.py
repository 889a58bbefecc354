"""Readers of npy, npz, FITS and HDF5 files, and of folders of them.

Nothing is unpickled. Files are opened when a map of theirs is asked for, memory-mapped where the format allows, and
at most ``_OPEN_FILES`` at a time.
"""

import functools
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.mapset import MapSet

_OPEN_FILES = 64
ARCMIN_PER_DEG = 60


@dataclass(frozen=True)
class MapFile:
    """An opened file: an array-like ``(n, rows, columns)`` and what the file says of it."""

    array: object
    pixel_arcmin: float | None = None
    map_id: np.ndarray | None = None
    parameters: dict = field(default_factory=dict)


def _open_npy(path):
    return MapFile(np.load(path, mmap_mode="r", allow_pickle=False))


def _open_npz(path):
    # Opened here: NumPy would leave a truncated archive's file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        names = archive.files
        arrays = {name: archive[name] for name in names}
    parameters = {
        n.removeprefix("parameter_"): arrays[n] for n in names if n.startswith("parameter_")
    }
    pixel = arrays.get("pixel_arcmin")
    return MapFile(
        arrays[_kappa_of({name: array.ndim for name, array in arrays.items()}, path)],
        None if pixel is None else float(pixel),
        arrays.get("map_id"),
        parameters,
    )


def _open_fits(path):
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("error", "File may have been truncated", AstropyUserWarning)
        with fits.open(path, memmap=True) as file:
            images = [
                (hdu.data, hdu.header) for hdu in file if hdu.is_image and hdu.data is not None
            ]
    if not images:
        raise InputError(f"{path}: no image in this FITS file")
    header = images[0][1]
    pixel = None
    if "ANGLE" in header:  # LensTools: side of the map in degrees
        pixel = float(header["ANGLE"]) * ARCMIN_PER_DEG / header["NAXIS1"]
    elif "CDELT1" in header:
        pixel = abs(float(header["CDELT1"])) * ARCMIN_PER_DEG
    if len(images) == 1:
        return MapFile(images[0][0], pixel)
    if len({(data.shape, data.ndim) for data, _ in images}) != 1 or images[0][0].ndim != 2:
        raise InputError(
            f"{path}: the images of this FITS file are not all two-dimensional and of one shape"
        )
    map_id = np.array([hdr.get("MAPID", i) for i, (_, hdr) in enumerate(images)])
    return MapFile(np.stack([data for data, _ in images]), pixel, map_id)


def _open_hdf5(path):
    import h5py

    file = h5py.File(path, "r")  # kept open: the data set reads from it
    datasets = {name: item.ndim for name, item in file.items() if isinstance(item, h5py.Dataset)}
    kappa = file[_kappa_of(datasets, path)]
    pixel = kappa.attrs.get("pixel_arcmin", file.attrs.get("pixel_arcmin"))
    parameters = (
        {name: item[:] for name, item in file["parameters"].items()} if "parameters" in file else {}
    )
    return MapFile(
        kappa,
        None if pixel is None else float(pixel),
        file["map_id"][:] if "map_id" in file else None,
        parameters,
    )


READERS = {
    ".npy": _open_npy,
    ".npz": _open_npz,
    ".fits": _open_fits,
    ".fit": _open_fits,
    ".h5": _open_hdf5,
    ".hdf5": _open_hdf5,
}


def _kappa_of(dimensions, path):
    """Name of the array of maps: "kappa", or the only one with two or three axes."""
    if "kappa" in dimensions:
        return "kappa"
    candidates = [name for name, ndim in dimensions.items() if ndim in (2, 3)]
    if len(candidates) != 1:
        raise InputError(
            f"{path}: expected an array named 'kappa', or just one with two or three axes. Received: "
            f"{', '.join(sorted(dimensions)) or 'no array'}"
        )
    return candidates[0]


def open_maps(path):
    """Open one file and check what can be checked without reading its pixels.

    Raises:
        InputError: missing, truncated or unknown file, pickled objects, or an array that is not (n, N, N) of floats.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: no such file")
    facts = Path(path).stat()
    return _open_version(str(path), facts.st_mtime_ns, facts.st_size, facts.st_ino)


@functools.lru_cache(maxsize=_OPEN_FILES)
def _open_version(path, *version):
    """Open a file; one that was rewritten has another ``version`` and is opened anew."""
    opened = _open_any(Path(path))
    array = opened.array
    if array.dtype.kind != "f":
        raise InputError(
            f"{path}: expected real floating-point maps. Received: dtype {array.dtype}"
        )
    if array.ndim not in (2, 3) or array.shape[-1] != array.shape[-2]:
        raise InputError(
            f"{path}: expected maps of shape (N, N) or (n, N, N). Received: shape {array.shape}"
        )
    if 0 in array.shape:
        raise InputError(f"{path}: holds no maps. Received: shape {array.shape}")
    return opened


def _open_any(path):
    """Open a file of any known kind, whatever it holds."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: unknown kind of file; expected one of {', '.join(READERS)}")
    if not path.exists():
        raise InputError(f"{path}: no such file")
    try:
        return reader(path)
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        UserWarning,
        zipfile.BadZipFile,
    ) as error:
        reason = one_line(error) or type(error).__name__
        raise InputError(f"{path}: cannot be read ({reason})") from error


def read_mask(path, *, pixels):
    """Read which pixels are observed from a file with one map of 0 and 1, or of booleans, 1 where observed.

    Args:
        path: file ending in npy, npz, fits, fit, h5 or hdf5.
        pixels: int, N, side of the maps that it is for.

    Returns:
        bool ``(N, N)``, True where observed.

    Raises:
        InputError: a file that cannot be read, another shape, other values, or no observed pixel.

    Example:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(folder + "/mask.npy", np.array([[1, 1], [1, 0]]))
        ...     read_mask(folder + "/mask.npy", pixels=2).tolist()
        [[True, True], [True, False]]
    """
    mask = np.asarray(_open_any(Path(path)).array)
    if mask.shape != (pixels, pixels):
        raise InputError(
            f"{path}: expected one mask for maps of {pixels} x {pixels} pixels. Received: {mask.shape}"
        )
    if not np.isin(mask, (0, 1)).all():
        raise InputError(
            f"{path}: expected a mask of 0 and 1, or of booleans. Received: {mask.dtype} with other values"
        )
    if not mask.any():
        raise InputError(
            f"{path}: a mask must leave pixels to observe, 1 where observed. Received: 0 everywhere"
        )
    return mask.astype(bool)


class PatchTable:
    """A virtual float32 array ``(n, N, N)`` of patches in files, read when they are asked for.

    Args:
        files: list of absolute paths: a process that stands in another folder may read the patches.
        table: int ``(n, 4)``: file, map, first row, first column of each patch.
        pixels: int, side of a patch.

    Supports ``len``, ``shape``, ``dtype``, ``np.asarray`` and indexing by an int, a slice or an integer array.
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(self, files, table, pixels):
        self.files = files
        self.table = table
        self.pixels = pixels

    @property
    def shape(self):
        return (len(self.table), self.pixels, self.pixels)

    def __len__(self):
        return len(self.table)

    def take(self, indices, axis=0):
        """As NumPy's, along the only axis there is a table of."""
        if axis != 0:
            raise ValueError(
                f"Only whole patches can be taken, along axis 0. Received: axis={axis}"
            )
        return PatchTable(self.files, self.table[indices], self.pixels)

    def name_of(self, index):
        file, number, row, column = self.table[index]
        return f"{self.files[file]}: map {number}, patch at row {row}, column {column}"

    def __getitem__(self, key):
        rows = np.atleast_2d(self.table[key])
        patches = np.empty((len(rows), self.pixels, self.pixels), np.float32)
        for i in np.lexsort(rows.T[::-1]):
            file, number, row, column = rows[i]
            array = open_maps(self.files[file]).array
            window = (slice(row, row + self.pixels), slice(column, column + self.pixels))
            patches[i] = array[window] if array.ndim == 2 else array[(number, *window)]
        return patches[0] if isinstance(key, (int, np.integer)) else patches

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)


def read_maps(path, *, pixels=None, pixel_arcmin=None):
    """Read convergence maps from a file or a folder of files.

    Args:
        path: a file (npy, npz, fits, fit, h5, hdf5), or a folder of them, read in the order of their names.
        pixels: int, side of the patches to cut larger maps into; the maps' own side where none is given. What does not
            fill a patch at the lower and right edges is left out.
        pixel_arcmin: float, side of a pixel where the files do not say; it overrides what they say.

    Returns:
        ``MapSet`` whose ``kappa`` reads from disk what is asked for. Patches of one map share its ``map_id``.

    Raises:
        InputError: anything that cannot be used, naming the file and the cause.

    Example:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(folder + "/maps.npy", np.zeros((3, 16, 16), "float32"))
        ...     maps = read_maps(folder, pixels=8, pixel_arcmin=1.0)
        ...     len(maps), maps.map_id.tolist()
        (12, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    """
    if pixels is not None and pixels < 1:
        raise InputError(f"pixels must be positive. Received: {pixels}")
    files = _files(Path(path))
    facts = [(file, _facts(open_maps(file))) for file in files]
    side = pixels or facts[0][1]["side"]
    tables, map_ids, parameters = [], [], []
    first_id = 0
    for number, (file, fact) in enumerate(facts):
        table, of_map = _cut(file, number, fact, side, exact=pixels is None)
        tables.append(table)
        map_ids.append(first_id + fact["map_id"][of_map])
        parameters.append({name: values[of_map] for name, values in fact["parameters"].items()})
        first_id += int(fact["map_id"].max()) + 1
    shared = set.intersection(*(set(p) for p in parameters))
    return MapSet(
        PatchTable([str(file.absolute()) for file in files], np.concatenate(tables), side),
        pixel_arcmin or _common_pixel(facts),
        np.concatenate(map_ids),
        {name: np.concatenate([p[name] for p in parameters]) for name in sorted(shared)},
    )


def _files(path):
    if not path.is_dir():
        return [path]
    # Hidden files are still being written, or were left by a process that was killed.
    files = sorted(
        p for p in path.iterdir() if p.suffix.lower() in READERS and not p.name.startswith(".")
    )
    if not files:
        raise InputError(
            f"{path}: no maps in this folder; expected files ending in {', '.join(READERS)}"
        )
    return files


def _facts(opened):
    """What the table of patches needs of a file, small enough to keep for thousands of them."""
    count = 1 if opened.array.ndim == 2 else len(opened.array)
    map_id = (
        np.arange(count)
        if opened.map_id is None
        else np.unique(opened.map_id, return_inverse=True)[1]
    )
    parameters = {
        name: np.asarray(v, float)
        for name, v in opened.parameters.items()
        if np.shape(v) == (count,)
    }
    return {
        "count": count,
        "side": opened.array.shape[-1],
        "pixel_arcmin": opened.pixel_arcmin,
        "map_id": map_id,
        "parameters": parameters,
    }


def _cut(file, number, fact, side, *, exact):
    if exact and fact["side"] != side:
        raise InputError(
            f"{file}: maps of {fact['side']} pixels beside maps of {side}; give the side of the patches to cut"
        )
    per_side = fact["side"] // side
    if not per_side:
        raise InputError(
            f"{file}: a patch of {side} pixels is larger than its maps of {fact['side']}"
        )
    corners = np.arange(per_side) * side
    maps, rows, columns = (
        g.ravel() for g in np.meshgrid(np.arange(fact["count"]), corners, corners, indexing="ij")
    )
    return np.column_stack([np.full(len(maps), number), maps, rows, columns]), maps


def _common_pixel(facts):
    sizes = {(None if f["pixel_arcmin"] is None else round(f["pixel_arcmin"], 9)) for _, f in facts}
    if len(sizes) != 1:
        raise InputError(
            f"{facts[0][0].parent}: files with different pixel sizes, {sorted(sizes, key=str)} arcmin"
        )
    if None in sizes:
        raise InputError(
            f"{facts[0][0]}: does not say how large its pixels are; give pixel_arcmin (--pixel-arcmin)"
        )
    return facts[0][1]["pixel_arcmin"]
