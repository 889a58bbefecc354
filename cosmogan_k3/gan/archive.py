"""The ``.keras`` file of a GAN as a zip archive: its members, sizes and checksums.

Nothing here imports Keras. A file is checked before Keras sees any of it.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError

_CONFIG, _WEIGHTS, _METADATA = "config.json", "model.weights.h5", "metadata.json"
# In the format of the command sha256sum, which can check an unzipped model.
_CHECKSUMS = "SHA256SUMS"
_MEMBERS = {_CONFIG, _WEIGHTS, _METADATA}

# Keras stores its members uncompressed. Weights hardly shrink under compression, and the text of
# the configuration to a tenth. Anything that grows by more is a bomb.
_LARGEST_EXPANSION = 20
_ALWAYS_ALLOWED = 2**26  # bytes
_BLOCK = 2**20  # bytes hashed at a time


@dataclass(frozen=True)
class Contents:
    """What a ``.keras`` file holds.

    Parameters
    ----------
    config : dict
        Serialized model, with ``class_name``, ``config`` and ``compile_config``.
    weights : bytes
        HDF5 file of all variables.
    metadata : bytes
        What Keras notes of itself, as JSON.
    """

    config: dict[str, Any]
    weights: bytes
    metadata: bytes


def read_archive(path: PathLike) -> Contents:
    """Read a ``.keras`` file into memory, after checking its members, sizes and checksums.

    Parameters
    ----------
    path : path of a regular file

    Returns
    -------
    Contents

    Raises
    ------
    InputError
        If the file is not a whole and unchanged ``.keras`` file. Other errors of damaged archives
        are those of ``zipfile`` and ``json``.

    Examples
    --------
    >>> import tempfile
    >>> from cosmogan_k3.gan import build_gan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_gan("tiny", pixels=16, pixel_arcmin=3.0).save(folder + "/gan.keras")
    ...     read_archive(folder + "/gan.keras").config["class_name"]
    'GAN'
    """
    path = Path(path)
    if not path.is_file():  # a pipe or a device would be waited for
        raise InputError("no such file")
    with zipfile.ZipFile(path) as archive:
        _check_members(archive, path.stat().st_size)
        members = {name: archive.read(name) for name in archive.namelist()}
    checksums = members.pop(_CHECKSUMS, None)  # files of earlier versions have none
    if checksums is not None:
        _check_sums(members, checksums)
    config = json.loads(members[_CONFIG])
    if not isinstance(config, dict):
        raise InputError("not a readable model (its configuration is no mapping)")
    _check_weights(members[_WEIGHTS])
    return Contents(config, members[_WEIGHTS], members[_METADATA])


def write_archive(path: PathLike, contents: Contents) -> None:
    """Write a ``.keras`` file for Keras to read, with these contents alone.

    Parameters
    ----------
    path : path of the file
    contents : Contents
    """
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_METADATA, contents.metadata)
        archive.writestr(_CONFIG, json.dumps(contents.config))
        archive.writestr(_WEIGHTS, contents.weights)


def add_checksums(path: PathLike) -> None:
    """Add the SHA-256 of each member to a ``.keras`` file that Keras wrote.

    Keras does not read the new member.

    Parameters
    ----------
    path : path of the file
    """
    with zipfile.ZipFile(path, "a") as archive:
        lines = [f"{_sha256(archive, name)}  {name}\n" for name in archive.namelist()]
        archive.writestr(_CHECKSUMS, "".join(lines))


def _sha256(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as member:
        while block := member.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse an archive that holds anything else, or that would fill the memory."""
    names = archive.namelist()
    if others := sorted(set(names) - _MEMBERS - {_CHECKSUMS}):
        raise InputError(f"not a model of this package: it holds another file, {others[0]!r}")
    if missing := sorted(_MEMBERS - set(names)):
        raise InputError(f"not a readable model (it has no {missing[0]})")
    if len(names) > len(set(names)):
        raise InputError("not a readable model (two of its files have one name)")
    inflated = sum(member.file_size for member in archive.infolist())
    if inflated > max(_ALWAYS_ALLOWED, _LARGEST_EXPANSION * size):
        raise InputError(
            f"not a readable model ({size:,} bytes would become {inflated:,}, more than "
            f"{_LARGEST_EXPANSION} times as many)"
        )


def _check_sums(members: dict[str, bytes], checksums: bytes) -> None:
    """Refuse members that were changed after they were saved."""
    lines = (line.split("  ", 1) for line in checksums.decode("ascii").splitlines())
    expected = {name: digest for digest, name in lines}
    for name, data in members.items():
        if expected.get(name) != hashlib.sha256(data).hexdigest():
            raise InputError(
                f"damaged: the SHA-256 of {name} is not the one that was saved with it; take "
                "another copy of the file"
            )


def _check_weights(data: bytes) -> None:
    """Refuse weights that are not plain, finite arrays inside this HDF5 file.

    Links to other files, virtual and external data sets, and data sets that claim more than the
    file holds are refused before anything follows or allocates them.
    """
    with h5py.File(io.BytesIO(data), "r") as file:
        if problem := file.visititems_links(_link_problem) or file.visititems(_item_problem):
            raise InputError(problem)


def _link_problem(name: str, link: Any) -> str | None:
    return None if isinstance(link, h5py.HardLink) else f"its weights link to other places ({name})"


def _item_problem(name: str, item: h5py.Group | h5py.Dataset) -> str | None:
    if not isinstance(item, h5py.Dataset):
        return None
    stored_here = not (item.is_virtual or item.external or item.chunks)
    if not stored_here or item.id.get_storage_size() != item.nbytes or item.dtype.kind not in "fiu":
        return f"its weights are not stored as Keras stores them ({name})"
    if item.dtype.kind == "f" and not np.isfinite(item[()]).all():
        return f"its weights are NaN or infinite ({name})"
    return None
