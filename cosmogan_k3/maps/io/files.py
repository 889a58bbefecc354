"""The files that a path names: one file, a folder of files, or a pattern."""

import re
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.formats import FORMATS, ending_of
from cosmogan_k3.maps.io.guard import input_errors

# Text tables end in .dat too. Such a file is read by its name or a pattern, not with a folder.
_IN_FOLDERS = tuple(ending for ending in FORMATS if ending != ".dat")
_WILDCARDS = re.compile(r"[*?[]")


def map_files(path: PathLike) -> list[Path]:
    """Return the file that a path names, or those of a folder or a pattern, sorted by name.

    Parameters
    ----------
    path : str or Path
        A file, a folder, or a pattern such as "run*/kappa23.dat"; "**" stands for any folders.

    Returns
    -------
    list of Path
        Of a folder, the files that have a known ending and are not hidden; not those in its
        folders.

    Raises
    ------
    InputError
        No file is found.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.npy", "a.npy", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     [file.name for file in map_files(folder)], len(map_files(folder + "/a*"))
    (['a.npy', 'b.npy'], 1)
    """
    with input_errors(path):
        if Path(path).is_dir():
            # Hidden files are still being written, or were left by a process that was killed.
            found = [file for file in Path(path).iterdir() if _is_map_file(file)]
            where = f"no maps in this folder; expected files ending in {', '.join(_IN_FOLDERS)}"
        elif _WILDCARDS.search(str(path)) and not Path(path).exists():
            root = Path(Path(path).anchor)
            found = list(root.glob(str(Path(path).relative_to(root))))
            where = "no file has a name of this pattern"
        else:
            return [Path(path)]
    if not found:
        raise InputError(f"{path}: {where}")
    return sorted(found)


def _is_map_file(path: Path) -> bool:
    return ending_of(path) in _IN_FOLDERS and not path.name.startswith(".")
