"""An initializer that draws the same weights on every backend."""

import math

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SeededNormal(keras.initializers.Initializer):
    """Draw weights from N(0, σ²) with NumPy, so that one seed gives one network on every backend.

    Without ``stddev``, σ² = 2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 12).

    Args:
        seed: int or list of int, the seed of ``numpy.random.default_rng``.
        stddev: float, σ; None for Glorot's.

    Example:
        >>> from cosmogan_k3.nn.layers import SeededNormal
        >>> SeededNormal(seed=1, stddev=0.02)((3, 3, 1, 8)).shape == (3, 3, 1, 8)
        True
    """

    def __init__(self, seed, stddev=None):
        self.seed = seed
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        receptive = math.prod(shape[:-2])
        fans = receptive * (sum(shape[-2:]) if len(shape) > 1 else 2 * shape[0])
        stddev = math.sqrt(2 / fans) if self.stddev is None else self.stddev
        values = stddev * np.random.default_rng(self.seed).standard_normal(shape)
        return keras.ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())

    def get_config(self):
        return {"seed": self.seed, "stddev": self.stddev}
