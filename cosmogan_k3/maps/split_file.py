"""``split.json``: which maps of a set a training learned from, was judged by and was tested on."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.maps.mapset import MapSet
from cosmogan_k3.maps.splits import Splits

SPLIT_FILE = "split.json"
PARTS = ("train", "validation", "test")


def write_split(path: PathLike, splits: Splits, fingerprint: str) -> None:
    """Write the ``map_id`` of the maps in each part.

    Parameters
    ----------
    path : str or Path
        File to write.
    splits : Splits
        Parts without a ``map_id`` in common.
    fingerprint : str
        Of the whole set, as ``MapSet.fingerprint`` returns it.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    parts = {name: getattr(splits, name) for name in PARTS}
    content: dict[str, Any] = {"data_fingerprint": fingerprint}
    content |= {
        name: [] if part is None else np.unique(part.map_id).tolist()
        for name, part in parts.items()
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content) + "\n", encoding="utf-8")


def part_of_split(maps: MapSet, path: PathLike, part: str = "test") -> MapSet:
    """Restrict a set to one part of a training's split.

    Parameters
    ----------
    maps : MapSet
        The whole set, as the training read it.
    path : str or Path
        ``split.json`` of the training.
    part : {"train", "validation", "test"}
        Default "test".

    Returns
    -------
    MapSet

    Raises
    ------
    InputError
        The file cannot be read, was written for other maps, or leaves none.

    Examples
    --------
    >>> import tempfile
    >>> from cosmogan_k3.maps import split_by_map
    >>> maps = MapSet(np.arange(40, dtype="float32").reshape(10, 2, 2), 1.0)
    >>> splits = split_by_map(maps)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_split(folder + "/split.json", splits, maps.fingerprint())
    ...     test = part_of_split(maps, folder + "/split.json")
    >>> test.map_id.tolist() == splits.test.map_id.tolist()
    True
    """
    content = _read(path)
    if content["data_fingerprint"] != maps.fingerprint():
        raise InputError(
            f"{path}: was written for other maps; give the whole set that was trained on, "
            "read with the same side, pixel size and field",
            parameter="split",
        )
    chosen = np.flatnonzero(np.isin(maps.map_id, content[part]))
    if not len(chosen):
        raise InputError(f"{path}: the part {part} has no maps", parameter="split")
    return maps.take(chosen)


def _read(path: PathLike) -> dict[str, Any]:
    """Content of the file, with an entry for each part."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        lists = [content[name] for name in PARTS]
        valid = isinstance(content["data_fingerprint"], str) and all(
            isinstance(ids, list) and all(type(i) is int for i in ids) for ids in lists
        )
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error})", parameter="split"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: is no split of a training ({one_line(error, 200)})", parameter="split"
        ) from error
    if not valid:
        raise InputError(f"{path}: is no split of a training", parameter="split")
    return dict(content)
