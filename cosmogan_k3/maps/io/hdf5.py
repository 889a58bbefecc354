"""HDF5 files (``.h5``, ``.hdf5``), which hold maps, pixel size, identities and parameters."""

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3._typing import MapArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import BY_NAME, Request
from cosmogan_k3.maps.io.hdf5_storage import check_length, check_stored
from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps, number

_PARAMETERS = "parameters/"
_CHUNK_ROWS = 256  # a checksum covers so many rows of a map


@dataclass(frozen=True)
class Hdf5Array:
    """A data set in an HDF5 file.

    Parameters
    ----------
    path : Path
    name : str
    shape : tuple of int
    dtype : numpy.dtype
    external : bool, default False
        Whether its data may lie in other files. These may change when this one does not: they are
        checked at each reading.

    Examples
    --------
    >>> Hdf5Array(Path("maps.h5"), "kappa", (2, 8, 8), np.dtype("f4")).name
    'kappa'
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    external: bool = False

    @contextlib.contextmanager
    def opened(self) -> Iterator[MapArray]:
        """Open the file, and yield the data set."""
        import h5py

        with h5py.File(self.path, "r") as file:
            dataset = file[self.name]
            if self.external:
                check_stored(self.path, dataset, external=True)
            yield dataset


def open_hdf5(path: Path, request: Request = BY_NAME) -> MapFile:
    """Read the structure of an HDF5 file; maps are read when they are indexed.

    Parameters
    ----------
    path : Path
    request : Request, optional
        Which data set to read, named by its path in the file: "kappa/zs1".

    Returns
    -------
    MapFile
        ``pixel_arcmin`` is an attribute of the data set, of its group or of the file, or a data
        set. The data set "map_id" and the group "parameters" are optional.

    Raises
    ------
    ValueError
        Data that were never written, that are missing or that lie in other files.

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

    with h5py.File(path, "r") as file:
        check_length(path)
        items = _items(file, external=request.external)
        maps = {name: item for name, item in items.items() if not _is_metadata(name)}
        # What lies behind a link that is not followed may be what is meant.
        name = request.pick({name: getattr(item, "ndim", 3) for name, item in maps.items()}, path)
        stored = functools.partial(_stored, path, items, external=request.external)
        kappa = stored(name)
        return MapFile(
            kappa,
            name,
            pixel_arcmin=_pixel_arcmin(items[name], items.get("pixel_arcmin")),
            map_id=stored("map_id") if "map_id" in items else None,
            parameters={
                each.removeprefix(_PARAMETERS): stored(each)
                for each in items
                if each.startswith(_PARAMETERS)
            },
        )


def _is_metadata(name: str) -> bool:
    return name in ("map_id", "parameters", "pixel_arcmin") or name.startswith(_PARAMETERS)


def _items(file: Any, *, external: bool) -> dict[str, Any]:
    """Return data sets, and links to other files that are not followed, by their paths.

    Soft links are left out: within a file they lead to what has a path of its own.
    """
    import h5py

    items: dict[str, Any] = {}
    groups, seen = [("", file)], set()
    while groups:
        prefix, group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
                continue
            item = link
            if external or not isinstance(link, h5py.ExternalLink):
                item = group[name]
            if isinstance(item, (h5py.Dataset, h5py.ExternalLink)):
                items[prefix + name] = item
            elif isinstance(item, h5py.Group) and item.id not in seen:
                seen.add(item.id)  # groups can hold each other
                groups.append((f"{prefix}{name}/", item))
    return items


def _stored(path: Path, items: dict[str, Any], name: str, *, external: bool) -> Hdf5Array:
    """Return a data set once it is known that all of its data are there."""
    import h5py

    item = items[name]
    if isinstance(item, h5py.ExternalLink):
        raise InputError(
            f"{path}: {name!r} is a link to another file, {item.filename}; if you trust both, "
            "allow external data",
            parameter="external",
        )
    check_stored(path, item, external=external)
    return Hdf5Array(path, name, item.shape, item.dtype, external)


def _pixel_arcmin(kappa: Any, own: Any) -> float | None:
    """Return the pixel size that attributes or a data set give; they must agree."""
    import h5py

    holders = (kappa, kappa.parent, kappa.file)
    sizes = [each.attrs["pixel_arcmin"] for each in holders if "pixel_arcmin" in each.attrs]
    if isinstance(own, h5py.Dataset) and own.size == 1:
        sizes.append(own[()])
    found = np.unique([number(size) for size in sizes]).tolist()  # NaN once
    if len(found) > 1:
        raise ValueError(f"gives different values of pixel_arcmin: {found}")
    return found[0] if found else None


def write_hdf5(path: Path, maps: WritableMaps) -> None:
    """Write maps, pixel size, identities and parameters to an HDF5 file, with checksums.

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
    with _create(path) as file:
        stored = file.create_dataset(
            maps.quantity,
            shape=(len(maps), maps.pixels, maps.pixels),
            dtype=np.float32,
            chunks=(1, min(maps.pixels, _CHUNK_ROWS), maps.pixels),
            fletcher32=True,
        )
        stored.attrs["pixel_arcmin"] = maps.pixel_arcmin
        written = 0
        for block in maps.blocks():
            stored[written : written + len(block)] = block
            written += len(block)
        file.create_dataset("map_id", data=maps.map_id, chunks=True, fletcher32=True)
        if maps.parameters:
            _create_group(file, _PARAMETERS.rstrip("/"))
        for name, values in maps.parameters.items():
            file.create_dataset(f"{_PARAMETERS}{name}", data=values, chunks=True, fletcher32=True)


def _create(path: Path) -> Any:
    """Create a file in a version of HDF5 that has checksums for all but the data.

    Equal maps give equal bytes: no times are stored. Chunks do not wait in a cache, since HDF5
    crashes if they cannot be written when the file is closed.
    """
    import h5py
    from h5py import h5f, h5p

    creation, access = h5p.create(h5p.FILE_CREATE), h5p.create(h5p.FILE_ACCESS)
    creation.set_obj_track_times(False)
    access.set_libver_bounds(h5f.LIBVER_V110, h5f.LIBVER_V110)
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    elements, slots, _, preemption = access.get_cache()
    access.set_cache(elements, slots, 0, preemption)
    return h5py.File(h5f.create(os.fsencode(path), h5f.ACC_TRUNC, creation, access))


def _create_group(file: Any, name: str) -> None:
    """Create a group without times."""
    from h5py import h5g, h5p

    properties = h5p.create(h5p.GROUP_CREATE)
    properties.set_obj_track_times(False)
    h5g.create(file.id, name.encode(), gcpl=properties)
