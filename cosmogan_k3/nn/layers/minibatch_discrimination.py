"""Minibatch discrimination."""

import keras
from keras import ops

from cosmogan_k3 import backend

_CHUNK = 16
"""Kernels compared at a time: bounds the memory at (n, n, 16) for each of the ``dims``."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class MinibatchDiscrimination(keras.layers.Layer):
    """Append to each example how close it lies to the others of its batch.

    With f the flattened features, T a trainable tensor (features, kernels, dims) and M_i = f_i T,

        o(x_i)_b = Σ_j exp(−‖M_ib − M_jb‖₁),       y_i = [x_i, o(x_i)]

    where the sum runs over the whole batch, the example itself included (which adds 1).

    Args:
        kernels: int, number of similarity features b.
        dims: int, length of each row of M.
        projection: int or None. Project the features to so many before T acts; None is the literal form, whose T
            has features·kernels·dims weights (168 million on the paper's 131,072 features: docs/errata.md).
        channels_first: bool, for four-axis inputs.
        kernel_initializer: initializer of T; N(0, 0.02²) where none is given.
        projection_initializer: initializer of the projection.

    Input ``(n, features)`` gives ``(n, features + kernels)``. Input ``(n, rows, columns, channels)`` gives
    ``(n, rows, columns, channels + kernels)``: the similarities become constant channels. No
    ``(n, n, kernels, dims)`` tensor is formed, forward or backward: kernels are compared in chunks of 16, which the
    backward pass computes again.

    Raises:
        ValueError: non-positive sizes, or inputs with an unknown axis.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import MinibatchDiscrimination
        >>> MinibatchDiscrimination(kernels=16, dims=5)(np.zeros((4, 10))).shape == (4, 26)
        True

    Source: Salimans et al. 2016 (arXiv 1606.03498), section 3.2; the paper's Algorithm 2.
    """

    def __init__(
        self,
        kernels,
        dims,
        projection=None,
        *,
        channels_first=False,
        kernel_initializer=None,
        projection_initializer="glorot_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if min(kernels, dims, 1 if projection is None else projection) < 1:
            raise ValueError(
                "kernels, dims and projection must be positive. "
                f"Received: kernels={kernels}, dims={dims}, projection={projection}"
            )
        self.kernels = kernels
        self.dims = dims
        self.projection = projection
        self.channels_first = channels_first
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or keras.initializers.RandomNormal(stddev=0.02)
        )
        self.projection_initializer = keras.initializers.get(projection_initializer)

    def build(self, input_shape):
        if len(input_shape) not in (2, 4) or None in input_shape[1:]:
            raise ValueError(
                "MinibatchDiscrimination takes (n, features) or four axes, all but the first of known size. "
                f"Received: shape {tuple(input_shape)}"
            )
        features = 1
        for size in input_shape[1:]:
            features *= size
        if self.projection is not None:
            self.projector = self.add_weight(
                shape=(features, self.projection),
                initializer=self.projection_initializer,
                name="projector",
            )
            features = self.projection
        self.features = features
        self.kernel = self.add_weight(
            shape=(features, self.kernels * self.dims),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, x):
        features = ops.reshape(x, (ops.shape(x)[0], -1))
        if self.projection is not None:
            features = ops.matmul(features, self.projector)
        rows = ops.reshape(ops.matmul(features, self.kernel), (-1, self.kernels, self.dims))
        everyone = backend.gather(rows)
        chunks = [
            keras.remat(similarity)(
                rows[:, start : start + _CHUNK], everyone[:, start : start + _CHUNK]
            )
            for start in range(0, self.kernels, _CHUNK)
        ]
        closeness = ops.concatenate(chunks, axis=1)
        if len(x.shape) == 4:
            axes = (2, 3) if self.channels_first else (1, 2)
            shape = list(self.compute_output_shape(x.shape))
            shape[0], shape[1 if self.channels_first else 3] = ops.shape(x)[0], self.kernels
            closeness = ops.broadcast_to(ops.expand_dims(closeness, axes), shape)
        return ops.concatenate([x, closeness], axis=1 if self.channels_first else -1)

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        shape[1 if self.channels_first else -1] += self.kernels
        return tuple(shape)

    def get_config(self):
        return super().get_config() | {
            "kernels": self.kernels,
            "dims": self.dims,
            "projection": self.projection,
            "channels_first": self.channels_first,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "projection_initializer": keras.initializers.serialize(self.projection_initializer),
        }


def similarity(rows, others):
    """Σ_j exp(−‖M_ib − M_jb‖₁) for ``rows`` M_i and ``others`` M_j, both (n, kernels, dims); returns (n, kernels)."""
    distance = 0.0
    for d in range(rows.shape[2]):
        distance = distance + ops.abs(rows[:, None, :, d] - others[None, :, :, d])
    return ops.sum(ops.exp(-distance), axis=1)
