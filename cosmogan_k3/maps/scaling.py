"""Scaling between convergence and network units."""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import FloatArray, MapArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.units import plain_maps

ScalingKind: TypeAlias = Literal["standard", "range", "rational"]  # how a scaling is measured
ScalingFunction: TypeAlias = Literal["affine", "rational"]  # what it computes

KINDS: tuple[str, ...] = get_args(ScalingKind)
_FUNCTIONS: tuple[str, ...] = get_args(ScalingFunction)
_FORMER_NAMES = {"rodriguez": "rational"}

# Largest x that "rational" inverts: u = 16,383, above any κ, and float32 still resolves u to 1 in
# 2,000.
_LARGEST = 1 - 2.0**-13
# Maps and pixels that are read and converted to float64 together.
_BLOCK_MAPS, _BLOCK_PIXELS = 512, 2**21


@dataclass(frozen=True)
class Scaling:
    """A monotonic function from convergence to network units, and its inverse.

        affine:    x = u                                      u = (κ − offset) / scale
        rational:  x = 2u / (u + 1) − 1 = (u − 1) / (u + 1)

    "rational" maps u in [0, ∞) to x in [−1, 1). It compresses the rare high pixels and keeps the
    contrast of the many low ones. The published s(κ) = 2κ/(κ + a) − 1 of positive κ is this with
    offset 0 and scale a. Values outside are clipped: κ below the offset, and on the way back x
    below −1 and x so close to 1 that κ would be infinite.

    Parameters
    ----------
    offset, scale : float
        In units of κ (dimensionless); ``scale`` is positive. Default 0 and 1.
    kind : {"affine", "rational"}
        The function. Default "affine". The former name "rodriguez" of "rational" is deprecated.

    Raises
    ------
    InputError
        Unknown kind, or numbers that are not finite, or a scale that is not positive.

    Examples
    --------
    >>> kappa = np.array([-0.01, 0.0, 0.03], "float32")
    >>> scaling = Scaling.fit("range", kappa)
    >>> scaling.to_network(kappa).round(6).tolist()
    [-1.0, -0.5, 1.0]
    >>> bool(np.allclose(scaling.to_kappa(scaling.to_network(kappa)), kappa))
    True
    >>> rational = Scaling(offset=-0.01, scale=0.01, kind="rational")
    >>> rational.to_network(np.array([-0.01, 0.0, 0.02])).tolist()
    [-1.0, 0.0, 0.5]

    References
    ----------
    "rational": Rodríguez et al. 2018 (10.1186/s40668-018-0026-4).
    """

    offset: float = 0.0
    scale: float = 1.0
    kind: ScalingFunction = "affine"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _current_name(self.kind, stacklevel=4))
        if self.kind not in _FUNCTIONS:
            raise InputError(
                f"Unknown kind of scaling. Received: {self.kind!r}; "
                f"expected {' or '.join(_FUNCTIONS)}"
            )
        if not (np.isfinite(self.offset) and 0 < self.scale < np.inf):
            raise InputError(
                "A scaling needs a finite offset and a positive, finite scale. "
                f"Received: offset={self.offset}, scale={self.scale}"
            )

    @classmethod
    def fit(cls, kind: ScalingKind, kappa: MapArray) -> "Scaling":
        """Measure a scaling on training maps; maps on disk are read in blocks.

        Parameters
        ----------
        kind : {"standard", "range", "rational"}
            "standard" divides κ by its standard deviation and keeps the mean. "range" maps
            minimum and maximum to −1 and 1. "rational" maps the minimum to −1 and the mean to 0.
            The former name "rodriguez" of "rational" is deprecated.
        kappa : float array, shape (n, …)
            Convergence of the training maps, in memory or on disk.

        Returns
        -------
        Scaling

        Raises
        ------
        InputError
            Unknown kind, or maps that do not vary, are not numbers, or are not finite.

        Examples
        --------
        >>> Scaling.fit("rational", np.array([[-0.02, 0.0], [0.01, 0.03]]))
        Scaling(offset=-0.02, scale=0.025, kind='rational')
        """
        kind = _current_name(kind, stacklevel=3)
        if kind not in KINDS:
            raise InputError(
                f"Unknown scaling. Received: {kind!r}; expected one of {', '.join(KINDS)}"
            )
        low, high, mean = _range_and_mean(kappa)
        if kind == "range":
            return cls(float(low + high) / 2, float(high - low) / 2)
        if kind == "rational":
            return cls(float(low), float(mean - low), kind)
        squares = sum(np.square(block - mean).sum() for block in _blocks(kappa))
        return cls(0.0, float(np.sqrt(squares / math.prod(kappa.shape))))

    def to_network(self, kappa: ArrayLike) -> NDArray[np.float32]:
        """Convert convergence to network units.

        Parameters
        ----------
        kappa : float array, any shape
            Convergence (dimensionless).

        Returns
        -------
        float32 array, same shape

        Examples
        --------
        >>> Scaling(offset=0.0, scale=0.02).to_network([0.01, 0.03]).tolist()
        [0.5, 1.5]
        """
        if self.kind == "affine":
            return ((np.asarray(plain_maps(kappa)) - self.offset) / self.scale).astype(np.float32)
        u = np.maximum((np.asarray(plain_maps(kappa), np.float64) - self.offset) / self.scale, 0)
        return ((u - 1) / (u + 1)).astype(np.float32)

    def to_kappa(self, x: ArrayLike) -> NDArray[np.float32]:
        """Convert network units to convergence.

        Parameters
        ----------
        x : float array, any shape
            Network units.

        Returns
        -------
        float32 array, same shape
            Convergence (dimensionless).

        Examples
        --------
        >>> Scaling(offset=0.0, scale=0.5).to_kappa([0.5, 1.5]).tolist()
        [0.25, 0.75]
        """
        if self.kind == "affine":
            return (np.asarray(x) * self.scale + self.offset).astype(np.float32)
        x = np.clip(np.asarray(x, np.float64), -1, _LARGEST)
        return ((1 + x) / (1 - x) * self.scale + self.offset).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Scaling":
        """Create a scaling from ``get_config``, also of earlier versions of this package.

        Parameters
        ----------
        config : mapping of str to float or str

        Returns
        -------
        Scaling

        Examples
        --------
        >>> Scaling.from_config({"offset": -0.01, "scale": 0.01, "kind": "rodriguez"}).kind
        'rational'
        """
        kind = config.get("kind", "affine")
        return cls(**{**config, "kind": _FORMER_NAMES.get(kind, kind)})


