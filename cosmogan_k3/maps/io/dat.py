"""Raw binary files (``.dat``): flat maps of κTNG, full skies of Takahashi et al.

Fortran writes the length of each record before and after it. A record of more than 2³¹ − 9 bytes is
written in parts; the marker before a part is negative if another part follows.
"""

import contextlib
import functools
import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosmogan_k3._typing import MapArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import BY_NAME, Request
from cosmogan_k3.maps.io.guard import version_of
from cosmogan_k3.maps.io.map_file import FULL_SKY, MapFile
from cosmogan_k3.maps.io.stored import RawArray, mapped

_MARKER = 4  # bytes
_SKY_HEADER = struct.Struct("<iiqi")  # marker, nside, number of pixels, marker
_SKY_FIELDS = ("kappa", "gamma1", "gamma2", "omega")  # in this order

Part = tuple[int, int]  # first byte and length


@dataclass(frozen=True)
class RecordArray:
    """The numbers of a Fortran record, float32, that may lie in several parts.

    Parameters
    ----------
    path : Path
    parts : tuple of (int, int)
        First byte and length of each part.

    Examples
    --------
    >>> RecordArray(Path("sky.dat"), ((4, 40), (52, 8))).shape
    (12,)
    """

    path: Path
    parts: tuple[Part, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values."""
        return (sum(length for _, length in self.parts) // self.dtype.itemsize,)

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """The type of the values."""
        return np.dtype("<f4")

    @contextlib.contextmanager
    def opened(self) -> Iterator[MapArray]:
        """Yield the values; they are copied, since parts need not end with a whole value."""
        content = np.empty(sum(length for _, length in self.parts), np.uint8)
        done = 0
        with self.path.open("rb") as file:
            for start, length in self.parts:
                file.seek(start)
                if file.readinto(content.data[done : done + length]) != length:
                    raise ValueError("the file ends within a record")
                done += length
        yield content.view(self.dtype)


def open_dat(path: Path, request: Request = BY_NAME) -> MapFile:
    """Open a raw binary file of one of the two known layouts.

    Parameters
    ----------
    path : Path
    request : Request, optional
        Which field of a full sky to read: kappa, gamma1, gamma2 or omega. A flat map has no name.

    Returns
    -------
    MapFile
        A flat map: N² values of 4 or 8 bytes between two markers, which hold N or the number of
        bytes. A full sky: a record with nside (4 bytes) and the number of pixels (8 bytes), then
        one record a field, in ring order.

    Raises
    ------
    ValueError
        Another layout, or a file that is cut.

    Examples
    --------
    >>> import tempfile
    >>> marker = np.int32(2).tobytes()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "kappa23.dat"
    ...     _ = path.write_bytes(marker + np.arange(4.0).tobytes() + marker)
    ...     open_dat(path).array.shape
    (2, 2)

    References
    ----------
    Osato, Liu & Haiman 2021 (arXiv 2010.09731); Takahashi et al. 2017 (arXiv 1706.01472).
    """
    size = version_of(path)[2]
    flat = _flat_map(path, size)
    if request.full_sky:
        if flat:
            raise InputError(f"{path}: holds a flat map, and no full sky")
        return _sky(path, size, request)
    if flat:
        return MapFile(flat)
    _sky(path, size, request)  # raises ValueError if it is none
    raise InputError(f"{path}: {FULL_SKY}")


def _flat_map(path: Path, size: int) -> RawArray | None:
    """Return the map between two equal markers; None if the file has another layout."""
    length = size - 2 * _MARKER
    if length <= 0:
        return None
    with path.open("rb") as file:
        first = file.read(_MARKER)
        file.seek(-_MARKER, 2)
        if file.read() != first:
            return None
    (marker,) = struct.unpack("<i", first)
    for dtype in (np.dtype("<f8"), np.dtype("<f4")):
        side = math.isqrt(length // dtype.itemsize)
        if side**2 * dtype.itemsize == length and marker in (side, length):
            return RawArray(functools.partial(mapped, path), _MARKER, (side, side), dtype)
    return None


def _sky(path: Path, size: int, request: Request) -> MapFile:
    """Return a field of a full sky."""
    if size < _SKY_HEADER.size:
        raise ValueError("the layout of this file is not known")
    with mapped(path) as buffer:
        first, nside, pixels, last = _SKY_HEADER.unpack_from(buffer)
        if first != last or first != _SKY_HEADER.size - 2 * _MARKER or pixels != 12 * nside**2:
            raise ValueError("the layout of this file is not known")
        records = list(_records(buffer, _SKY_HEADER.size))
    fields = dict(zip(_SKY_FIELDS, records, strict=False))
    arrays = {name: RecordArray(path, parts) for name, parts in fields.items()}
    if len(records) > len(_SKY_FIELDS) or any(a.shape != (pixels,) for a in arrays.values()):
        raise ValueError(f"expected up to {len(_SKY_FIELDS)} records of {pixels} values each")
    name = request.pick(dict.fromkeys(arrays, 1), path)
    return MapFile(arrays[name], name, ordering="ring")


def _records(buffer: mmap.mmap, start: int) -> Iterator[tuple[Part, ...]]:
    """Iterate over the records from a byte on; each is a tuple of parts."""
    parts: list[Part] = []
    while start < len(buffer):
        marker = _marker(buffer, start)
        end = start + _MARKER + abs(marker)
        if abs(_marker(buffer, end)) != abs(marker):
            raise ValueError(f"the two markers of the record at byte {start} differ")
        parts.append((start + _MARKER, abs(marker)))
        start = end + _MARKER
        if marker >= 0:
            yield tuple(parts)
            parts = []
    if parts:
        raise ValueError("the last part of a record is missing; the file is cut, or damaged")


def _marker(buffer: mmap.mmap, position: int) -> int:
    if position + _MARKER > len(buffer):
        raise ValueError("the file ends within a record; it is cut, or damaged")
    return int(struct.unpack_from("<i", buffer, position)[0])
