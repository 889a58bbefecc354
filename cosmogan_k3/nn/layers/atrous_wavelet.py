"""Maps taken apart by scale, each scale as loud as the others."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class AtrousWavelet(keras.layers.Layer):
    """Split a map into planes of doubling scale, each divided by its standard deviation on the training maps.

        c_0 = x,    c_{j+1} = c_j ∗ h_j,    y = (c_0 − c_1)/σ_1, …, (c_{J−1} − c_J)/σ_J, c_J/σ_{J+1}

    h_j is (1, 2, 1)/4 along rows and columns with 2^j − 1 zeros between its taps, periodic. Convergence has most of its
    variance on large scales; a discriminator that sees the planes hears the small ones as well from the first step.

    Args:
        planes: int, J, number of differences, at least 1.

    Input ``(n, rows, columns, 1)``, output ``(n, rows, columns, planes + 1)``. The deviations σ are 1 until ``adapt``.

    Raises:
        ValueError: fewer than one plane, or maps with more than one channel.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import AtrousWavelet
        >>> layer = AtrousWavelet(2)
        >>> layer.adapt(np.random.default_rng(0).normal(size=(4, 16, 16, 1)))
        >>> layer(np.zeros((2, 16, 16, 1))).shape == (2, 16, 16, 3)
        True

    Source: the à trous algorithm, Starck, Fadili & Murtagh 2007 (IEEE Trans. Image Process. 16, 297), with a linear
    spline in place of the cubic one.
    """

    def __init__(self, planes=2, **kwargs):
        super().__init__(**kwargs)
        if planes < 1:
            raise ValueError(f"planes must be at least 1. Received: planes={planes}")
        self.planes = planes

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] != 1:
            raise ValueError(
                f"AtrousWavelet takes maps (n, rows, columns, 1). Received: shape {tuple(input_shape)}"
            )
        self.deviation = self.add_weight(
            shape=(self.planes + 1,),
            initializer="ones",
            trainable=False,
            dtype="float32",
            name="deviation",
        )

    def adapt(self, maps):
        """Measure the standard deviation of each plane on maps ``(n, rows, columns, 1)``."""
        if not self.built:
            self.build(maps.shape)
        planes = ops.convert_to_numpy(self._split(ops.convert_to_tensor(maps, dtype="float32")))
        deviation = planes.std(axis=(0, 1, 2))
        self.deviation.assign(np.where(deviation > 0, deviation, 1))

    def call(self, x):
        return self._split(x) / ops.cast(self.deviation, x.dtype)

    def _split(self, x):
        planes = []
        for step in (2**j for j in range(self.planes)):
            smooth = x
            for axis in (1, 2):
                smooth = (
                    2 * smooth + ops.roll(smooth, step, axis) + ops.roll(smooth, -step, axis)
                ) / 4
            planes.append(x - smooth)
            x = smooth
        return ops.concatenate([*planes, x], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.planes + 1)

    def get_config(self):
        return super().get_config() | {"planes": self.planes}
