"""Batch normalisation over the whole batch."""

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.nn.moments import batch_moments


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class BatchNormalization(keras.layers.BatchNormalization):
    """``keras.layers.BatchNormalization`` with the statistics of the whole batch, however many devices share it.

    Keras's own offers that on TensorFlow alone (``synchronized``). The arguments are Keras's.

    Input ``(n, …, channels)``, output of the same shape.

    Example:
        >>> import numpy as np
        >>> y = BatchNormalization(epsilon=0.0)(np.array([[1.0], [3.0]], "float32"), training=True)
        >>> keras.ops.convert_to_numpy(y).tolist()
        [[-1.0], [1.0]]

    Source: Ioffe & Szegedy 2015 (arXiv 1502.03167), Algorithm 1.
    """

    def call(self, x, training=None):
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

    def _normalize(self, x):
        axes = [axis for axis in range(len(x.shape)) if axis != self.axis % len(x.shape)]
        mean, variance = (ops.reshape(moment, (-1,)) for moment in batch_moments(x, axes))
        weights = {"offset": self.beta, "scale": self.gamma}
        y = ops.batch_normalization(x, mean, variance, self.axis, epsilon=self.epsilon, **weights)
        return y, mean, variance

    def _normalize_fused(self, x):
        """The same in one pass of the framework's own kernel."""
        weights = [
            ops.cast(ops.convert_to_tensor(weight), x.dtype) for weight in (self.gamma, self.beta)
        ]
        return backend.batch_normalize(x, *weights, self.axis, self.epsilon)
