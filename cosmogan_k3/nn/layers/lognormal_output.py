"""An output that knows convergence is bounded below and has a long bright tail."""

import keras
import numpy as np
from keras import ops
from scipy import optimize

_LARGEST_START = 0.9
"""Starts nearer to 1 would sit on the bound."""

_SMALLEST = 1e-3
"""A smaller bend is this one: the output is linear to float32 then."""


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
        self.bend = self.add_weight(
            shape=(), initializer=start, constraint=_within_one, name="bend"
        )

    def adapt(self, maps):
        """Start from the bend of ``maps``, float of any shape, in network units."""
        self.bend.assign(fit_skew(maps))

    def call(self, x):
        return bent(x, ops.convert_to_tensor(self.bend))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"initial": self.initial}


def bent(x, bend):
    """(exp(a x) − 1)/a of tensors that broadcast, linear where a vanishes."""
    bend = ops.where(ops.abs(bend) < _SMALLEST, ops.full_like(bend, _SMALLEST), bend)
    return ops.expm1(ops.minimum(bend * x, 4.0)) / bend


def skew_from_moments(maps):
    """a for which a bent Gaussian of unit variance has the skewness γ of maps: a³ + 3a = γ; its minimum is −1/a.

    Example:
        >>> import numpy as np
        >>> gauss = np.random.default_rng(0).normal(scale=0.4, size=1_000_000)
        >>> abs(skew_from_moments(np.exp(gauss)) - np.sqrt(np.exp(0.16) - 1)) < 0.01
        True

    Source: moments of the lognormal distribution; the shift as in Hilbert, Hartlap & Schneider 2011 (arXiv 1105.3980).
    """
    skewness = _skewness(np.asarray(maps, dtype=np.float64))
    # The one real root of the cubic, by Cardano.
    root = np.cbrt(skewness / 2 + np.sqrt(skewness**2 / 4 + 1))
    return float(root - 1 / root)


def _skewness(values):
    centred = values - values.mean()
    square = centred * centred  # NumPy's powers take ten times as long
    variance = square.mean()
    return (square * centred).mean() / variance**1.5 if variance > 0 else 0.0


def fit_skew(maps):
    """a that takes the skewness out of ln(1 + a y)/a, within the bounds that a training can start from.

    Far less noisy than ``skew_from_moments``: the logarithm has no bright tail.

    Example:
        >>> import numpy as np
        >>> gauss = np.random.default_rng(0).normal(scale=0.4, size=100_000)
        >>> abs(fit_skew(np.expm1(gauss) / 0.5) - 0.5) < 0.01
        True
    """
    maps = np.asarray(maps, dtype=np.float64).ravel()
    sign = 1.0 if _skewness(maps) >= 0 else -1.0
    maps = sign * maps
    lowest, highest = _SMALLEST, _LARGEST_START
    if maps.min() < 0:
        highest = min(
            highest, -0.999 / maps.min()
        )  # nearer to the bound the faintest pixel would be all there is
    if not lowest < highest or _skewness(np.log1p(lowest * maps)) <= 0:
        return sign * lowest
    if _skewness(np.log1p(highest * maps)) >= 0:
        return sign * highest
    return sign * float(
        optimize.brentq(lambda a: _skewness(np.log1p(a * maps)), lowest, highest, xtol=1e-4)
    )


def _within_one(weight):
    return ops.clip(weight, -1.0, 1.0)
