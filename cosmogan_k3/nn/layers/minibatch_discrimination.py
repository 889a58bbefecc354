"""Minibatch discrimination."""

import math
from typing import Any

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Shape, Tensor

# Kernels compared at a time. It bounds the memory at (n, n, 16) for each of the ``dims``.
_CHUNK = 16


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class MinibatchDiscrimination(keras.layers.Layer):
    """Append to each example its similarity to the other examples of the batch.

    With the flattened features f, a trainable tensor T of shape (features, kernels, dims), and
    M_i = f_i T::

        o(x_i)_b = Σ_j exp(−‖M_ib − M_jb‖₁),       y_i = [x_i, o(x_i)]

    The sum runs over the whole batch, on all devices. It includes the example itself, which adds 1.

    Parameters
    ----------
    kernels : int
        Number of similarity features b.
    dims : int
        Length of each row of M.
    projection : int, optional
        Number of features that a trainable projection leaves for T. With None, T acts on the
        features themselves: the published form has 168 million weights for the 131,072 features
        of the paper (docs/explanation/errata.md).
    kernel_initializer : keras.initializers.Initializer or str, optional
        Initializer of T, by default N(0, 0.02²).
    projection_initializer : keras.initializers.Initializer or str, default "glorot_normal"
        Initializer of the projection.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If a size is not positive or the inputs have an axis of unknown size.

    Notes
    -----
    Input ``(n, features)`` gives ``(n, features + kernels)``. Input
    ``(n, rows, columns, channels)`` gives ``(n, rows, columns, channels + kernels)``: the
    similarities become constant channels.

    A tensor of shape ``(n, n, kernels, dims)`` is never formed. Kernels are compared in chunks of
    16, which the backward pass computes again.

    References
    ----------
    Salimans et al. 2016 (arXiv 1606.03498), section 3.2; the paper's Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> MinibatchDiscrimination(kernels=16, dims=5)(np.zeros((4, 10))).shape == (4, 26)
    True
    """

    def __init__(
        self,
        kernels: int,
        dims: int,
        projection: int | None = None,
        *,
        kernel_initializer: keras.initializers.Initializer | str | None = None,
        projection_initializer: keras.initializers.Initializer | str = "glorot_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if min(kernels, dims, 1 if projection is None else projection) < 1:
            raise ValueError(
                "kernels, dims and projection must be positive. "
                f"Received: kernels={kernels}, dims={dims}, projection={projection}"
            )
        self.kernels = kernels
        self.dims = dims
        self.projection = projection
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or keras.initializers.RandomNormal(stddev=0.02)
        )
        self.projection_initializer = keras.initializers.get(projection_initializer)

    def build(self, input_shape: Shape) -> None:
        """Create the weights for inputs of shape ``input_shape``."""
        sizes = [size for size in input_shape[1:] if size is not None]
        if len(input_shape) not in (2, 4) or len(sizes) < len(input_shape) - 1:
            raise ValueError(
                "MinibatchDiscrimination takes (n, features) or four axes, "
                f"all but the first of known size. Received: shape {tuple(input_shape)}"
            )
        features = math.prod(sizes)
        if self.projection is not None:
            self.projector = self.add_weight(
                shape=(features, self.projection),
                initializer=self.projection_initializer,
                name="projector",
            )
            features = self.projection
        self.kernel = self.add_weight(
            shape=(features, self.kernels * self.dims),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, x: Tensor) -> Tensor:
        """Return the inputs with the similarities appended."""
        features = ops.reshape(x, (ops.shape(x)[0], -1))
        if self.projection is not None:
            features = ops.matmul(features, self.projector)
        rows = ops.reshape(ops.matmul(features, self.kernel), (-1, self.kernels, self.dims))
        others = backend.gather(rows)
        chunks = [
            keras.remat(similarity)(
                rows[:, start : start + _CHUNK], others[:, start : start + _CHUNK]
            )
            for start in range(0, self.kernels, _CHUNK)
        ]
        closeness = ops.concatenate(chunks, axis=1)
        if len(x.shape) == 4:
            shape = (ops.shape(x)[0], *x.shape[1:3], self.kernels)
            closeness = ops.broadcast_to(ops.expand_dims(closeness, (1, 2)), shape)
        return ops.concatenate([x, closeness], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with ``kernels`` more features."""
        *sizes, features = input_shape
        return (*sizes, None if features is None else features + self.kernels)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {
            "kernels": self.kernels,
            "dims": self.dims,
            "projection": self.projection,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "projection_initializer": keras.initializers.serialize(self.projection_initializer),
        }


def similarity(rows: Tensor, others: Tensor) -> Tensor:
    """Sum the similarities of each row to all others.

    The sums are::

        o_ib = Σ_j exp(−‖M_ib − M_jb‖₁)

    Parameters
    ----------
    rows : Tensor
        M_i, shape ``(n, kernels, dims)``.
    others : Tensor
        M_j, shape ``(m, kernels, dims)``.

    Returns
    -------
    Tensor
        o, shape ``(n, kernels)``.

    Examples
    --------
    >>> rows = ops.ones((3, 2, 5))
    >>> ops.convert_to_numpy(similarity(rows, rows)).tolist()
    [[3.0, 3.0], [3.0, 3.0], [3.0, 3.0]]
    """
    distance = 0.0
    for d in range(rows.shape[2]):
        distance = distance + ops.abs(rows[:, None, :, d] - others[None, :, :, d])
    return ops.sum(ops.exp(-distance), axis=1)
