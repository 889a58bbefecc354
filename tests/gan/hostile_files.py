"""Ways to spoil a ``.keras`` file, with every checksum of the zip archive made right."""

import io
import json
import zipfile

import h5py


def members(path):
    """Return the members of an archive by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, contents, compression=zipfile.ZIP_STORED):
    """Write an archive."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def unsigned(path):
    """Return the members without SHA-256, as earlier versions of the package wrote them."""
    return {name: data for name, data in members(path).items() if name != "SHA256SUMS"}


def with_config(path, target, change):
    """Write a copy whose configuration a function changed."""
    contents = unsigned(path)
    config = json.loads(contents["config.json"])
    change(config)
    return pack(target, contents | {"config.json": json.dumps(config).encode()})


def with_weights(path, target, change):
    """Write a copy whose HDF5 file a function changed."""
    contents = unsigned(path)
    buffer = io.BytesIO(contents["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(file)
    return pack(target, contents | {"model.weights.h5": buffer.getvalue()})


def first_dataset(file):
    """Return the name of the first data set of more than one number."""
    names = []
    file.visititems(
        lambda name, item: (
            names.append(name) if isinstance(item, h5py.Dataset) and item.size > 1 else None
        )
    )
    return names[0]