def _current_name(kind: Any, *, stacklevel: int) -> Any:
    """Return the name that replaces a former one, with a warning."""
    if kind not in _FORMER_NAMES:
        return kind
    current = _FORMER_NAMES[kind]
    warnings.warn(
        f"The scaling {kind!r} is called {current!r} now", DeprecationWarning, stacklevel=stacklevel
    )
    return current


def _blocks(kappa: MapArray) -> Iterator[FloatArray]:
    """Iterate over maps as float64 blocks, so that one block at a time is in memory."""
    step = max(1, min(_BLOCK_MAPS, _BLOCK_PIXELS // math.prod(kappa.shape[1:])))
    for start in range(0, len(kappa), step):
        yield np.asarray(plain_maps(kappa[start : start + step]), dtype=np.float64)


def _range_and_mean(kappa: MapArray) -> tuple[Any, Any, Any]:
    """Return minimum, maximum and mean of all pixels, in one pass."""
    if not kappa.ndim or 0 in kappa.shape:
        raise InputError(f"There are no maps to scale. Received: shape {tuple(kappa.shape)}")
    if np.dtype(kappa.dtype).kind not in "biuf":
        raise InputError(f"Maps are real numbers. Received: dtype {kappa.dtype}")
    low, high, total = np.inf, -np.inf, 0
    for block in _blocks(kappa):
        block_low, block_high = block.min(), block.max()
        if not (np.isfinite(block_low) and np.isfinite(block_high)):
            raise InputError("The maps have pixels that are NaN or infinite")
        low, high, total = min(low, block_low), max(high, block_high), total + block.sum()
    if not high > low:
        raise InputError(f"The maps do not vary: every pixel is {low}")
    return low, high, total / math.prod(kappa.shape)
