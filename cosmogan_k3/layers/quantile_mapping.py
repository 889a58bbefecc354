"""A monotone function of the pixel that gives generated maps the training maps' distribution of pixels."""

import keras
import numpy as np
from keras import ops
from scipy import special

_LEVELS = special.expit(np.linspace(-14.0, 14.0, 281))
"""Levels of the quantiles, evenly spaced in the logarithm of p/(1 − p): a few pixels of a set lie beyond, which is as
far out as it has to be, since the brightest of 10,000 pixels carry per cents of the power of hydrodynamical maps."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class QuantileMapping(keras.layers.Layer):
    """Replace each pixel by the training maps' quantile of its own level among generated maps.

        y → y + d(y),        d(y) = Q(F(y)) − y

    with F the distribution of the pixels of generated maps and Q the quantiles of the training maps'. d is tabulated at
    281 quantiles of generated maps, linear between them and constant beyond. ``adapt`` measures Q; in training the
    layer does nothing: ``fit`` measures F on maps of a finished generator.

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
        self.wanted, self.found, self.change = (
            self.add_weight(name=name, shape=_LEVELS.shape, **fixed) for name in ("wanted", "found", "change")
        )

    def adapt(self, maps):
        """Measure Q on training maps, float of any shape, in network units."""
        if not self.built:
            self.build(None)
        self.wanted.assign(_quantiles(maps))

    def fit(self, maps):
        """Measure F on generated maps, float of any shape, in network units, and so d."""
        if not self.built:
            self.build(None)
        found = _quantiles(maps)
        self.found.assign(found)
        self.change.assign(ops.convert_to_numpy(self.wanted) - found)

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
    """Of all pixels, at ``_LEVELS``; from sorted values, which NumPy's own partitions once a level."""
    ordered = np.sort(np.asarray(maps, dtype=np.float32), axis=None)
    return np.interp(_LEVELS * (ordered.size - 1), np.arange(ordered.size), ordered)
