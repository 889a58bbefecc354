"""Whether all data of an HDF5 data set are stored; HDF5 reads what is missing as zeros."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.guard import check_inflated, version_of

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def check_length(path: Path) -> None:
    """Raise an error if a file is longer than its superblock says; HDF5 refuses shorter ones.

    Data that were shifted by what was inserted could be read as zeros, whose checksum is 0.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import h5py, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.h5"
    ...     h5py.File(path, "w").close()
    ...     check_length(path)
    ...     _ = path.write_bytes(path.read_bytes() + b"more")
    ...     check_length(path)
    Traceback (most recent call last):
    ValueError: the file has ... bytes, and not ... as when it was written
    """
    with path.open("rb") as file:
        block = file.read(64)
    if not block.startswith(_SIGNATURE):
        return  # the superblock comes after a block of the user's
    version = block[8]
    width, addresses = (block[9], 12) if version >= 2 else (block[13], 24 + 4 * version)
    end = addresses + 2 * width  # before it come two other addresses
    expected = int.from_bytes(block[end : end + width], "little")
    if (size := version_of(path)[2]) != expected:
        raise ValueError(f"the file has {size} bytes, and not {expected} as when it was written")


def check_stored(path: Path, dataset: Any, *, external: bool) -> None:
    """Raise an error unless all data of a data set are there, and in this file.

    Parameters
    ----------
    path : Path
        The file, for the message.
    dataset : h5py.Dataset
    external : bool
        Whether data may lie in other files; then these are checked as well.

    Raises
    ------
    InputError
        Data that lie in other files.
    ValueError
        Data that were never written or that are missing.

    Examples
    --------
    >>> import h5py
    >>> with h5py.File("part", "w", driver="core", backing_store=False) as file:
    ...     check_stored(Path("part"), file.create_dataset("kappa", (2, 8, 8)), external=False)
    Traceback (most recent call last):
    ValueError: 'kappa' was never written
    """
    name = dataset.name.lstrip("/")
    if (dataset.is_virtual or dataset.external) and not external:
        raise InputError(
            f"{path}: the data of {name!r} lie in other files; if you trust them, allow "
            "external data",
            parameter="external",
        )
    if not dataset.size:
        return
    if dataset.is_virtual:
        _check_sources(path, dataset)
    elif dataset.external:
        _check_lengths(dataset)
    elif dataset.chunks:
        _check_chunks(path, dataset)
    elif dataset.id.get_storage_size() < dataset.nbytes:
        raise ValueError(f"{name!r} was never written")


def _check_chunks(path: Path, dataset: Any) -> None:
    """Check the number of chunks, and their size before one is inflated."""
    expected = math.prod(
        -(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True)
    )
    written = dataset.id.get_num_chunks()
    if written != expected:
        raise ValueError(
            f"{dataset.name.lstrip('/')!r} is not complete: {written} of {expected} parts written"
        )
    size = max(dataset.nbytes, math.prod(dataset.chunks) * dataset.dtype.itemsize)
    check_inflated(path, size, version_of(dataset.file.filename)[2])


def _check_lengths(dataset: Any) -> None:
    """Check that the files of external storage, relative to this folder, are long enough."""
    held = 0
    for name, offset, size in dataset.external:
        length = version_of(name)[2] - offset
        if length < min(size, dataset.nbytes - held):
            raise ValueError(f"{name} is too short for its part of {dataset.name.lstrip('/')!r}")
        held += min(size, length)
    if held < dataset.nbytes:
        raise ValueError(f"the files of {dataset.name.lstrip('/')!r} are too short")


def _check_sources(path: Path, dataset: Any) -> None:
    """Check that the sources of a virtual data set are there, and that they cover it."""
    import h5py

    covered = 0
    for source in dataset.virtual_sources():
        other = path if source.file_name == "." else path.parent / source.file_name
        version_of(other)
        with h5py.File(other, "r") as file:
            if source.dset_name not in file:
                raise ValueError(f"{other} holds no data set {source.dset_name!r}")
            origin = file[source.dset_name]
            last = source.src_space.get_select_bounds()[1]
            if len(last) != origin.ndim or any(np.array(last) >= origin.shape):
                raise ValueError(
                    f"{source.dset_name!r} of {other} is too small. Received: shape {origin.shape}"
                )
            check_stored(other, origin, external=True)
        covered += source.vspace.get_select_npoints()
    if covered != dataset.size:
        raise ValueError(
            f"the sources of {dataset.name.lstrip('/')!r} hold {covered} of {dataset.size} pixels"
        )
