"""The logarithm of a map, in which its rare bright pixels do not drown the others."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3.nn.layers.lognormal_output import skew_from_moments

_FLOOR = 0.05
"""Added to the argument of the logarithm, which would be infinite at the minimum of a lognormal map."""

_SMALLEST_BEND = 0.05


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class LogPlane(keras.layers.Layer):
    """Undo the skewness that a shifted lognormal has.

        y = ln(max(a x + 1, 0) + ε) / σ,      ε = 0.05

    −1/a is the minimum of a shifted lognormal with the skewness of the training maps, and σ the standard deviation of
    the logarithm over them; ``adapt`` measures both. A discriminator that sees the plane beside the map learns the
    distribution of the many faint pixels as well as that of the few bright ones.

    Input and output: any shape, κ in units of its standard deviation.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import LogPlane
        >>> layer = LogPlane()
        >>> maps = np.random.default_rng(0).lognormal(-0.08, 0.4, size=(8, 32, 32, 1)) - 1
        >>> layer.adapt(maps / maps.std())
        >>> plane = keras.ops.convert_to_numpy(layer(maps / maps.std()))
        >>> bool(abs(((plane - plane.mean()) ** 3).mean()) < 0.2)
        True

    Source: the logarithmic transform of the density or convergence field, Neyrinck et al. 2009 (arXiv 0903.4693).
    """

    def build(self, input_shape):
        options = {"shape": (), "trainable": False, "dtype": "float32"}
        self.bend = self.add_weight(
            initializer=keras.initializers.Constant(0.3), name="bend", **options
        )
        self.deviation = self.add_weight(initializer="ones", name="deviation", **options)

    def adapt(self, maps):
        """Measure a and σ on training maps, float of any shape, in network units."""
        if not self.built:
            self.build(maps.shape)
        self.bend.assign(max(skew_from_moments(maps), _SMALLEST_BEND))
        deviation = ops.convert_to_numpy(
            self._logarithm(ops.convert_to_tensor(maps, dtype="float32"))
        ).std()
        self.deviation.assign(deviation if deviation > 0 else 1.0)

    def call(self, x):
        return self._logarithm(x) / ops.cast(self.deviation, x.dtype)

    def _logarithm(self, x):
        return ops.log(ops.relu(ops.cast(self.bend, x.dtype) * x + 1) + np.float32(_FLOOR))

    def compute_output_shape(self, input_shape):
        return input_shape
