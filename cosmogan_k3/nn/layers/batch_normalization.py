"""Batch normalization with the statistics of all devices."""

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Tensor
from cosmogan_k3.nn.moments import batch_moments


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class BatchNormalization(keras.layers.BatchNormalization):
    """``keras.layers.BatchNormalization`` with the statistics of the whole batch of all devices.

    Keras's layer can do this on TensorFlow only (``synchronized``).

    Parameters
    ----------
    **kwargs
        Options of ``keras.layers.BatchNormalization``.

    Notes
    -----
    Input ``(n, …, channels)``, output of the same shape.

    References
    ----------
    Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> y = BatchNormalization(epsilon=0.0)(np.array([[1.0], [3.0]], "float32"), training=True)
    >>> keras.ops.convert_to_numpy(y).tolist()
    [[-1.0], [1.0]]
    """

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Return the normalized features."""
        if not (training and self.trainable):
            return super().call(x, training=training)
        fused = (
            backend.fused_normalization_is_fast()
            and backend.replica_count() == 1
            and self.scale
            and self.center
        )
        wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        y, mean, variance = (self._normalize_fused if fused else self._normalize)(wide)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(
                self.momentum * average + (1 - self.momentum) * ops.cast(value, average.dtype)
            )
        return ops.cast(y, x.dtype)

    def _normalize(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalize the features; return also their mean and variance."""
        axes = [axis for axis in range(len(x.shape)) if axis != self.axis % len(x.shape)]
        mean, variance = (ops.reshape(moment, (-1,)) for moment in batch_moments(x, axes))
        weights = {"offset": self.beta, "scale": self.gamma}
        y = ops.batch_normalization(x, mean, variance, self.axis, epsilon=self.epsilon, **weights)
        return y, mean, variance

    def _normalize_fused(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Do the same as ``_normalize`` in one kernel of the backend."""
        gamma, beta = (ops.cast(ops.convert_to_tensor(w), x.dtype) for w in (self.gamma, self.beta))
        return backend.batch_normalize(x, gamma, beta, self.axis, self.epsilon)
