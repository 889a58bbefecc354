"""An initializer that draws the same weights on every backend."""

import math
from typing import Any

import keras
import numpy as np

from cosmogan_k3._typing import Tensor


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SeededNormal(keras.initializers.Initializer):
    """Draw weights from N(0, σ²) with NumPy, so that a seed gives one network on every backend.

    Without ``stddev``, σ is that of Glorot & Bengio::

        σ² = 2 / (fan_in + fan_out)

    Parameters
    ----------
    seed : int or list of int
        Seed of ``numpy.random.default_rng``.
    stddev : float, optional
        σ.

    References
    ----------
    Glorot & Bengio 2010 (PMLR 9, 249), eq. 12.

    Examples
    --------
    >>> SeededNormal(seed=1, stddev=0.02)((3, 3, 1, 8)).shape == (3, 3, 1, 8)
    True
    """

    def __init__(self, seed: int | list[int], stddev: float | None = None) -> None:
        self.seed = seed
        self.stddev = stddev

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Return a tensor of weights of a given shape."""
        receptive = math.prod(shape[:-2])
        fans = receptive * (sum(shape[-2:]) if len(shape) > 1 else 2 * shape[0])
        stddev = math.sqrt(2 / fans) if self.stddev is None else self.stddev
        values = stddev * np.random.default_rng(self.seed).standard_normal(shape)
        return keras.ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return {"seed": self.seed, "stddev": self.stddev}
