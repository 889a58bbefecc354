"""Read masks from files."""

from pathlib import Path

import numpy as np

from cosmogan_k3._typing import Mask, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import Request
from cosmogan_k3.maps.io.guard import input_errors
from cosmogan_k3.maps.io.map_file import read_whole
from cosmogan_k3.maps.io.open import open_file


def read_mask(path: PathLike, *, pixels: int) -> Mask:
    """Read a mask from a file with one map of 0 and 1, or of booleans, 1 where observed.

    Parameters
    ----------
    path : str or Path
        File that ends in npy, npz, fits, fit, h5 or hdf5.
    pixels : int
        Side N of the maps that the mask is for.

    Returns
    -------
    bool array, shape (N, N)
        True where observed.

    Raises
    ------
    InputError
        A file that cannot be read, another shape, other values, or no observed pixel.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/mask.npy", np.array([[1, 1], [1, 0]]))
    ...     read_mask(folder + "/mask.npy", pixels=2).tolist()
    [[True, True], [True, False]]
    """
    stored = open_file(Path(path), Request(kind="mask")).array
    if stored.shape != (pixels, pixels):
        raise InputError(
            f"{path}: expected one mask for maps of {pixels} x {pixels} pixels. "
            f"Received: {stored.shape}"
        )
    with input_errors(path):
        mask = read_whole(stored)
    if mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise InputError(
            f"{path}: expected a mask of 0 and 1, or of booleans. "
            f"Received: {mask.dtype} with other values"
        )
    if not mask.any():
        raise InputError(
            f"{path}: a mask must leave pixels to observe, 1 where observed. Received: 0 everywhere"
        )
    return mask.astype(bool)
