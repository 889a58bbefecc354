"""Generator loss that matches the mean and the power spectrum of the training maps."""

from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import Conditions, FloatArray, Maps, Shape, Tensor
from cosmogan_k3.nn.layers.moment_matching import MomentMatching, in_blocks
from cosmogan_k3.nn.quadratic_regression import linear_regression, log_regression
from cosmogan_k3.nn.spectral_ratio import power_ratio, shrink_towards
from cosmogan_k3.statistics.fourier import ring_means, wavenumbers

# Where the means of the training maps scatter by less than this fraction of the pixels' scatter,
# they were made equal: the mean is then not matched here, only by the spectral filter.
_CONSTANT_MEAN = 1e-3

# Maps that the pixels' scatter is measured on.
_FEW_MAPS = 256

# Keeps blank maps from dividing by zero.
_TINY = np.finfo(np.float32).tiny


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SpectralMatching(MomentMatching):
    """Loss term for the mean and the power spectrum of the averaged generator's maps.

    The moments u_b of ``MomentMatching`` are the mean of a map and its power in each ring b, minus
    the average over the training maps and divided by their standard deviation.

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
        As for ``MomentMatching``, or if the side of the maps is unknown.

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

    NAME = "spectral_matching"

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
        moments = 1 + self._mean_of_rings.shape[1]
        self.expected = self._fixed("expected", (moments,))
        self.scatter = self._fixed("scatter", (moments,), "ones")
        self._add_state(moments)

    def adapt(self, maps: Maps, conditions: Conditions | None = None) -> None:
        """Measure the mean and the scatter of the moments of training maps."""
        if not self.built:
            self.build(maps.shape)
        moments = self._moments_of(in_blocks(maps))
        constant_mean = moments[:, 0].std() < _CONSTANT_MEAN * np.std(maps[:_FEW_MAPS])
        if conditions is not None:
            trends = (
                linear_regression(conditions, moments[:, :1]),
                log_regression(conditions, moments[:, 1:]),
            )
            self.slopes.assign(np.concatenate(trends, axis=1)[1:])
            moments = ops.convert_to_numpy(self._relative(moments, conditions))
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

    def _in_units(self, moments: Tensor) -> Tensor:
        """Return mean moments as u."""
        return (moments - self.expected) / self.scatter

    def _measured(self, maps: Tensor) -> Tensor:
        """Return the mean and the power of each map."""
        maps = ops.squeeze(maps, -1)
        real, imaginary = ops.fft2((maps, ops.zeros_like(maps)))
        power = ops.reshape(
            ops.square(real) + ops.square(imaginary), (-1, len(self._mean_of_rings))
        )
        rings = ops.matmul(power, ops.convert_to_tensor(self._mean_of_rings))
        mean = ops.mean(maps, axis=(1, 2))[:, None]
        return ops.concatenate([mean, rings], axis=1)

    def _without_trend(self, moments: Tensor, trend: Tensor) -> Tensor:
        """Return the difference of the mean, and the ratios of the power."""
        mean, rings = moments[:, :1] - trend[:, :1], moments[:, 1:] * ops.exp(-trend[:, 1:])
        return ops.concatenate([mean, rings], axis=1)
