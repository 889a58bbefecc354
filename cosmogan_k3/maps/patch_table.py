"""A virtual array of patches that are read from files when they are indexed."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3._typing import IntArray, Maps
from cosmogan_k3.maps.io.open import MapSource, reading
from cosmogan_k3.maps.virtual import VirtualMaps


@dataclass(frozen=True, eq=False)
class PatchTable(VirtualMaps):
    """A virtual float32 array of patches, read from files when it is indexed.

    Other processes open the files themselves. No file stays open.

    Parameters
    ----------
    files : tuple of MapSource
        A file that is no longer the one of its source is refused.
    table : int array, shape (n, 4)
        Each patch's file (index into ``files``), map in the file, first row and first column.
    pixels : int
        Side N of a patch.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/maps.npy", np.arange(16, dtype="float32").reshape(1, 4, 4))
    ...     files = (MapSource.of(folder + "/maps.npy"),)
    ...     patches = PatchTable(files, np.array([[0, 0, 0, 2], [0, 0, 2, 0]]), 2)
    ...     patches.shape, patches[1].tolist()
    ((2, 2, 2), [[8.0, 9.0], [12.0, 13.0]])
    """

    files: tuple[MapSource, ...]
    table: IntArray
    pixels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (n, N, N)."""
        return (len(self.table), self.pixels, self.pixels)

    def selected(self, indices: Any) -> "PatchTable":
        """Return the patches of some indices; see ``VirtualMaps``."""
        return PatchTable(self.files, self.table[indices], self.pixels)

    def name_of(self, index: int) -> str:
        """Return the file and the position of a patch, for messages.

        Parameters
        ----------
        index : int

        Returns
        -------
        str
        """
        file, number, row, column = self.table[index]
        return f"{self.files[file].path}: map {number}, patch at row {row}, column {column}"

    @property
    def origin(self) -> str:
        """Which arrays of which files hold the maps."""
        arrays = sorted({source.field for source in self.files if source.field})
        names = f"{', '.join(arrays)} of " if arrays else ""
        first = Path(self.files[0].path)
        if len(self.files) == 1:
            return f"{names}{first}"
        return f"{names}{len(self.files)} files in {first.parent}"

    def __getitem__(self, key: Any) -> Maps:
        rows = np.atleast_2d(self.table[key])
        patches = np.empty((len(rows), self.pixels, self.pixels), np.float32)
        # In the order of the files and of the maps in them, so that each file is opened once.
        order = np.lexsort(rows.T[::-1])
        for file, chosen in itertools.groupby(order, lambda i: rows[i, 0]):
            with reading(self.files[file]) as array, np.errstate(over="ignore"):
                for i in chosen:
                    _, number, row, column = rows[i]
                    window = (slice(row, row + self.pixels), slice(column, column + self.pixels))
                    patches[i] = array[window] if array.ndim == 2 else array[(number, *window)]
        return patches[0] if isinstance(key, (int, np.integer)) else patches
