"""Names for the arrays that functions take and return; shapes are in the comments."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Maps: TypeAlias = NDArray[np.float32]  # (n_maps, N, N), convergence, dimensionless
FloatMaps: TypeAlias = NDArray[np.floating[Any]]  # (n_maps, N, N), convergence, any precision
FloatArray: TypeAlias = NDArray[np.float64]  # any shape
IntArray: TypeAlias = NDArray[np.int64]  # any shape
Mask: TypeAlias = NDArray[np.bool_]  # (N, N), True where observed
Rows: TypeAlias = NDArray[np.float64]  # (n_maps, n_features), one row a map
Conditions: TypeAlias = NDArray[np.float32]  # (n_maps, n_conditions), standardised parameters
Metrics: TypeAlias = Mapping[str, float]  # name to value
PathLike: TypeAlias = str | Path
Tensor: TypeAlias = Any  # of the Keras backend in use: jax.Array, tensorflow.Tensor or torch.Tensor
Variable: TypeAlias = Any  # keras.Variable, whatever its backend
Seed: TypeAlias = Any  # int, keras.random.SeedGenerator or None
Shape: TypeAlias = tuple[int | None, ...]  # None where an axis has any length

BackendName: TypeAlias = Literal["jax", "tensorflow", "torch"]


class SetOfMaps(Protocol):
    """Maps with their pixel size and identities: ``MapSet``, for rooms that do not import it."""

    @property
    def kappa(self) -> "MapArray": ...

    @property
    def pixel_arcmin(self) -> float: ...

    @property
    def map_id(self) -> Any: ...

    def __len__(self) -> int: ...


AnyMaps: TypeAlias = FloatMaps | SetOfMaps  # with or without their pixel size


class MapArray(Protocol):
    """Maps in memory or on disk: array, memory map, ``h5py.Dataset`` or ``VirtualMaps``."""

    @property
    def shape(self) -> Any: ...

    @property
    def ndim(self) -> int: ...

    @property
    def dtype(self) -> Any: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def __array__(self) -> NDArray[Any]: ...
