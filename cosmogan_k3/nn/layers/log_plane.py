"""Logarithm of a map, in which rare bright pixels do not dominate."""

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from cosmogan_k3._typing import Shape, Tensor
from cosmogan_k3.nn.lognormal_skew import skew_from_moments

# Added to the argument of the logarithm, which vanishes at the minimum of a lognormal map.
_FLOOR = 0.05

# Smaller estimates of the skew parameter are raised to this one.
_SMALLEST_SKEW = 0.05


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class LogPlane(keras.layers.Layer):
    """Remove the skewness of a shifted-lognormal field by a logarithm.

    The output is::

        y = ln(max(a x + 1, 0) + ε) / σ,      ε = 0.05

    −1/a is the minimum of a shifted lognormal with the skewness of the training maps. σ is the
    standard deviation of the logarithm over these maps. ``adapt`` measures both. A discriminator
    that receives y beside the map learns the distribution of the many faint pixels as well as that
    of the few bright ones.

    Parameters
    ----------
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Input and output: any shape, convergence in units of its standard deviation.

    References
    ----------
    Neyrinck et al. 2009 (arXiv 0903.4693): the logarithmic transform of the density field.

    Examples
    --------
    >>> layer = LogPlane()
    >>> maps = np.random.default_rng(0).lognormal(-0.08, 0.4, size=(8, 32, 32, 1)) - 1
    >>> layer.adapt(maps / maps.std())
    >>> plane = keras.ops.convert_to_numpy(layer(maps / maps.std()))
    >>> bool(abs(((plane - plane.mean()) ** 3).mean()) < 0.2)
    True
    """

    def build(self, input_shape: Shape) -> None:
        """Create a and σ."""
        options = {"shape": (), "trainable": False, "dtype": "float32"}
        start = keras.initializers.Constant(0.3)
        self.skew = self.add_weight(initializer=start, name="skew", **options)
        self.deviation = self.add_weight(initializer="ones", name="deviation", **options)

    def adapt(self, maps: ArrayLike) -> None:
        """Measure a and σ on training maps.

        Parameters
        ----------
        maps : array of float, any shape
            Training maps in network units.
        """
        if not self.built:
            self.build(np.shape(maps))
        self.skew.assign(max(skew_from_moments(maps), _SMALLEST_SKEW))
        logarithm = self._logarithm(ops.convert_to_tensor(maps, dtype="float32"))
        deviation = ops.convert_to_numpy(logarithm).std()
        self.deviation.assign(deviation if deviation > 0 else 1.0)

    def call(self, x: Tensor) -> Tensor:
        """Return the scaled logarithm."""
        return self._logarithm(x) / ops.cast(self.deviation, x.dtype)

    def _logarithm(self, x: Tensor) -> Tensor:
        return ops.log(ops.relu(ops.cast(self.skew, x.dtype) * x + 1) + np.float32(_FLOOR))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape
