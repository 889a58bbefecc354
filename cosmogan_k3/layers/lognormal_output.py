"""An output that knows convergence is bounded below and has a long bright tail."""

import keras
import numpy as np
from keras import ops

_LARGEST_START = 0.9
"""Starts nearer to 1 would sit on the bound."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class LognormalOutput(keras.layers.Layer):
    """Bend a field pixel by pixel the way a shifted lognormal bends a Gaussian.

        y = (exp(a x) − 1) / a

    with one learnt weight a, kept within ±1: a → 0 is the linear output, a > 0 skews to bright pixels. ``adapt`` starts
    it from the skewness of training maps.

    Args:
        initial: float in (−1, 1), a at the start.

    Input and output: any shape, in network units. The exponent is kept below 4 so that a stray pixel early in
    training does not overflow.

    Example:
        >>> import numpy as np
        >>> y = LognormalOutput(initial=0.5)(np.array([[-1.0, 0.0, 1.0]], "float32"))
        >>> keras.ops.convert_to_numpy(y).round(3).tolist()
        [[-0.7870000004768372, 0.0, 1.2970000505447388]]

    Source: the lognormal approximation of convergence, Taruya et al. 2002 (astro-ph/0202090).
    """

    def __init__(self, initial=0.3, **kwargs):
        super().__init__(**kwargs)
        if not -1 < initial < 1:
            raise ValueError(f"initial must lie between -1 and 1. Received: initial={initial}")
        self.initial = initial

    def build(self, input_shape):
        start = keras.initializers.Constant(self.initial)
        self.bend = self.add_weight(shape=(), initializer=start, constraint=_within_one, name="bend")

    def adapt(self, maps):
        """Start from the bend of ``maps``, float of any shape, in network units."""
        self.bend.assign(np.clip(lognormal_bend(maps), -_LARGEST_START, _LARGEST_START))

    def call(self, x):
        bend = ops.convert_to_tensor(self.bend)
        bend = ops.where(ops.abs(bend) < 1e-3, ops.full_like(bend, 1e-3), bend)
        return ops.expm1(ops.minimum(bend * x, 4.0)) / bend

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"initial": self.initial}


def lognormal_bend(maps):
    """a for which a bent Gaussian of unit variance has the skewness γ of maps: a³ + 3a = γ; its minimum is −1/a.

    Example:
        >>> import numpy as np
        >>> gauss = np.random.default_rng(0).normal(scale=0.4, size=1_000_000)
        >>> abs(lognormal_bend(np.exp(gauss)) - np.sqrt(np.exp(0.16) - 1)) < 0.01
        True

    Source: moments of the lognormal distribution; the shift as in Hilbert, Hartlap & Schneider 2011 (arXiv 1105.3980).
    """
    maps = np.asarray(maps, dtype=np.float64)
    centred = maps - maps.mean()
    variance = np.mean(centred**2)
    skewness = np.mean(centred**3) / variance**1.5 if variance > 0 else 0.0
    # The one real root of the cubic, by Cardano.
    root = np.cbrt(skewness / 2 + np.sqrt(skewness**2 / 4 + 1))
    return float(root - 1 / root)


def _within_one(weight):
    return ops.clip(weight, -1.0, 1.0)
