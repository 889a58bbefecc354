"""Starlet planes of a map, each of unit variance."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import Maps, Shape, Tensor


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class AtrousWavelet(keras.layers.Layer):
    """Split a map into starlet planes, each divided by its standard deviation.

    The planes are::

        c_0 = x,    c_{j+1} = c_j ∗ h_j
        y = (c_0 − c_1)/σ_1, …, (c_{J−1} − c_J)/σ_J, c_J/σ_{J+1}

    h_j is (1, 2, 1)/4 along rows and columns with 2^j − 1 zeros between its taps, periodic.
    ``adapt`` measures σ on training maps. Large scales have most of the variance of convergence. A
    discriminator that receives the planes is as sensitive to the small scales from the first step.

    Parameters
    ----------
    planes : int, default 2
        Number J of differences, at least 1.
    compressed : bool, default False
        Whether arsinh(y) takes the place of y. A few bright pixels then count for less.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If there is less than one plane or maps have more than one channel.

    Notes
    -----
    Input ``(n, rows, columns, 1)``, output ``(n, rows, columns, planes + 1)``. The deviations σ are
    1 before ``adapt``.

    References
    ----------
    Starck, Fadili & Murtagh 2007 (IEEE Trans. Image Process. 16, 297): the à trous algorithm. Here
    with a linear spline instead of the cubic one.

    Examples
    --------
    >>> layer = AtrousWavelet(2)
    >>> layer.adapt(np.random.default_rng(0).normal(size=(4, 16, 16, 1)))
    >>> layer(np.zeros((2, 16, 16, 1))).shape == (2, 16, 16, 3)
    True
    """

    def __init__(self, planes: int = 2, *, compressed: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if planes < 1:
            raise ValueError(f"planes must be at least 1. Received: planes={planes}")
        self.planes = planes
        self.compressed = compressed

    def build(self, input_shape: Shape) -> None:
        """Create the deviations."""
        if len(input_shape) != 4 or input_shape[-1] != 1:
            raise ValueError(
                "AtrousWavelet takes maps (n, rows, columns, 1). "
                f"Received: shape {tuple(input_shape)}"
            )
        self.deviation = self.add_weight(
            shape=(self.planes + 1,),
            initializer="ones",
            trainable=False,
            dtype="float32",
            name="deviation",
        )

    def adapt(self, maps: Maps) -> None:
        """Measure the standard deviation of each plane on training maps.

        Parameters
        ----------
        maps : array of float, shape (n, rows, columns, 1)
            Training maps in network units.
        """
        if not self.built:
            self.build(maps.shape)
        planes = ops.convert_to_numpy(self._split(ops.convert_to_tensor(maps, dtype="float32")))
        deviation = planes.std(axis=(0, 1, 2))
        self.deviation.assign(np.where(deviation > 0, deviation, 1))

    def call(self, x: Tensor) -> Tensor:
        """Return the planes."""
        planes = self._split(x) / ops.cast(self.deviation, x.dtype)
        return ops.arcsinh(planes) if self.compressed else planes

    def _split(self, x: Tensor) -> Tensor:
        planes = []
        for step in (2**j for j in range(self.planes)):
            smooth = x
            for axis in (1, 2):
                smooth = 2 * smooth + ops.roll(smooth, step, axis) + ops.roll(smooth, -step, axis)
                smooth = smooth / 4
            planes.append(x - smooth)
            x = smooth
        return ops.concatenate([*planes, x], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with ``planes + 1`` channels."""
        return (*input_shape[:-1], self.planes + 1)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"planes": self.planes, "compressed": self.compressed}
