"""Generator losses that match means of moments over many batches."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Conditions, FloatArray, Maps, Shape, Tensor
from cosmogan_k3.nn.quadratic_regression import quadratic, terms

# Errors are clipped to this many standard deviations: at the start they are of any size.
_LARGEST_ERROR = 3.0

# Memory of the lag, as long as that of the averaged generator in the presets with such layers.
_LAG_MEMORY = 0.998

# Fraction of the lag that is compensated. The averaged generator follows the trained one with a
# delay. To compensate all of it would let both oscillate.
_LAG_FRACTION = 0.75

# Training maps that are measured at a time.
_BLOCK = 256


class MomentMatching(keras.layers.Layer):
    """Base class of the loss terms that match moments of the generator's maps.

    The loss, the running mean ū and the lag l are::

        L = w Σ_b clip(ū_b + c l_b, ±3) ⟨u_b(g)⟩,    c = 0.75
        ū_b ← d ū_b + (1 − d) ⟨u_b(g)⟩
        l_b ← s l_b + (1 − s) ⟨u_b(ḡ) − u_b(g)⟩

    u_b are moments of a map: functions whose mean over the training maps is 0 and whose scatter is
    1. A subclass defines them. g are maps of the generator, ḡ maps of the averaged generator from
    the same latents.

    ū includes the present batch. ū and l are held constant in the gradient. Over many batches, the
    gradient of L is therefore that of w/2 Σ (ū + c l)². The squared error of a single batch would
    also contain the scatter of that batch and would reward maps that are too similar.

    Maps of the averaged generator, which draws the final maps, have moments of their own: ū + l. It
    follows the trained generator with a delay. With c = 1, the trained one would move away until
    the averaged one was right, and both oscillated. With c = 0 the averaged one would stay off.

    Parameters
    ----------
    weight : float
        w, positive.
    memory : float, default 0.95
        d, in [0, 1). In step t, d and s = 0.998 are limited to (1 + t)/(10 + t).
    n_conditions : int, default 0
        Number of parameters of a conditional model, whose moments are taken relative to the
        expectation for the parameters of each map.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the weight is not positive, or the memory lies outside [0, 1).

    Notes
    -----
    Input: maps ``(n, N, N, 1)`` in network units and, for a conditional model, their standardized
    parameters ``(n, n_conditions)``. Output: a scalar.

    Examples
    --------
    >>> from cosmogan_k3.nn.layers import SpectralMatching
    >>> issubclass(SpectralMatching, MomentMatching)
    True
    """

    # The lag is measured on every fourth map: enough, over many steps.
    EVERY = 4

    # Of the layer of a GAN.
    NAME: ClassVar[str]

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

    @classmethod
    def of_weight(cls, weight: float, pixels: int, n_conditions: int) -> Self | None:
        """Return a built layer for maps of a side, or None if the weight is 0."""
        if not weight:
            return None
        # TensorFlow keeps memory for each new name of a variable: this name is always the same.
        layer = cls(weight, n_conditions=n_conditions, dtype="float32", name=cls.NAME)
        layer.build((None, pixels, pixels, 1))
        return layer

    def _add_state(self, moments: int) -> None:
        """Create the running mean, the lag, the counters and the trends with the parameters."""
        self.running = self._fixed("running", (moments,))
        self.lag = self._fixed("lag", (moments,))
        self.steps = self._fixed("steps", ())
        self.adapted_to = self._fixed("adapted_to", ())
        if self.n_conditions:
            self.slopes = self._fixed("slopes", (terms(self.n_conditions), moments))

    def _fixed(self, name: str, shape: Shape, initializer: str = "zeros") -> keras.Variable:
        """Create a weight that is measured, not trained."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    @abstractmethod
    def adapt(self, maps: Maps, conditions: Conditions | None = None) -> None:
        """Measure the moments of training maps.

        Parameters
        ----------
        maps : array of float, shape (n, N, N, 1)
            Training maps in network units.
        conditions : array of float, shape (n, n_conditions), optional
            Their standardized parameters, for a conditional model.
        """

    @abstractmethod
    def _measured(self, maps: Tensor) -> Tensor:
        """Return the moments of each map, float32 ``(n, moments)``."""

    @abstractmethod
    def _without_trend(self, moments: Tensor, trend: Tensor) -> Tensor:
        """Return moments relative to what the parameters of each map let expect."""

    @abstractmethod
    def _in_units(self, moments: Tensor) -> Tensor:
        """Return mean moments as u."""

    def call(self, maps: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return the loss of generated maps."""
        return self.loss(self.moments(maps, conditions))

    def moments(self, maps: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return the moments of each map, relative to what its parameters let expect if given.

        Parameters
        ----------
        maps : Tensor
            Generated maps ``(n, N, N, 1)``.
        conditions : Tensor, optional
            Their standardized parameters ``(n, n_conditions)``.

        Returns
        -------
        Tensor
            float32 ``(n, moments)``.
        """
        moments = self._measured(ops.cast(maps, "float32"))
        return moments if conditions is None else self._relative(moments, conditions)

    def loss(self, moments: Tensor) -> Tensor:
        """Return the loss of maps with these moments."""
        found = self._mean(moments)
        error = self._moved(self.running, found, self.memory) + _LAG_FRACTION * self.lag
        error = ops.clip(error, -_LARGEST_ERROR, _LARGEST_ERROR)
        return self.weight * ops.sum(ops.stop_gradient(error) * found)

    def update(self, moments: Tensor, averaged: Tensor) -> None:
        """Move the running mean and the lag.

        Parameters
        ----------
        moments : Tensor
            Of generated maps.
        averaged : Tensor
            Of the averaged generator's maps from the latents of every fourth of them (``EVERY``).
        """
        moments = ops.stop_gradient(moments)
        lag = self._mean(averaged) - self._mean(moments[:: self.EVERY])
        self.lag.assign(self._moved(self.lag, lag, _LAG_MEMORY))
        self.running.assign(self._moved(self.running, self._mean(moments), self.memory))
        self.steps.assign(self.steps + 1)

    def _moved(self, mean: Tensor, found: Tensor, memory: float) -> Tensor:
        """Return an exponential moving average after one more value."""
        memory = ops.minimum(memory, (1 + self.steps) / (10 + self.steps))
        return memory * mean + (1 - memory) * found

    def _relative(self, moments: Tensor, conditions: Tensor) -> Tensor:
        conditions = ops.convert_to_tensor(conditions, dtype="float32")
        trend = quadratic(conditions) @ ops.convert_to_tensor(self.slopes)
        return self._without_trend(ops.convert_to_tensor(moments), trend)

    def _mean(self, moments: Tensor) -> Tensor:
        """⟨u⟩ over the maps of all devices, shape ``(moments,)``."""
        return self._in_units(ops.mean(backend.gather(moments), axis=0))

    def _moments_of(self, batches: Iterable[tuple[Maps, Conditions | None]]) -> FloatArray:
        """Moments of all maps, as a NumPy array ``(n, moments)``."""
        parts = []
        for maps, conditions in batches:
            rows = None if conditions is None else ops.convert_to_tensor(conditions)
            moments = self.moments(ops.convert_to_tensor(maps), rows)
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


def in_blocks(maps: Maps) -> Iterable[tuple[Maps, None]]:
    """Yield maps without conditions, a block at a time.

    Examples
    --------
    >>> [len(block) for block, _ in in_blocks(np.zeros((300, 2, 2, 1)))]
    [256, 44]
    """
    for start in range(0, len(maps), _BLOCK):
        yield maps[start : start + _BLOCK], None
