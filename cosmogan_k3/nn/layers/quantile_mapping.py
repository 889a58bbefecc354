"""Monotone mapping of pixels to the pixel distribution of the training maps."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import Maps, Shape, Tensor
from cosmogan_k3.nn.quantiles import LEVELS, pixel_quantiles, smooth_tails


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class QuantileMapping(keras.layers.Layer):
    """Replace each pixel by the training maps' quantile at its level among generated maps.

    The mapping is::

        y → y + d(y),        d(y) = Q(F(y)) − y

    F is the cumulative distribution of the pixels of generated maps. Q are the quantiles of the
    training maps. d is tabulated at 281 quantiles of generated maps, linear between them and
    constant beyond. Where d is noisy, ``smooth_tails`` shrinks its steps to what exceeds the noise.

    ``adapt`` measures Q. ``fit`` measures F on maps of a trained generator. In training, and before
    ``fit``, the layer is the identity.

    Parameters
    ----------
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Input and output: float, any shape, in network units.

    References
    ----------
    Cannon, Sobie & Murdock 2015 (10.1175/JCLI-D-14-00754.1): quantile mapping in climatology.
    Schreiber & Schmitz 1996 (10.1103/PhysRevLett.77.635): a mapping of the distribution and a
    filter of the spectrum, fitted in turns.

    Examples
    --------
    >>> gauss = np.random.default_rng(0).normal(size=(2, 64, 64, 64, 1)).astype("float32")
    >>> layer = QuantileMapping()
    >>> layer.adapt(np.exp(0.3 * gauss[0]))
    >>> layer.fit(gauss[1])
    >>> mapped = keras.ops.convert_to_numpy(layer(gauss[1]))
    >>> bool(np.abs(mapped - np.exp(0.3 * gauss[1])).mean() < 0.01)
    True
    """

    def build(self, input_shape: Shape | None) -> None:
        """Create the tables of Q and its noise, of F and of d."""
        fixed = {"trainable": False, "dtype": "float32", "autocast": False, "initializer": "zeros"}
        names = ("wanted", "noise", "found", "change")
        self.wanted, self.noise, self.found, self.change = (
            self.add_weight(name=name, shape=LEVELS.shape, **fixed) for name in names
        )

    def adapt(self, maps: Maps) -> None:
        """Measure Q and its noise on training maps.

        Parameters
        ----------
        maps : array of float, shape (n, …)
            Training maps in network units.
        """
        if not self.built:
            self.build(None)
        wanted, noise = pixel_quantiles(maps)
        self.wanted.assign(wanted)
        self.noise.assign(noise)

    def fit(self, maps: Maps) -> None:
        """Measure F on generated maps, and compute d.

        Parameters
        ----------
        maps : array of float, shape (n, …)
            Generated maps in network units.
        """
        if not self.built:
            self.build(None)
        found, noise = pixel_quantiles(maps)
        change = ops.convert_to_numpy(self.wanted) - found
        change = smooth_tails(change, np.hypot(noise, ops.convert_to_numpy(self.noise)))
        self.found.assign(found)
        # The mapped quantiles must not decrease.
        self.change.assign(np.maximum.accumulate(found + change) - found)

    def reset(self) -> None:
        """Make the layer the identity again."""
        self.change.assign(np.zeros(self.change.shape))

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the mapped pixels, or the input in training."""
        return x if training else x + ops.cast(self._change(ops.cast(x, "float32")), x.dtype)

    def _change(self, x: Tensor) -> Tensor:
        """Interpolate d at every pixel, between the neighboring quantiles of generated maps."""
        found, change = ops.convert_to_tensor(self.found), ops.convert_to_tensor(self.change)
        above = ops.clip(ops.searchsorted(found, ops.reshape(x, (-1,))), 1, len(LEVELS) - 1)
        above = ops.reshape(above, ops.shape(x))
        low, high = ops.take(found, above - 1), ops.take(found, above)
        share = ops.clip((x - low) / ops.maximum(high - low, keras.config.epsilon()), 0.0, 1.0)
        return (1 - share) * ops.take(change, above - 1) + share * ops.take(change, above)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape
