"""A pull on the generator towards the power spectrum of the training maps."""

import itertools

import keras
import numpy as np
from keras import ops

_WIDTH = 1.08
"""Ratio of a ring's edges, where that is more than one mode: enough to see the dips that upsampling leaves at the
Nyquist modes of its coarse grids."""

_LARGEST_ERROR = 0.5
"""Relative errors of the running spectrum count as no more: at the start they are of any size."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SpectralMatching(keras.layers.Layer):
    """A term of the generator's loss that vanishes where the mean power spectrum is that of the training maps.

        L = w Σ_b (p̄_b − 1)/σ_b² · ⟨P_b(g)⟩/P_b,      p̄_b ← d p̄_b + (1 − d) ⟨P_b(g)⟩/P_b

    with the batch mean ⟨P_b(g)⟩ of the power in ring b, its mean P_b over training maps, the relative scatter σ_b from
    one training map to the next, and a running mean p̄ that is held constant in the gradient. The gradient is
    that of w/2 Σ (p̄ − 1)²/σ² for the mean of many batches. The square of one batch's error would also contain that
    batch's scatter, and reward a generator whose maps are too much alike.

    Args:
        weight: float, w.
        memory: float in [0, 1), d; no larger than (1 + t)/(10 + t) in step t.

    Input: generated maps ``(n, N, N, 1)``; output: a scalar. ``adapt`` measures P and σ, ``update`` moves p̄.

    Raises:
        ValueError: a weight that is not positive or a memory outside [0, 1).

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.layers import SpectralMatching
        >>> maps = np.random.default_rng(0).normal(size=(64, 16, 16, 1)).astype("float32")
        >>> matching = SpectralMatching(weight=1.0)
        >>> matching.adapt(maps)
        >>> abs(float(matching(maps))) < 1e-3
        True

    Source: a spectral term was added to cosmoGAN by its successors, on the logarithm of the mean spectrum of one batch;
    the running mean is ours.
    """

    def __init__(self, weight, memory=0.98, **kwargs):
        super().__init__(**kwargs)
        if not weight > 0 or not 0 <= memory < 1:
            raise ValueError(
                f"weight must be positive and memory in [0, 1). Received: weight={weight}, memory={memory}"
            )
        self.weight = weight
        self.memory = memory

    def build(self, input_shape):
        self._mean_of_rings = ring_means(input_shape[1])
        rings = self._mean_of_rings.shape[1]
        fixed = {"shape": (rings,), "initializer": "ones", "trainable": False, "dtype": "float32", "autocast": False}
        self.power = self.add_weight(name="power", **fixed)
        self.scatter = self.add_weight(name="scatter", **fixed)
        self.running = self.add_weight(name="running", **fixed)
        self.steps = self.add_weight(name="steps", **(fixed | {"shape": (), "initializer": "zeros"}))

    def adapt(self, maps):
        """Measure P and σ on training maps ``(n, N, N, 1)``, in network units."""
        if not self.built:
            self.build(maps.shape)
        power = ops.convert_to_numpy(self._power(ops.convert_to_tensor(maps, dtype="float32")))
        self.power.assign(power.mean(axis=0))
        self.scatter.assign(power.std(axis=0) / power.mean(axis=0))

    def call(self, maps):
        relative = self._relative_power(maps)
        error = ops.clip(self._moved(relative) - 1, -_LARGEST_ERROR, _LARGEST_ERROR)
        return self.weight * ops.sum(ops.stop_gradient(error / self.scatter**2) * relative)

    def update(self, maps):
        """Move the running mean by a batch of generated maps."""
        self.running.assign(self._moved(self._relative_power(maps)))
        self.steps.assign(self.steps + 1)

    def _moved(self, relative):
        memory = ops.minimum(self.memory, (1 + self.steps) / (10 + self.steps))
        return memory * self.running + (1 - memory) * relative

    def _relative_power(self, maps):
        return ops.mean(self._power(ops.cast(maps, "float32")), axis=0) / self.power

    def _power(self, maps):
        maps = ops.squeeze(maps, -1)
        real, imaginary = ops.fft2((maps, ops.zeros_like(maps)))
        power = ops.reshape(ops.square(real) + ops.square(imaginary), (-1, len(self._mean_of_rings)))
        return ops.matmul(power, ops.convert_to_tensor(self._mean_of_rings))

    def compute_output_shape(self, input_shape):
        return ()

    def get_config(self):
        return super().get_config() | {"weight": self.weight, "memory": self.memory}


def ring_means(pixels):
    """Matrix float32 ``(pixels², rings)`` that takes the mean of a Fourier plane in rings of its wave number.

    Example:
        >>> rings = ring_means(16)
        >>> bool((abs(rings.sum(axis=0) - 1) < 1e-6).all())
        True
    """
    modes = np.fft.fftfreq(pixels) * pixels
    wavenumber = np.hypot(modes[:, None], modes).ravel()
    edges = [0.5]
    while edges[-1] <= wavenumber.max():
        edges.append(max(edges[-1] + 1, edges[-1] * _WIDTH))
    inside = np.stack([(wavenumber >= low) & (wavenumber < high) for low, high in itertools.pairwise(edges)])
    inside = inside[inside.any(axis=1)]
    return (inside / inside.sum(axis=1, keepdims=True)).T.astype(np.float32)
