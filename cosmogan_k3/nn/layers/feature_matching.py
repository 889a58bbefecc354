"""Generator loss that matches the features of a fixed random network."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cosmogan_k3 import backend
from cosmogan_k3._typing import Conditions, Maps, Shape, Tensor
from cosmogan_k3.nn.layers.atrous_wavelet import AtrousWavelet
from cosmogan_k3.nn.layers.log_plane import LogPlane
from cosmogan_k3.nn.layers.moment_matching import MomentMatching, in_blocks
from cosmogan_k3.nn.quadratic_regression import linear_regression

# Wavelet planes that the network sees, besides the smooth map and the logarithm of the map.
_PLANES = 4

# Channels of its convolutions. The first has stride 1, the others 2.
_CHANNELS = (32, 64, 64)

# Channels of a convolution that sees the planes as they are. The others see them compressed, and
# hardly notice how bright a halo is.
_BRIGHT_CHANNELS = 16

# Factor before the activation.
_STEEPNESS = 2.0

# Scatter of the biases, in units of that of the activations: some features answer to rare pixels.
_BIAS = 0.7

# Seed of the network: the same for every model and backend.
_SEED = 20261128

# Maps that set the scale of the planes.
_BLOCK = 512

# Directions whose variance is small against this fraction of the mean variance count for less:
# a few thousand maps do not measure them.
_FLOOR = 1e-3


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class FeatureMatching(MomentMatching):
    """Loss term for the features of a network with random weights, which are never trained.

    The moments of ``MomentMatching`` are::

        u = Λ^(−1/2) Vᵀ (f − f̄)

    f are the means over the map of all activations and of their squares. f̄ is their mean over the
    training maps, and V Λ Vᵀ their covariance, with a floor under its small eigenvalues. The
    network sees wavelet planes and the smooth map (``AtrousWavelet``), compressed by arsinh, and
    the logarithm (``LogPlane``). Some features are of the planes as they are.

    A discriminator has to find first in what the maps differ. Here the differences of several
    hundred features are known at the first step, each in units of its scatter. What these features
    do not see is left to the discriminator.

    Parameters
    ----------
    weight : float
        w, positive.
    memory : float, default 0.95
        d, in [0, 1), as in ``MomentMatching``.
    n_conditions : int, default 0
        Number of parameters of a conditional model. If positive, f̄ is a quadratic function of
        them, which ``adapt`` fits.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        As for ``MomentMatching``.

    References
    ----------
    Ustyuzhaninov et al. 2017 (arXiv 1606.00021): textures from networks with random filters. Li et
    al. 2015 (arXiv 1502.02761): generators that match moments. Salimans et al. 2016 (arXiv
    1606.03498), section 3.1: matching of the discriminator's features.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(64, 32, 32, 1)).astype("float32")
    >>> matching = FeatureMatching(weight=1.0)
    >>> matching.adapt(maps)
    >>> abs(float(matching(maps))) < 1e-3
    True
    """

    NAME = "feature_matching"

    def __init__(
        self, weight: float, memory: float = 0.95, n_conditions: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(weight, memory, n_conditions, **kwargs)
        self.wavelet = AtrousWavelet(_PLANES, dtype="float32", name="planes")
        self.logarithm = LogPlane(dtype="float32", name="log_plane")

    def build(self, input_shape: Shape) -> None:
        """Create the weights for maps of shape ``input_shape``."""
        for layer in (self.wavelet, self.logarithm):
            layer.build(input_shape)
        *self._kernels, self._bright_kernel = random_kernels()
        moments = 2 * (sum(_CHANNELS) + _BRIGHT_CHANNELS)
        self.expected = self._fixed("expected", (moments,))
        self.whitening = self._fixed("whitening", (moments, moments))
        self._add_state(moments)

    def adapt(self, maps: Maps, conditions: Conditions | None = None) -> None:
        """Measure the mean and the covariance of the features of training maps."""
        if not self.built:
            self.build(maps.shape)
        self.wavelet.adapt(maps[:_BLOCK])
        self.logarithm.adapt(maps[:_BLOCK])
        features = self._moments_of(in_blocks(maps))
        if conditions is not None:
            self.slopes.assign(linear_regression(conditions, features)[1:])
            features = ops.convert_to_numpy(self._relative(features, conditions))
        covariance = np.cov(features.astype(np.float64), rowvar=False)
        variances, directions = np.linalg.eigh(covariance)
        variances = np.maximum(variances, 0)
        variances += _FLOOR * variances.mean()
        self.expected.assign(features.mean(axis=0))
        self.whitening.assign(directions / np.sqrt(variances))
        self.adapted_to.assign(len(maps))

    def _in_units(self, moments: Tensor) -> Tensor:
        """Return mean features as u."""
        difference = ops.expand_dims(moments - self.expected, 0)
        return ops.squeeze(ops.matmul(difference, ops.convert_to_tensor(self.whitening)), 0)

    def _measured(self, maps: Tensor) -> Tensor:
        """Return the mean activations of each map, and their mean squares."""
        planes = self.wavelet(maps)
        activations = [_activations(planes / _STEEPNESS, *self._bright_kernel)]
        x = ops.concatenate([ops.arcsinh(planes), self.logarithm(maps)], axis=-1)
        for i, kernel_and_bias in enumerate(self._kernels):
            x = _activations(x, *kernel_and_bias, strides=2 if i else 1)
            activations.append(x)
        means = [ops.mean(y, axis=(1, 2)) for x in activations for y in (x, ops.square(x))]
        return ops.concatenate(means, axis=1)

    def _without_trend(self, moments: Tensor, trend: Tensor) -> Tensor:
        """Return differences from the trend."""
        return moments - trend


def _activations(
    x: Tensor, kernel: NDArray[np.float32], bias: NDArray[np.float32], strides: int = 1
) -> Tensor:
    """Return the activations of one convolution."""
    x = backend.convolve(x, ops.convert_to_tensor(kernel), ops.convert_to_tensor(bias), strides)
    return ops.silu(_STEEPNESS * x)


def random_kernels() -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return kernels ``(3, 3, inputs, outputs)`` and biases, the same on every backend.

    Examples
    --------
    >>> [kernel.shape for kernel, _ in random_kernels()]
    [(3, 3, 6, 32), (3, 3, 32, 64), (3, 3, 64, 64), (3, 3, 5, 16)]
    """
    rng = np.random.default_rng(_SEED)
    seen = (_PLANES + 2, *_CHANNELS[:-1], _PLANES + 1)
    kernels = []
    for inputs, outputs in zip(seen, (*_CHANNELS, _BRIGHT_CHANNELS), strict=True):
        kernel = rng.standard_normal((3, 3, inputs, outputs)) / np.sqrt(9 * inputs)
        bias = _BIAS * rng.standard_normal(outputs)
        kernels.append((kernel.astype(np.float32), bias.astype(np.float32)))
    return kernels
