"""NumPy archives (``.npz``), which hold maps, pixel size, identities and parameters."""

import contextlib
import functools
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3.maps.io.choice import BY_NAME, Request
from cosmogan_k3.maps.io.guard import Version, check_inflated, version_of
from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps, number, read_whole
from cosmogan_k3.maps.io.npy import npy_array, write_npy_array
from cosmogan_k3.maps.io.stored import InflatedArray, RawArray, StoredArray, mapped

_PREFIX = "parameter_"
_ARCMIN_PER_DEG = 60
_ENDING = ".npy"
_LOCAL_HEADER = 30  # bytes before the name of a member; its last four hold two lengths
_MEMBER = b"PK\x03\x04"  # the bytes that a member begins with
_BLOCK = 2**20  # bytes read at a time to verify a checksum


def open_npz(path: Path, request: Request = BY_NAME) -> MapFile:
    """Open an npz archive.

    Maps that are not compressed are memory-mapped when pixels are read; compressed ones are read
    whole. Members that are not used are not read.

    Parameters
    ----------
    path : Path
    request : Request, optional
        Which array to read.

    Returns
    -------
    MapFile
        "pixel_arcmin" and "map_id" are optional; an array "parameter_x" holds the parameter "x".
        "angle_deg", the side of a map in degrees, is read where LensTools wrote it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/a.npz", kappa=np.zeros((2, 8, 8)), parameter_h=[0.6, 0.7])
    ...     file = open_npz(Path(folder) / "a.npz")
    ...     file.name, read_whole(file.parameters["h"]).tolist()
    ('kappa', [0.6, 0.7])
    """
    version = version_of(path)
    with zipfile.ZipFile(path) as archive:
        _check_directory(path, archive)
        members = _members(archive)
        arrays = {name: _array(path, version, archive, member) for name, member in members.items()}
    maps = {name: array for name, array in arrays.items() if not _is_metadata(name)}
    chosen = request.pick({name: len(array.shape) for name, array in maps.items()}, path)
    return MapFile(
        arrays[chosen],
        chosen,
        pixel_arcmin=_pixel_arcmin(arrays, arrays[chosen].shape[-1:]),
        map_id=arrays.get("map_id"),
        parameters={n.removeprefix(_PREFIX): arrays[n] for n in arrays if n.startswith(_PREFIX)},
        verify=functools.partial(_verify, path, members[chosen]),
    )


def _is_metadata(name: str) -> bool:
    return name in ("pixel_arcmin", "angle_deg", "map_id") or name.startswith(_PREFIX)


def _pixel_arcmin(arrays: dict[str, StoredArray], side: tuple[int, ...]) -> float | None:
    """Return the pixel size that an archive holds, or that the side of its maps gives."""
    for name in ("pixel_arcmin", "angle_deg"):
        if name in arrays:
            if arrays[name].shape not in ((), (1,)):
                raise ValueError(f"{name} must be one number. Received: shape {arrays[name].shape}")
            size = number(read_whole(arrays[name]))
            assert size is not None
            return size if name == "pixel_arcmin" else size * _ARCMIN_PER_DEG / max(*side, 1)
    return None


def _check_directory(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise an error unless the directory lists all members of the file, by their own names.

    The directory has no checksum: a damaged name would leave a member out in silence.
    """
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    ends = [_start(path, member) + member.compress_size for member in members]
    nexts = [*(member.header_offset for member in members), archive.start_dir][1:]
    if members and members[0].header_offset:
        raise ValueError("the archive begins after other bytes; is it two files in one?")
    for member, end, following in zip(members, ends, nexts, strict=True):
        archive.open(member).close()  # compares the names
        with path.open("rb") as file:
            file.seek(end)
            # A member can be followed by its lengths and checksum, of at most 24 bytes.
            between = file.read(max(0, min(following - end, 64)))
        if following < end or _MEMBER in between:
            raise ValueError("the directory of the archive does not fit to its members")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members that are arrays, by the names of the arrays."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.filename.endswith(_ENDING):
            name = member.filename.removesuffix(_ENDING)
            if name in members:
                raise ValueError(f"holds two arrays named {name!r}")
            members[name] = member
    return members


def _array(
    path: Path, version: Version, archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> StoredArray:
    """Read the header of a member; the array that is returned reads its numbers."""
    check_inflated(path, member.file_size, version[2])
    with archive.open(member) as file:
        if member.compress_type != zipfile.ZIP_STORED:
            array = npy_array(file, 0, member.file_size, contextlib.nullcontext)
            arguments = (path, version, member.filename)
            return InflatedArray(array.shape, array.stored, _inflate, arguments)
        start = _start(path, member)
        if start + member.file_size > version[2]:
            raise ValueError(f"{member.filename} does not end before the end of the file")
        return npy_array(file, start, member.file_size, functools.partial(mapped, path))


def _start(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where the data of a member begin in the file."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        lengths = struct.unpack("<HH", file.read(_LOCAL_HEADER)[-4:])
    return member.header_offset + _LOCAL_HEADER + sum(lengths)


def _inflate(path: Path, version: Version, name: str) -> NDArray[Any]:
    """Read a compressed member whole; the length in its header was checked before."""
    with zipfile.ZipFile(path) as archive, archive.open(name) as file:
        size = archive.getinfo(name).file_size
        array = npy_array(file, 0, size, contextlib.nullcontext)
        content = bytearray(array.size)
        position = 0
        while block := file.read(min(_BLOCK, len(content) + 1 - position)):
            content[position : position + len(block)] = block
            position += len(block)
    if position != array.size:
        raise ValueError(f"{name} ends after {position} of {array.size} bytes")
    whole = RawArray(contextlib.nullcontext, 0, array.shape, array.stored, array.order)
    return np.asarray(whole.view(content))


def _verify(path: Path, member: zipfile.ZipInfo) -> None:
    """Read a member that is not compressed, so that its checksum is compared."""
    if member.compress_type == zipfile.ZIP_STORED:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            while file.read(_BLOCK):
                pass


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
        with archive.open(f"{maps.quantity}.npy", "w", force_zip64=True) as file:
            write_npy_array(file, maps)
        for name, values in rest.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)
