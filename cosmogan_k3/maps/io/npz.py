"""NumPy archives (``.npz``), which hold maps, pixel size, identities and parameters."""

import zipfile
from pathlib import Path

import numpy as np

from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps, name_of_maps, number
from cosmogan_k3.maps.io.npy import write_npy_array

_PREFIX = "parameter_"


def open_npz(path: Path) -> MapFile:
    """Read an npz archive into memory.

    Parameters
    ----------
    path : Path

    Returns
    -------
    MapFile
        Maps from the array "kappa" or the only one with two or three axes. "pixel_arcmin" and
        "map_id" are optional; an array "parameter_x" holds the parameter "x".

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/a.npz", kappa=np.zeros((2, 8, 8)), parameter_h=[0.6, 0.7])
    ...     open_npz(Path(folder) / "a.npz").parameters["h"].tolist()
    [0.6, 0.7]
    """
    # NumPy would leave a truncated archive's file open, so it is opened here.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        contents = {name: archive[name] for name in archive.files}
    # NumPy returns members that are not npy files as bytes.
    arrays = {name: item for name, item in contents.items() if isinstance(item, np.ndarray)}
    return MapFile(
        arrays[name_of_maps({name: array.ndim for name, array in arrays.items()}, path)],
        number(arrays.get("pixel_arcmin")),
        arrays.get("map_id"),
        {n.removeprefix(_PREFIX): arrays[n] for n in arrays if n.startswith(_PREFIX)},
    )


def write_npz(path: Path, maps: WritableMaps) -> None:
    """Write maps, pixel size, identities and parameters to an npz archive, uncompressed.

    Parameters
    ----------
    path : Path
    maps : MapSet or MapStream
        Its maps are written one block at a time.

    Examples
    --------
    >>> import tempfile
    >>> from cosmogan_k3.maps import MapSet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "maps.npz"
    ...     write_npz(path, MapSet(np.zeros((2, 8, 8), "float32"), pixel_arcmin=1.5))
    ...     open_npz(path).array.shape
    (2, 8, 8)
    """
    rest = {"pixel_arcmin": maps.pixel_arcmin, "map_id": maps.map_id}
    rest |= {f"{_PREFIX}{name}": values for name, values in maps.parameters.items()}
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("kappa.npy", "w", force_zip64=True) as file:
            write_npy_array(file, maps)
        for name, values in rest.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)
