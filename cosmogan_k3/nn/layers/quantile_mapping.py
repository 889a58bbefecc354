"""A monotone function of the pixel that gives generated maps the training maps' distribution of pixels."""

import functools
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from keras import ops
from scipy import special

from cosmogan_k3.nn.shrinkage import shrink_to_significant

_LEVELS = special.expit(np.linspace(-14.0, 14.0, 281))
"""Levels of the quantiles, evenly spaced in the logarithm of p/(1 − p): a few pixels of a set lie beyond, which is as
far out as it has to be, since the brightest 1e-4 of the pixels of hydrodynamical maps carry 2 % of their power."""

_GROUPS = 8
"""Of maps, whose quantiles differ by their noise."""

_KNOWN = 0.01
"""Noise that does not matter, in network units, in which pixels of the presets with this layer scatter by 1."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class QuantileMapping(keras.layers.Layer):
    """Replace each pixel by the training maps' quantile of its own level among generated maps.

        y → y + d(y),        d(y) = Q(F(y)) − y

    with F the distribution of the pixels of generated maps and Q the quantiles of the training maps'. d is tabulated at
    281 quantiles of generated maps, linear between them and constant beyond. Where it is not known to 0.01, further
    changes of d count as far as they exceed twice the noise: few haloes make the brightest pixels. ``adapt`` measures
    Q; in training the layer does nothing: ``fit`` measures F on maps of a finished generator.

    Input and output: float, any shape.

    Example:
        >>> import numpy as np
        >>> gauss = np.random.default_rng(0).normal(size=(2, 64, 64, 64, 1)).astype("float32")
        >>> layer = QuantileMapping()
        >>> layer.adapt(np.exp(0.3 * gauss[0]))
        >>> layer.fit(gauss[1])
        >>> mapped = keras.ops.convert_to_numpy(layer(gauss[1]))
        >>> bool(np.abs(mapped - np.exp(0.3 * gauss[1])).mean() < 0.01)
        True

    Source: quantile mapping as in climatology, Cannon, Sobie & Murdock 2015 (10.1175/JCLI-D-14-00754.1); fitted in
    turns with a filter of the spectrum as in Schreiber & Schmitz 1996 (10.1103/PhysRevLett.77.635).
    """

    def build(self, input_shape):
        fixed = {"trainable": False, "dtype": "float32", "autocast": False, "initializer": "zeros"}
        names = ("wanted", "noise", "found", "change")
        self.wanted, self.noise, self.found, self.change = (
            self.add_weight(name=name, shape=_LEVELS.shape, **fixed) for name in names
        )

    def adapt(self, maps):
        """Measure Q and its noise on training maps, float ``(n, …)``, in network units."""
        if not self.built:
            self.build(None)
        wanted, noise = _quantiles(maps)
        self.wanted.assign(wanted)
        self.noise.assign(noise)

    def fit(self, maps):
        """Measure F on generated maps, float ``(n, …)``, in network units, and so d."""
        if not self.built:
            self.build(None)
        found, noise = _quantiles(maps)
        change = ops.convert_to_numpy(self.wanted) - found
        change = _followed(change, np.hypot(noise, ops.convert_to_numpy(self.noise)))
        self.found.assign(found)
        self.change.assign(np.maximum.accumulate(found + change) - found)

    def reset(self):
        """Let maps pass as they are."""
        self.change.assign(np.zeros(self.change.shape))

    def call(self, x, training=False):
        return x if training else x + ops.cast(self._change(ops.cast(x, "float32")), x.dtype)

    def _change(self, x):
        """d of every pixel: between the quantile of generated maps next above it and the one below."""
        found, change = ops.convert_to_tensor(self.found), ops.convert_to_tensor(self.change)
        above = ops.clip(ops.searchsorted(found, ops.reshape(x, (-1,))), 1, len(_LEVELS) - 1)
        above = ops.reshape(above, ops.shape(x))
        low, high = ops.take(found, above - 1), ops.take(found, above)
        share = ops.clip((x - low) / ops.maximum(high - low, keras.config.epsilon()), 0.0, 1.0)
        return (1 - share) * ops.take(change, above - 1) + share * ops.take(change, above)

    def compute_output_shape(self, input_shape):
        return input_shape


def _quantiles(maps):
    """Of all pixels, at ``_LEVELS``, and their standard errors but for that of the mean."""
    maps = np.asarray(maps, dtype=np.float32)
    groups = np.array_split(maps, min(_GROUPS, len(maps)))
    with ThreadPoolExecutor() as pool:  # NumPy lets other threads run while it sorts
        ordered = list(pool.map(functools.partial(np.sort, axis=None), groups))
    means = [group.mean(dtype=np.float64) for group in groups]
    offsets = np.stack(
        [_at_levels(values) - mean for values, mean in zip(ordered, means, strict=True)]
    )
    everything = np.concatenate(ordered)
    everything.sort(kind="stable")  # which merges what is sorted in parts
    return _at_levels(everything), offsets.std(axis=0, ddof=len(groups) > 1) / np.sqrt(len(groups))


def _at_levels(ordered):
    """Quantiles of sorted values, linear between them; NumPy's own would sort once more."""
    position = _LEVELS * (ordered.size - 1)
    below = position.astype(int)
    low, high = (
        ordered[index].astype(np.float64)
        for index in (below, np.minimum(below + 1, ordered.size - 1))
    )
    return low + (position - below) * (high - low)


def _followed(values, noise):
    """From the middle outwards, a value that is not known well follows the one before, within twice its noise.

    Example:
        >>> noise = np.array([0.1, 0.001, 0.001, 0.001, 0.5])
        >>> _followed(np.array([0.9, 0.1, 0.0, 0.1, 0.9]), noise).round(2).tolist()
        [0.85, 0.1, 0.0, 0.1, 0.1]
    """
    noise = np.where(noise < _KNOWN, 0.0, noise)
    kept, middle = values.copy(), len(values) // 2
    for side in (range(middle + 1, len(values)), range(middle - 1, -1, -1)):
        before = middle
        for level in side:
            kept[level] = kept[before] + shrink_to_significant(
                values[level] - kept[before], noise[level]
            )
            before = level
    return kept
