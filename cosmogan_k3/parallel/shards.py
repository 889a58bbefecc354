"""Sets of maps as folders of files, which any number of processes can draw and write."""

import contextlib
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmogan_k3._version import __version__
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.atomic import creating, remove_partials, replacing
from cosmogan_k3.maps.io.read import read_maps
from cosmogan_k3.maps.io.write import check_output, write_maps
from cosmogan_k3.maps.stream import MapStream
from cosmogan_k3.parallel.executor import MapCalls
from cosmogan_k3.parallel.identity import differing_names

MANIFEST = "shards.json"

# Format of the files if the folder's name has no ending: HDF5 holds all metadata and is read map
# by map.
_DEFAULT_ENDING = ".h5"


@dataclass(frozen=True)
class Shards:
    """A set of maps in a folder, ``shard_maps`` maps in each file.

    ``shards.json``, the manifest, is written first and records the settings that the maps depend
    on. Of several commands one creates it. A worker compares it again before a file gets its final
    name. A file with its final name is complete. An interrupted command can therefore be repeated:
    it writes the missing files only.

    Parameters
    ----------
    folder : pathlib.Path
        Folder for the files; the ending of its name, if any, chooses their format.
    maps : int
        Number of maps in the set.
    shard_maps : int
        Number of maps in a file; the last file may have fewer.
    metadata : mapping
        Plain values that the maps depend on.
    draw : callable
        Function of ``(first, count)`` that returns a ``MapStream`` of these maps. It is sent to
        the workers, so it must be picklable.

    Raises
    ------
    InputError
        If the ending is unknown, or ``folder`` is a file or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from cosmogan_k3.maps import read_maps
    >>> from cosmogan_k3.parallel.executor import thread_map
    >>> def draw(first, count):
    ...     return MapStream(count, 16, 3.0, iter([np.full((count, 16, 16), first, "float32")]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Shards(Path(folder, "maps"), 5, 2, {"seed": 0}, draw).write(thread_map)
    ...     files = sorted(path.name for path in Path(folder, "maps").iterdir())
    ...     files, len(read_maps(folder + "/maps"))
    (['part-00000.h5', 'part-00001.h5', 'part-00002.h5', 'shards.json'], 5)
    """

    folder: Path
    maps: int
    shard_maps: int
    metadata: Mapping[str, Any]
    draw: Callable[[int, int], MapStream]

    def __post_init__(self) -> None:
        if self.folder.is_file():
            raise InputError(f"{self.folder}: is a file; shards are written to a folder")
        check_output(self.path(0))

    def path(self, index: int) -> Path:
        """Return the file of a shard; alphabetical order of the names is numerical order."""
        width = max(5, len(str(self.maps // self.shard_maps)))
        folder = self.folder.absolute()  # a worker may have another working directory
        return folder / f"part-{index:0{width}}{folder.suffix or _DEFAULT_ENDING}"

    @property
    def manifest(self) -> dict[str, Any]:
        """Settings that two commands must share to write into the same folder."""
        return {
            "cosmogan_k3": __version__,
            **self.metadata,
            "maps": self.maps,
            "shard_maps": self.shard_maps,
        }

    def claim(self, *, overwrite: bool = False) -> None:
        """Write the manifest if there is none, and check that the folder is that of this command.

        Parameters
        ----------
        overwrite : bool, default False
            Remove the shards that are there, of this command or of another.

        Raises
        ------
        InputError
            If the folder holds other files or belongs to another command.
        """
        folder = self.folder
        path = folder / MANIFEST
        if overwrite and path.exists():
            for shard in folder.glob("part-*"):
                shard.unlink()
            path.unlink()  # last: a folder with shards always says whose they are
        if not path.exists():
            if folder.is_dir() and any(found.name[0] != "." for found in folder.iterdir()):
                raise InputError(f"{folder}: holds other files; name a new folder", parameter="out")
            # Of commands that started together one creates the manifest.
            with contextlib.suppress(FileExistsError), creating(path) as partial:
                self._write_manifest(partial)
        _check_manifest(folder, self.manifest)

    def repair(self) -> list[Path]:
        """Write the manifest again, and remove the shards that cannot be read.

        The caller knows that the folder holds these maps, and holds its lock. Every shard is read.

        Returns
        -------
        list of Path
            Shards that were removed. ``write`` draws them again.
        """
        with replacing(self.folder / MANIFEST) as partial:
            self._write_manifest(partial)
        damaged = [
            path for path, _, count in self._files() if path.exists() and not _holds(path, count)
        ]
        for path in damaged:
            path.unlink()
        return damaged

    def _write_manifest(self, path: Path) -> None:
        path.write_text(json.dumps(self.manifest, indent=2) + "\n")

    def write(self, map_calls: MapCalls, description: str = "drawing") -> None:
        """Write the missing files.

        Parameters
        ----------
        map_calls : MapCalls
            Function that makes the calls, such as ``thread_map`` or what ``executor`` yields.
        description : str, default "drawing"
            Label of the progress bar.
        """
        self.claim()
        missing = [file for file in self._files() if not file[0].exists()]
        calls = [
            functools.partial(_write_shard, path, self.manifest, self.draw, first, count)
            for path, first, count in missing
        ]
        map_calls(calls, description, maps=[count for *_, count in missing])
        remove_partials(self.folder, folder=True)  # left by workers that were lost

    def _files(self) -> list[tuple[Path, int, int]]:
        """Return path, number of the first map and number of maps for each file."""
        firsts = range(0, self.maps, self.shard_maps)
        return [
            (self.path(index), first, min(self.shard_maps, self.maps - first))
            for index, first in enumerate(firsts)
        ]


def _write_shard(
    path: Path,
    manifest: Mapping[str, Any],
    draw: Callable[[int, int], MapStream],
    first: int,
    count: int,
) -> None:
    """Write a file, unless the folder has become that of another command in the meantime."""
    _check_manifest(path.parent, manifest)
    write_maps(
        path,
        draw(first, count),
        confirm=functools.partial(_check_manifest, path.parent, manifest),
    )


def _holds(path: Path, count: int) -> bool:
    """Return whether a file holds so many maps, all of which can be read."""
    try:
        maps = read_maps(path)
        return sum(map(len, maps.blocks())) == count
    except InputError:
        return False


def _check_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raise an error if a folder of shards is that of another command."""
    path = folder / MANIFEST
    try:
        recorded = dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read ({one_line(error, 200)}), and says whose maps these are; name "
            "a new folder, or replace the maps",
            parameter="out, overwrite",
        ) from error
    if names := differing_names(recorded, manifest):
        raise InputError(
            f"{folder}: holds maps of another command, with another {', '.join(names)}; "
            "name a new folder",
            parameter="out",
        )
