"""Virtual batch normalisation."""

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.backend.joint_moments import joint_moments
from cosmogan_k3.nn.moments import batch_moments, moments

MODES = ("batch", "example")


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class VirtualBatchNorm(keras.layers.Layer):
    """Normalise each channel with statistics in which a fixed reference batch takes part.

    In training the first ``reference_size`` examples of the input are the reference batch: it has passed
    through the same layers in the same step, so its mean μ_R and variance σ²_R follow the weights, and gradients
    flow through them. The reference is normalised with its own statistics, the remaining n examples with

        "batch":    μ = (m μ_R + n μ_B) / (m + n)          the joint statistics of both batches (Algorithm 1)
        "example":  μ = (m μ_R + μ_x) / (m + 1)            each example x on its own

    with m = ``reference_size``, σ² the variance of the same union, and y = γ (x − μ) / √(σ² + ε) + β. In inference
    the statistics of the last training pass are frozen: "batch" uses the joint ones as they are, "example" mixes
    the reference's with the example's own, and in both a sample does not depend on what else is in its batch.

    Args:
        reference_size: int, m, the number of reference examples that lead each training batch.
        mode: "batch" or "example".
        axis: int, the channel axis: -1 for channels last, 1 for channels first.
        epsilon: float, ε.

    Input ``(n, …, channels)`` (or ``(n, channels, …)``) of any float dtype; output of the same shape and dtype.
    The statistics are computed in float32 or wider.

    Raises:
        ValueError: unknown mode, unknown number of channels, or a training batch no larger than the reference.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import VirtualBatchNorm
        >>> layer = VirtualBatchNorm(reference_size=4)
        >>> x = np.random.default_rng(0).normal(3.0, 2.0, size=(12, 8, 8, 2))
        >>> y = layer(x, training=True)      # 4 reference examples and 8 others
        >>> bool(abs(float(np.asarray(layer.frozen_mean)[0]) - x[..., 0].mean()) < 1e-3)
        True

    Source: Salimans et al. 2016 (arXiv 1606.03498), section 3.4, for "example"; the paper's Algorithm 1, with
    σ in place of the σ² by which it divides, for "batch".
    """

    def __init__(self, reference_size, mode="batch", *, axis=-1, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        if reference_size < 1:
            raise ValueError(
                f"reference_size must be positive. Received: reference_size={reference_size}"
            )
        if mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}. Received: mode={mode!r}")
        self.reference_size = reference_size
        self.mode = mode
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape):
        rank = len(input_shape)
        channels = input_shape[self.axis] if -rank < self.axis < rank and self.axis else None
        if rank < 2 or channels is None:
            raise ValueError(
                "VirtualBatchNorm needs inputs of at least two axes, with a known size of the channel axis "
                f"{self.axis}. Received: shape {tuple(input_shape)}"
            )
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta")
        self._rank = rank
        frozen = {"shape": (channels,), "trainable": False, "dtype": "float32", "autocast": False}
        self.frozen_mean = self.add_weight(initializer="zeros", name="frozen_mean", **frozen)
        self.frozen_variance = self.add_weight(initializer="ones", name="frozen_variance", **frozen)

    def call(self, x, training=False):
        wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        if training:
            y = self._normalize_training(wide)
        else:
            frozen = (
                self._per_channel(w, wide.dtype) for w in (self.frozen_mean, self.frozen_variance)
            )
            y = self._normalize(wide, *self._statistics(wide, *frozen))
        return ops.cast(y, x.dtype)

    def _normalize_training(self, x):
        size = self.reference_size
        if x.shape[0] is not None and x.shape[0] <= size:
            raise ValueError(
                f"In training the first {size} examples of a batch are the reference, so it must hold more than "
                f"{size}. Received: a batch of {x.shape[0]}"
            )
        if (
            self.mode == "batch"
            and backend.fused_normalization_is_fast()
            and backend.replica_count() == 1
        ):
            return self._normalize_fused(x)
        reference, batch = self._parts(x)
        own = moments(reference, self._axes(x, batch=True))
        joint = self._joint(batch, *own) if self.mode == "batch" else own
        self._freeze(*joint)
        statistics = self._statistics(batch, *joint)
        return ops.concatenate(
            [self._normalize(reference, *own), self._normalize(batch, *statistics)], axis=0
        )

    def _normalize_fused(self, x):
        """The same in the framework's own kernels."""
        weights = [ops.cast(ops.convert_to_tensor(w), x.dtype) for w in (self.gamma, self.beta)]
        y, *joint = backend.virtual_batch_normalize(
            x, *weights, self.reference_size, self.axis, self.epsilon
        )
        self._freeze(*joint)
        return y

    def _parts(self, x):
        """The reference and the rest."""
        return backend.split(x, [self.reference_size, ops.shape(x)[0] - self.reference_size], 0)

    def _freeze(self, mean, variance):
        for weight, value in ((self.frozen_mean, mean), (self.frozen_variance, variance)):
            weight.assign(ops.cast(ops.reshape(value, (-1,)), "float32"))

    def _joint(self, batch, mean, variance):
        count = ops.cast(ops.shape(batch)[0] * backend.replica_count(), mean.dtype)
        own = batch_moments(batch, self._axes(batch, batch=True))
        return joint_moments(
            self.reference_size / (self.reference_size + count), mean, variance, *own
        )

    def _statistics(self, x, mean, variance):
        """The statistics that normalise each example, from those shared by all."""
        if self.mode == "batch":
            return mean, variance
        own = moments(x, self._axes(x, batch=False))
        return joint_moments(self.reference_size / (self.reference_size + 1), mean, variance, *own)

    def _normalize(self, x, mean, variance):
        scale = ops.rsqrt(variance + self.epsilon) * self._per_channel(self.gamma, x.dtype)
        return x * scale + (self._per_channel(self.beta, x.dtype) - mean * scale)

    def _axes(self, x, *, batch):
        rank = len(x.shape)
        return [i for i in range(0 if batch else 1, rank) if i != self.axis % rank]

    def _per_channel(self, weight, dtype):
        """Shape a weight so that it broadcasts along the channel axis."""
        shape = [1] * self._rank
        shape[self.axis % self._rank] = -1
        return ops.cast(ops.reshape(weight, shape), dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {
            "reference_size": self.reference_size,
            "mode": self.mode,
            "axis": self.axis,
            "epsilon": self.epsilon,
        }
