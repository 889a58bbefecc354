"""A lognormal output whose bend follows the parameters of the map."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3.nn.layers.lognormal_output import LognormalOutput, bent, fit_skew

_POINTS = 8
"""Places in the range of parameters where the bend is measured, each on the maps nearest to it."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class ConditionalOutput(LognormalOutput):
    """``LognormalOutput`` with a bend that is linear in the parameters.

        y = (exp(a x) − 1)/a,        a = a_0 + Σ_j s_j θ_j

    ``adapt`` measures a_0 and s on the skewness of training maps; both are learnt from there.

    Args:
        initial: float in (−1, 1), a_0 at the start.

    Inputs: a field ``(n, N, N, 1)`` and θ ``(n, parameters)``, standardised. Output: the shape of the field.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import ConditionalOutput
        >>> ConditionalOutput()([np.zeros((2, 8, 8, 1)), np.ones((2, 3))]).shape == (2, 8, 8, 1)
        True

    Source: as ``LognormalOutput``.
    """

    conditional = True

    def build(self, input_shape):
        field, theta = input_shape
        super().build(field)
        self.slopes = self.add_weight(shape=(theta[-1],), initializer="zeros", name="slopes")

    def adapt(self, maps, theta):
        """Start from training maps ``(n, N, N, 1)`` in network units, and their standardised parameters."""
        if not self.built:
            self.build([maps.shape, theta.shape])
        base, *slopes = skew_regression(maps, theta)
        self.bend.assign(base)
        self.slopes.assign(slopes)

    def call(self, inputs):
        field, theta = inputs
        bend = (
            ops.convert_to_tensor(self.bend) + theta @ ops.convert_to_tensor(self.slopes)[:, None]
        )
        return bent(field, ops.clip(bend, -1.0, 1.0)[:, :, None, None])

    def compute_output_shape(self, input_shape):
        return input_shape[0]


def skew_regression(maps, theta):
    """a_0 and s of the bends that maps ``(n, …)`` of parameters ``(n, p)`` have, float64 ``(1 + p,)``.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> theta = rng.uniform(-1.5, 1.5, size=(400, 1))
        >>> bend = (0.4 + 0.1 * theta)[..., None]
        >>> maps = np.expm1(bend * rng.normal(scale=0.8, size=(400, 32, 32))) / bend
        >>> bool(np.abs(skew_regression(maps, theta) - [0.4, 0.1]).max() < 0.03)
        True
    """
    theta = np.asarray(theta, dtype=np.float64)
    points, bends = spread_points(theta, _POINTS), []
    for point in points:
        nearest = np.argsort(np.square(theta - point).sum(axis=1), kind="stable")[
            : -(-len(theta) // _POINTS)
        ]
        few = maps[np.sort(nearest)][:, ::2, ::2]  # neighbours say much the same
        bends.append((*theta[nearest].mean(axis=0), fit_skew(few)))
    *columns, bends = np.array(bends).T
    return np.linalg.lstsq(np.stack([np.ones(len(points)), *columns], axis=1), bends, rcond=1e-6)[0]


def spread_points(theta, count):
    """At most so many of the parameters ``(n, p)`` that occur, each the farthest from those before it.

    Example:
        >>> import numpy as np
        >>> spread_points(np.array([[0.0], [1.0], [1.0], [4.0]]), 2).tolist()
        [[0.0], [4.0]]
    """
    distinct = np.unique(theta, axis=0)
    chosen, distance = [0], np.full(len(distinct), np.inf)
    while len(chosen) < min(count, len(distinct)):
        distance = np.minimum(distance, np.square(distinct - distinct[chosen[-1]]).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return distinct[chosen]
