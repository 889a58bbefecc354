"""Virtual batch normalization."""

from typing import Any, Literal, get_args

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Shape, Tensor
from cosmogan_k3.backend.joint_moments import joint_moments
from cosmogan_k3.nn.moments import batch_moments, moments

Mode = Literal["batch", "example"]


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class VirtualBatchNorm(keras.layers.Layer):
    """Normalize each channel with statistics that include a fixed reference batch.

    The output is::

        y = γ (x − μ) / √(σ² + ε) + β

    In training, the first ``reference_size`` examples of the input are the reference batch. It
    passes through the same layers in the same step, so its mean μ_R and variance σ²_R follow the
    weights, and gradients flow through them. The reference is normalized with its own statistics.
    For the remaining n examples, with m = ``reference_size``::

        "batch":    μ = (m μ_R + n μ_B) / (m + n)      the joint mean of both batches
        "example":  μ = (m μ_R + μ_x) / (m + 1)        for each example x on its own

    and σ² is the variance of the same union.

    In inference the statistics of the last training pass are frozen: "batch" uses the joint ones,
    "example" joins the reference's with the example's own. In both modes an example does not depend
    on the other examples of its batch.

    Parameters
    ----------
    reference_size : int
        m, the number of reference examples at the start of each training batch.
    mode : {"batch", "example"}, default "batch"
        Examples that share their statistics with the reference.
    axis : int, default -1
        Channel axis, not 0.
    epsilon : float, default 1e-5
        ε.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the mode or the number of channels is unknown, or a training batch is not larger than
        the reference.

    Notes
    -----
    Input ``(n, …, channels)``, or with the channels on another axis, of any float dtype. Output of
    the same shape and dtype. The statistics are computed in float32 or a wider dtype.

    References
    ----------
    Salimans et al. 2016 (arXiv 1606.03498), section 3.4, for "example". The paper's Algorithm 1 for
    "batch", with a division by σ where it prints σ² (docs/explanation/errata.md).

    Examples
    --------
    >>> import numpy as np
    >>> layer = VirtualBatchNorm(reference_size=4)
    >>> x = np.random.default_rng(0).normal(3.0, 2.0, size=(12, 8, 8, 2))
    >>> y = layer(x, training=True)  # 4 reference examples and 8 others
    >>> bool(abs(float(np.asarray(layer.frozen_mean)[0]) - x[..., 0].mean()) < 1e-3)
    True
    """

    def __init__(
        self,
        reference_size: int,
        mode: Mode = "batch",
        *,
        axis: int = -1,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if reference_size < 1:
            raise ValueError(
                f"reference_size must be positive. Received: reference_size={reference_size}"
            )
        if mode not in get_args(Mode):
            raise ValueError(f"mode must be one of {get_args(Mode)}. Received: mode={mode!r}")
        self.reference_size = reference_size
        self.mode = mode
        self.axis = axis
        self.epsilon = float(epsilon)

    def build(self, input_shape: Shape) -> None:
        """Create γ, β and the frozen statistics."""
        rank = len(input_shape)
        channels = input_shape[self.axis] if -rank < self.axis < rank and self.axis else None
        if rank < 2 or channels is None:
            raise ValueError(
                "VirtualBatchNorm needs inputs of at least two axes, with a known size of the "
                f"channel axis {self.axis}. Received: shape {tuple(input_shape)}"
            )
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta")
        self._rank = rank
        frozen = {"shape": (channels,), "trainable": False, "dtype": "float32", "autocast": False}
        self.frozen_mean = self.add_weight(initializer="zeros", name="frozen_mean", **frozen)
        self.frozen_variance = self.add_weight(initializer="ones", name="frozen_variance", **frozen)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the normalized examples, the reference included in training."""
        wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        if training:
            y = self._normalize_training(wide)
        else:
            frozen = (
                self._per_channel(w, wide.dtype) for w in (self.frozen_mean, self.frozen_variance)
            )
            y = self._normalize(wide, *self._statistics(wide, *frozen))
        return ops.cast(y, x.dtype)

    def _normalize_training(self, x: Tensor) -> Tensor:
        """Normalize the reference and the rest, and freeze the statistics."""
        size = self.reference_size
        if x.shape[0] is not None and x.shape[0] <= size:
            raise ValueError(
                f"In training the first {size} examples of a batch are the reference, so it must "
                f"hold more than {size}. Received: a batch of {x.shape[0]}"
            )
        if (
            self.mode == "batch"
            and backend.fused_normalization_is_fast()
            and backend.replica_count() == 1
        ):
            return self._normalize_fused(x)
        reference, batch = backend.split(x, [size, ops.shape(x)[0] - size], 0)
        own = moments(reference, self._axes(x, batch=True))
        joint = self._joint(batch, *own) if self.mode == "batch" else own
        self._freeze(*joint)
        statistics = self._statistics(batch, *joint)
        return ops.concatenate(
            [self._normalize(reference, *own), self._normalize(batch, *statistics)], axis=0
        )

    def _normalize_fused(self, x: Tensor) -> Tensor:
        """Do the same in kernels of the backend."""
        gamma, beta = (ops.cast(ops.convert_to_tensor(w), x.dtype) for w in (self.gamma, self.beta))
        y, mean, variance = backend.virtual_batch_normalize(
            x, gamma, beta, self.reference_size, self.axis, self.epsilon
        )
        self._freeze(mean, variance)
        return y

    def _freeze(self, mean: Tensor, variance: Tensor) -> None:
        """Keep the shared statistics for inference."""
        for weight, value in ((self.frozen_mean, mean), (self.frozen_variance, variance)):
            weight.assign(ops.cast(ops.reshape(value, (-1,)), "float32"))

    def _joint(self, batch: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Statistics of the reference and the batch of all devices together."""
        count = ops.cast(ops.shape(batch)[0] * backend.replica_count(), mean.dtype)
        own = batch_moments(batch, self._axes(batch, batch=True))
        weight = self.reference_size / (self.reference_size + count)
        return joint_moments(weight, mean, variance, *own)

    def _statistics(self, x: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Statistics that normalize each example, from the shared ones."""
        if self.mode == "batch":
            return mean, variance
        own = moments(x, self._axes(x, batch=False))
        weight = self.reference_size / (self.reference_size + 1)
        return joint_moments(weight, mean, variance, *own)

    def _normalize(self, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        scale = ops.rsqrt(variance + self.epsilon) * self._per_channel(self.gamma, x.dtype)
        return x * scale + (self._per_channel(self.beta, x.dtype) - mean * scale)

    def _axes(self, x: Tensor, *, batch: bool) -> list[int]:
        """Axes to average over: all but the channels and, unless ``batch``, the examples."""
        rank = len(x.shape)
        return [i for i in range(0 if batch else 1, rank) if i != self.axis % rank]

    def _per_channel(self, weight: Tensor, dtype: str) -> Tensor:
        """Reshape a weight so that it broadcasts along the channel axis."""
        shape = [1] * self._rank
        shape[self.axis % self._rank] = -1
        return ops.cast(ops.reshape(weight, shape), dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {
            "reference_size": self.reference_size,
            "mode": self.mode,
            "axis": self.axis,
            "epsilon": self.epsilon,
        }
