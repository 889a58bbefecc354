"""HDF5 files (``.h5``, ``.hdf5``), which hold maps, pixel size, identities and parameters."""

from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps, name_of_maps, number


def open_hdf5(path: Path) -> MapFile:
    """Open an HDF5 file; its maps are read when indexed.

    Parameters
    ----------
    path : Path

    Returns
    -------
    MapFile
        Maps from the data set "kappa" or the only one with two or three axes. The attribute
        ``pixel_arcmin`` of the data set or the file, the data set "map_id" and the group
        "parameters" are optional.

    Examples
    --------
    >>> import tempfile, h5py
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(folder + "/a.h5", "w") as file:
    ...         file["kappa"], file.attrs["pixel_arcmin"] = np.zeros((2, 8, 8)), 1.5
    ...     open_hdf5(Path(folder) / "a.h5").pixel_arcmin
    1.5
    """
    import h5py

    file = h5py.File(path, "r")  # stays open: the maps are read from it later
    try:
        return _contents(file, path)
    except BaseException:
        file.close()
        raise


def _contents(file: Any, path: Path) -> MapFile:
    import h5py

    datasets = {name: item.ndim for name, item in file.items() if isinstance(item, h5py.Dataset)}
    kappa = file[name_of_maps(datasets, path)]
    parameters = file.get("parameters")
    return MapFile(
        kappa,
        number(kappa.attrs.get("pixel_arcmin", file.attrs.get("pixel_arcmin"))),
        file["map_id"][:] if "map_id" in file else None,
        {name: item[()] for name, item in parameters.items() if isinstance(item, h5py.Dataset)}
        if isinstance(parameters, h5py.Group)
        else {},
    )


def write_hdf5(path: Path, maps: WritableMaps) -> None:
    """Write maps, pixel size, identities and parameters to an HDF5 file.

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
    ...     path = Path(folder) / "maps.h5"
    ...     write_hdf5(path, MapSet(np.zeros((2, 8, 8), "float32"), pixel_arcmin=1.5))
    ...     open_hdf5(path).array.shape
    (2, 8, 8)
    """
    import h5py

    with h5py.File(path, "w") as file:
        kappa = file.create_dataset(
            "kappa", shape=(len(maps), maps.pixels, maps.pixels), dtype=np.float32
        )
        kappa.attrs["pixel_arcmin"] = maps.pixel_arcmin
        written = 0
        for block in maps.blocks():
            kappa[written : written + len(block)] = block
            written += len(block)
        file["map_id"] = maps.map_id
        for name, values in maps.parameters.items():
            file[f"parameters/{name}"] = values
