"""A pull on the generator towards the mean and the power spectrum of the training maps."""

import itertools

import keras
import numpy as np
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.nn.quadratic_regression import linear_regression, log_regression, quadratic, terms
from cosmogan_k3.nn.shrinkage import shrink_to_significant

_WIDTH = 1.08
"""Ratio of a ring's edges, where that is more than one mode: enough to see the dips that upsampling leaves at the
Nyquist modes of its coarse grids."""

_LARGEST_ERROR = 3.0
"""Errors in units of the scatter between maps count as no more: at the start they are of any size."""

_SLOW = 0.998
"""Memory of the lag between the generator and its average: as long as that of the average itself."""


_CONSTANT = 1e-3
"""Means of maps that scatter by less, in units of the pixels' scatter, were made equal, and are left to the filter."""

_BLOCK = 256
"""Training maps whose moments are measured at a time."""

_ENOUGH_MODES = 100
"""In a wide ring of the filter: the power of 50 independent ones in 2,000 maps is known to 0.3 %."""

_TINY = np.finfo(np.float32).tiny
"""Keeps blank maps from dividing by zero."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SpectralMatching(keras.layers.Layer):
    """A term of the generator's loss that vanishes where its average draws maps of the right mean and power spectrum.

        L = w Σ_b (ū_b + l_b) ⟨u_b(g)⟩,     ū_b ← d ū_b + (1 − d) ⟨u_b(g)⟩,     l_b ← s l_b + (1 − s) ⟨u_b(ḡ) − u_b(g)⟩

    with u_b the map's mean, or its power in ring b, less the mean over training maps and in units of their scatter from
    one map to the next. g are the maps of this step's generator and ḡ those of the averaged one from the same
    latents; the running mean ū and the lag l are held constant in the gradient, so that it is that of w/2 Σ (ū + l)²
    for the mean of many batches. The square of one batch's error would also contain that batch's scatter, and reward a
    generator whose maps are too much alike; and without the lag the averaged generator, whose maps are the ones that
    count, would stay a few per cent below the spectrum around which the others sway.

    Args:
        weight: float, w.
        memory: float in [0, 1), d. It and s = 0.998 are no larger than (1 + t)/(10 + t) in step t.
        parameters: int, of a conditional model; the power of each map is then taken in units of what is expected of its
            parameters, and its mean less the expected one; ``adapt`` measures both (``log_regression``, ``linear_regression``).

    Input: generated maps ``(n, N, N, 1)``, and their standardised parameters if there are any; output: a scalar.
    ``adapt`` measures what to match, ``update`` moves ū, l.

    Raises:
        ValueError: a weight that is not positive or a memory outside [0, 1).

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import SpectralMatching
        >>> maps = np.random.default_rng(0).normal(size=(64, 16, 16, 1)).astype("float32")
        >>> matching = SpectralMatching(weight=1.0)
        >>> matching.adapt(maps)
        >>> abs(float(matching(maps))) < 1e-3
        True

    Source: a spectral term was added to cosmoGAN by its successors, on the logarithm of the mean spectrum of one batch;
    the running mean and the lag are ours.
    """

    EVERY = 4
    """The lag is seen on every fourth map: enough, over many steps."""

    def __init__(self, weight, memory=0.95, parameters=0, **kwargs):
        super().__init__(**kwargs)
        if not weight > 0 or not 0 <= memory < 1:
            raise ValueError(
                f"weight must be positive and memory in [0, 1). Received: weight={weight}, memory={memory}"
            )
        self.weight = weight
        self.memory = memory
        self.parameters = parameters

    def build(self, input_shape):
        self._mean_of_rings = ring_means(input_shape[1])
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
        if self.parameters:
            shape = (terms(self.parameters), *moments)
            self.slopes = self.add_weight(name="slopes", shape=shape, initializer="zeros", **fixed)

    def adapt(self, maps, *theta):
        """Measure mean and scatter of the moments on training maps ``(n, N, N, 1)``, in network units."""
        if not self.built:
            self.build(maps.shape)
        starts = range(0, len(maps), _BLOCK)
        moments = self._moments_of(maps[start : start + _BLOCK] for start in starts)
        constant = moments[:, 0].std() < _CONSTANT * np.std(maps[:_BLOCK])
        if theta:
            trends = (
                linear_regression(*theta, moments[:, :1]),
                log_regression(*theta, moments[:, 1:]),
            )
            self.slopes.assign(np.concatenate(trends, axis=1)[1:])
            moments = self._moments_of(
                (maps[i : i + _BLOCK], theta[0][i : i + _BLOCK]) for i in starts
            )
        scatter = moments.std(axis=0)
        if constant:
            scatter[:2] = (
                np.inf
            )  # the mean and its square, in whose units any error would be beyond all measure
        self.expected.assign(moments.mean(axis=0))
        self.scatter.assign(scatter)
        self.adapted_to.assign(len(moments))

    def shortfall(self, batches):
        """How far maps are from what is to be matched: what ``SpectralFilter.fit`` takes.

        Args:
            batches: iterable of generated maps ``(·, N, N, 1)``, in network units, or of pairs of these and their
                parameters.

        Returns:
            ``(wave numbers, ratios, shift)``: the power that is wanted over that of the maps, at the mean wave number
            of each ring, and what the mean of the maps then lacks. At 0 the power is the variance of the maps' means. A
            ring follows the wider ring around it, which tells half a per cent, as far as its own number lies within the
            noise of both sets of maps.
        """
        moments = self._moments_of(batches)
        expected, scatter, seen = (
            ops.convert_to_numpy(x) for x in (self.expected, self.scatter, self.adapted_to)
        )
        found, wanted = moments.mean(axis=0)[2:], expected[2:]
        noise = moments.std(axis=0)[2:] / np.sqrt(len(moments)) / np.maximum(found, _TINY)
        training = scatter[2:] / np.sqrt(seen) / np.maximum(wanted, _TINY)
        modes = 1 / self._mean_of_rings.max(axis=0)
        ratios = _shrunk(modes[1:], wanted, found, np.hypot(noise, training))
        means = moments[:, 0]
        variances = ratios[0]
        if np.isfinite(scatter[0]):
            ratio = scatter[0] ** 2 / max(means.var(), _TINY)
            variances = _drawn_towards(variances, ratio, np.sqrt(2 / len(means) + 2 / seen))
        wavenumbers = _wavenumbers(round(len(self._mean_of_rings) ** 0.5)) @ self._mean_of_rings
        return (
            wavenumbers,
            np.append(variances, ratios),
            expected[0] - np.sqrt(variances) * means.mean(),
        )

    def _moments_of(self, batches):
        parts = (part if isinstance(part, tuple) else (part,) for part in batches)
        return np.concatenate(
            [ops.convert_to_numpy(self._moments(*map(ops.convert_to_tensor, x))) for x in parts]
        )

    def call(self, maps, *theta):
        found = self._standardized(maps, *theta)
        error = self._moved(self.running, found, self.memory) + self.lag
        error = ops.clip(error, -_LARGEST_ERROR, _LARGEST_ERROR)
        return self.weight * ops.sum(ops.stop_gradient(error) * found)

    def update(self, maps, averaged, *theta):
        """Move the running mean and the lag.

        Args:
            maps: generated, ``(n, N, N, 1)``.
            averaged: of the averaged generator, from the latents of ``maps[::SpectralMatching.EVERY]``.
            theta: parameters of ``maps``, if there are any.
        """
        few = [rows[:: self.EVERY] for rows in theta]
        lag = self._standardized(averaged, *few) - self._standardized(maps[:: self.EVERY], *few)
        self.lag.assign(self._moved(self.lag, lag, _SLOW))
        self.running.assign(
            self._moved(self.running, self._standardized(maps, *theta), self.memory)
        )
        self.steps.assign(self.steps + 1)

    def _moved(self, mean, found, memory):
        memory = ops.minimum(memory, (1 + self.steps) / (10 + self.steps))
        return memory * mean + (1 - memory) * found

    def _standardized(self, maps, *theta):
        return (
            ops.mean(backend.gather(self._moments(maps, *theta)), axis=0) - self.expected
        ) / self.scatter

    def _moments(self, maps, *theta):
        """Mean and power of each map, ``(n, 1 + rings)``; beside what its parameters would have them be, if any."""
        maps = ops.squeeze(ops.cast(maps, "float32"), -1)
        real, imaginary = ops.fft2((maps, ops.zeros_like(maps)))
        power = ops.reshape(
            ops.square(real) + ops.square(imaginary), (-1, len(self._mean_of_rings))
        )
        rings = ops.matmul(power, ops.convert_to_tensor(self._mean_of_rings))
        mean = ops.mean(maps, axis=(1, 2))[:, None]
        for rows in theta:
            trend = quadratic(ops.cast(rows, "float32")) @ ops.convert_to_tensor(self.slopes)
            mean, rings = mean - trend[:, :1], rings * ops.exp(-trend[:, 1:])
        return ops.concatenate([mean, rings], axis=1)

    def compute_output_shape(self, input_shape):
        return ()

    def get_config(self):
        return super().get_config() | {
            "weight": self.weight,
            "memory": self.memory,
            "parameters": self.parameters,
        }


def ring_means(pixels):
    """Matrix float32 ``(pixels², rings)`` that takes the mean of a Fourier plane in rings of its wave number.

    The first ring is the zero mode alone, whose power is the square of the map's mean.

    Example:
        >>> rings = ring_means(16)
        >>> bool((abs(rings.sum(axis=0) - 1) < 1e-6).all())
        True
    """
    wavenumber = _wavenumbers(pixels)
    edges = [0.0, 0.5]
    while edges[-1] <= wavenumber.max():
        edges.append(max(edges[-1] + 1, edges[-1] * _WIDTH))
    inside = np.stack(
        [(wavenumber >= low) & (wavenumber < high) for low, high in itertools.pairwise(edges)]
    )
    inside = inside[inside.any(axis=1)]
    return (inside / inside.sum(axis=1, keepdims=True)).T.astype(np.float32)


def _wavenumbers(pixels):
    """|k| of the flattened Fourier plane, in units of the fundamental mode."""
    modes = np.fft.fftfreq(pixels) * pixels
    return np.hypot(modes[:, None], modes).ravel()


def _shrunk(modes, wanted, found, noise):
    """wanted/found in each ring, drawn towards that of the wider ring around it.

    Example:
        >>> one = np.ones(4)
        >>> _shrunk(100 * one, np.array([1, 1.1, 1, 1]), one, 0.01 * one).round(3).tolist()
        [1.0, 1.1, 1.0, 1.0]
        >>> _shrunk(50 * one, np.array([1.01, 0.99, 1, 1]), one, 0.01 * one).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    starts = _starts(modes, _ENOUGH_MODES)
    sums = (np.add.reduceat(modes * power, starts) for power in (wanted, np.maximum(found, _TINY)))
    wide = np.repeat(np.divide(*sums), np.diff([*starts, len(modes)]))
    return _drawn_towards(wide, wanted / np.maximum(found, _TINY), noise)


def _drawn_towards(sure, ratio, noise):
    """A ratio, as far as it lies within its noise of one that is known better.

    The errors of few modes at the largest scales are real or noise: of what it is off, relatively, ``shrink_to_significant`` is
    kept.
    """
    return sure * (1 + shrink_to_significant(ratio / sure - 1, noise))


def _starts(modes, enough):
    """Where groups of neighbouring rings begin, each with enough modes, the last included.

    Example:
        >>> _starts([4, 8, 16, 3], 10)
        [0, 2]
    """
    starts, held = [0], 0
    for ring, count in enumerate(modes):
        held += count
        if held >= enough and sum(modes[ring + 1 :]) >= enough:
            starts.append(ring + 1)
            held = 0
    return starts
