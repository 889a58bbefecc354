"""Generator loss that matches the mean and the power spectrum of the training maps."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Conditions, FloatArray, Maps, Shape, Tensor
from cosmogan_k3.nn.quadratic_regression import linear_regression, log_regression, quadratic, terms
from cosmogan_k3.nn.spectral_ratio import power_ratio, shrink_towards
from cosmogan_k3.statistics.fourier import ring_means, wavenumbers

# Errors are clipped to this many standard deviations: at the start they are of any size.
_LARGEST_ERROR = 3.0

# Memory of the lag, as long as that of the averaged generator in the presets with this layer.
_LAG_MEMORY = 0.998

# Where the means of the training maps scatter by less than this fraction of the pixels' scatter,
# they were made equal: the mean is then not matched here, only by the spectral filter.
_CONSTANT_MEAN = 1e-3

# Training maps that are transformed at a time.
_BLOCK = 256

# Keeps blank maps from dividing by zero.
_TINY = np.finfo(np.float32).tiny


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SpectralMatching(keras.layers.Layer):
    """Loss term for the mean and the power spectrum of the averaged generator's maps.

    The loss, the running mean ū and the lag l are::

        L = w Σ_b clip(ū_b + l_b, ±3) ⟨u_b(g)⟩
        ū_b ← d ū_b + (1 − d) ⟨u_b(g)⟩
        l_b ← s l_b + (1 − s) ⟨u_b(ḡ) − u_b(g)⟩

    u_b is the mean of a map, or its power in ring b, minus the average over the training maps and
    divided by their standard deviation. g are maps of the generator. ḡ are maps of the averaged
    generator from the same latents.

    ū includes the present batch. ū and l are held constant in the gradient. Over many batches, the
    gradient of L is therefore that of w/2 Σ (ū + l)². The squared error of a single batch would
    also contain the scatter of that batch and would reward maps that are too similar. Without the
    lag, the averaged generator, which draws the final maps, would stay a few per cent below the
    target.

    Parameters
    ----------
    weight : float
        w, positive.
    memory : float, default 0.95
        d, in [0, 1). In step t, d and s = 0.998 are limited to (1 + t)/(10 + t).
    n_conditions : int, default 0
        Number of parameters of a conditional model. If positive, u is taken relative to the
        expectation for the parameters of each map: a ratio for the power, a difference for the
        mean. ``adapt`` measures both with ``log_regression`` and ``linear_regression``.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the weight is not positive, the memory lies outside [0, 1), or the side of the maps is
        unknown.

    Notes
    -----
    Input: maps ``(n, N, N, 1)`` in network units and, for a conditional model, their standardized
    parameters ``(n, n_conditions)``. Output: a scalar.

    References
    ----------
    A loss on the logarithm of the mean spectrum of one batch was added to cosmoGAN (Mustafa et al.
    2019, arXiv 1706.02390) by its successors. The running mean and the lag are new here.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(64, 16, 16, 1)).astype("float32")
    >>> matching = SpectralMatching(weight=1.0)
    >>> matching.adapt(maps)
    >>> abs(float(matching(maps))) < 1e-3
    True
    """

    # The lag is measured on every fourth map: enough, over many steps.
    EVERY = 4

    def __init__(
        self, weight: float, memory: float = 0.95, n_conditions: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not weight > 0 or not 0 <= memory < 1:
            raise ValueError(
                "weight must be positive and memory in [0, 1). "
                f"Received: weight={weight}, memory={memory}"
            )
        self.weight = weight
        self.memory = memory
        self.n_conditions = n_conditions

    def build(self, input_shape: Shape) -> None:
        """Create the weights for maps of shape ``input_shape``."""
        pixels = input_shape[1]
        if pixels is None:
            raise ValueError(
                f"SpectralMatching needs maps of a known side. Received: shape {tuple(input_shape)}"
            )
        # The rings are narrow enough to resolve the dips that upsampling leaves at the Nyquist
        # modes of its coarse grids.
        self._mean_of_rings = ring_means(pixels)
        fixed = {"trainable": False, "dtype": "float32", "autocast": False}
        moments = (1 + self._mean_of_rings.shape[1],)
        self.expected = self.add_weight(
            name="expected", shape=moments, initializer="zeros", **fixed
        )
        self.scatter = self.add_weight(name="scatter", shape=moments, initializer="ones", **fixed)
        self.running = self.add_weight(name="running", shape=moments, initializer="zeros", **fixed)
        self.lag = self.add_weight(name="lag", shape=moments, initializer="zeros", **fixed)
        self.steps = self.add_weight(name="steps", shape=(), initializer="zeros", **fixed)
        self.adapted_to = self.add_weight(name="adapted_to", shape=(), initializer="zeros", **fixed)
        if self.n_conditions:
            shape = (terms(self.n_conditions), *moments)
            self.slopes = self.add_weight(name="slopes", shape=shape, initializer="zeros", **fixed)

    def adapt(self, maps: Maps, conditions: Conditions | None = None) -> None:
        """Measure the mean and the scatter of the moments of training maps.

        Parameters
        ----------
        maps : array of float, shape (n, N, N, 1)
            Training maps in network units.
        conditions : array of float, shape (n, n_conditions), optional
            Their standardized parameters, for a conditional model.
        """
        if not self.built:
            self.build(maps.shape)
        moments = self._moments_of(_blocks(maps))
        constant_mean = moments[:, 0].std() < _CONSTANT_MEAN * np.std(maps[:_BLOCK])
        if conditions is not None:
            trends = (
                linear_regression(conditions, moments[:, :1]),
                log_regression(conditions, moments[:, 1:]),
            )
            self.slopes.assign(np.concatenate(trends, axis=1)[1:])
            moments = self._moments_of(_blocks(maps, conditions))
        scatter = moments.std(axis=0)
        if constant_mean:
            # An infinite unit makes the errors of the mean and of its square vanish.
            scatter[:2] = np.inf
        self.expected.assign(moments.mean(axis=0))
        self.scatter.assign(scatter)
        self.adapted_to.assign(len(moments))

    def shortfall(
        self, batches: Iterable[tuple[Maps, Conditions | None]]
    ) -> tuple[FloatArray, FloatArray, float]:
        """Measure the power and the mean that maps lack, as ``SpectralFilter.fit`` takes them.

        Parameters
        ----------
        batches : iterable of (maps, conditions)
            Generated maps ``(n, N, N, 1)`` in network units and their standardized parameters
            ``(n, n_conditions)``, or None.

        Returns
        -------
        wavenumbers : array of float, shape (n_rings,)
            Mean wave number of each ring in units of the fundamental mode. The first is 0.
        ratios : array of float, shape (n_rings,)
            Target power divided by the power of the maps. At wave number 0 this is the ratio of the
            variances of the maps' means. ``power_ratio`` limits the ratios to what exceeds the
            noise of both sets of maps.
        shift : float
            Difference of the means that remains once the maps are multiplied by the ratios' roots.
        """
        moments = self._moments_of(batches)
        expected, scatter, n_training = (
            ops.convert_to_numpy(x) for x in (self.expected, self.scatter, self.adapted_to)
        )
        # moments: mean, its square (mode 0), then the rings.
        found, target = moments.mean(axis=0)[2:], expected[2:]
        noise = moments.std(axis=0)[2:] / np.sqrt(len(moments)) / np.maximum(found, _TINY)
        training_noise = scatter[2:] / np.sqrt(n_training) / np.maximum(target, _TINY)
        modes = 1 / self._mean_of_rings.max(axis=0)
        ratios = power_ratio(modes[1:], target, found, np.hypot(noise, training_noise))
        means = moments[:, 0]
        of_means = ratios[0]
        if np.isfinite(scatter[0]):
            ratio = scatter[0] ** 2 / max(means.var(), _TINY)
            of_means = shrink_towards(of_means, ratio, np.sqrt(2 / len(means) + 2 / n_training))
        pixels = round(len(self._mean_of_rings) ** 0.5)
        of_rings = wavenumbers(pixels).ravel() @ self._mean_of_rings
        shift = expected[0] - np.sqrt(of_means) * means.mean()
        return of_rings, np.append(of_means, ratios), shift

    def call(self, maps: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return the loss of generated maps."""
        found = self._standardized(maps, conditions)
        error = self._moved(self.running, found, self.memory) + self.lag
        error = ops.clip(error, -_LARGEST_ERROR, _LARGEST_ERROR)
        return self.weight * ops.sum(ops.stop_gradient(error) * found)

    def update(self, maps: Tensor, averaged: Tensor, conditions: Tensor | None = None) -> None:
        """Move the running mean and the lag.

        Parameters
        ----------
        maps : Tensor
            Generated maps ``(n, N, N, 1)``.
        averaged : Tensor
            Maps of the averaged generator, from the latents of ``maps[::SpectralMatching.EVERY]``.
        conditions : Tensor, optional
            Standardized parameters of ``maps``, shape ``(n, n_conditions)``.
        """
        few = None if conditions is None else conditions[:: self.EVERY]
        lag = self._standardized(averaged, few) - self._standardized(maps[:: self.EVERY], few)
        self.lag.assign(self._moved(self.lag, lag, _LAG_MEMORY))
        found = self._standardized(maps, conditions)
        self.running.assign(self._moved(self.running, found, self.memory))
        self.steps.assign(self.steps + 1)

    def _moved(self, mean: Tensor, found: Tensor, memory: float) -> Tensor:
        """Exponential moving average after one more value."""
        memory = ops.minimum(memory, (1 + self.steps) / (10 + self.steps))
        return memory * mean + (1 - memory) * found

    def _standardized(self, maps: Tensor, conditions: Tensor | None = None) -> Tensor:
        """⟨u⟩ over the maps of all devices, shape ``(1 + n_rings,)``."""
        moments = backend.gather(self._moments(maps, conditions))
        return (ops.mean(moments, axis=0) - self.expected) / self.scatter

    def _moments(self, maps: Tensor, conditions: Tensor | None) -> Tensor:
        """Mean and power of each map, relative to the expectation for its parameters if given."""
        maps = ops.squeeze(ops.cast(maps, "float32"), -1)
        real, imaginary = ops.fft2((maps, ops.zeros_like(maps)))
        power = ops.reshape(
            ops.square(real) + ops.square(imaginary), (-1, len(self._mean_of_rings))
        )
        rings = ops.matmul(power, ops.convert_to_tensor(self._mean_of_rings))
        mean = ops.mean(maps, axis=(1, 2))[:, None]
        if conditions is not None:
            features = quadratic(ops.cast(conditions, "float32"))
            trend = features @ ops.convert_to_tensor(self.slopes)
            mean, rings = mean - trend[:, :1], rings * ops.exp(-trend[:, 1:])
        return ops.concatenate([mean, rings], axis=1)

    def _moments_of(self, batches: Iterable[tuple[Maps, Conditions | None]]) -> FloatArray:
        """Moments of all maps, as a NumPy array ``(n, 1 + n_rings)``."""
        parts = []
        for maps, conditions in batches:
            rows = None if conditions is None else ops.convert_to_tensor(conditions)
            moments = self._moments(ops.convert_to_tensor(maps), rows)
            parts.append(ops.convert_to_numpy(moments))
        return np.concatenate(parts)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of a scalar."""
        return ()

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {
            "weight": self.weight,
            "memory": self.memory,
            "n_conditions": self.n_conditions,
        }


def _blocks(
    maps: Maps, conditions: Conditions | None = None
) -> Iterable[tuple[Maps, Conditions | None]]:
    """Pairs of maps and conditions, a block at a time."""
    for start in range(0, len(maps), _BLOCK):
        rows = slice(start, start + _BLOCK)
        yield maps[rows], None if conditions is None else conditions[rows]
