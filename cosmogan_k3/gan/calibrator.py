"""Measurements on training maps before a training, and the calibration of a trained generator."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from scipy import special

from cosmogan_k3 import backend
from cosmogan_k3._typing import Conditions, Maps, Shape, Tensor
from cosmogan_k3.gan.step import generate
from cosmogan_k3.nn.layers import QuantileMapping, SpectralFilter, SpectralMatching

if TYPE_CHECKING:
    from cosmogan_k3.gan.gan import GAN

# Seeds of the reference batch start here, clear of those of the weights.
REFERENCE_STREAM = 1_000_000
# Seed of the latents to which the filter and the quantile mapping are fitted.
_OUTPUT_STREAM = 2_000_000
# Number of maps that are drawn together.
_BATCH_SIZE = 256
# Number of maps to which the calibrator is fitted after each epoch.
_FITTED_MAPS = 2048
# Largest number of pixels to which it is fitted after the last one: 134 MB of maps.
_FITTED_PIXELS = 2**25
# Largest ratio of fitted to training maps. Beyond it the noise of the latter dominates.
_LARGEST_RATIO = 4
# Number of alternations between filter and mapping. A fourth changes less than the noise.
_ALTERNATIONS = 3
# A conditional model is adapted to this many times more maps: a regression is noisier than a mean.
CONDITIONAL_FACTOR = 4

# A batch of maps (n, N, N, 1) in network units, and their conditions (n, n_conditions) or None.
MapBatch = tuple[NDArray[np.float32], Conditions | None]


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class Calibrator(keras.layers.Layer):
    """Give generated maps the power spectrum and the pixel distribution of the training maps.

    A ``SpectralFilter`` corrects the mean power spectrum and a ``QuantileMapping`` the pixel
    distribution. Both are fitted to maps of a finished generator and take no part in training.

    Parameters
    ----------
    pixels : int
        Side of the maps on which the filter is tabulated.
    quantile_mapping : bool
        Whether there is a quantile mapping. A conditional generator has none: one mapping for all
        cosmologies would map faint maps of one to bright maps of another.

    Notes
    -----
    Input and output are maps ``(n, N, N, 1)`` in network units, including the margin.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    >>> calibrator = Calibrator(16)
    >>> bool(np.allclose(ops.convert_to_numpy(calibrator(maps)), maps, atol=1e-5))  # not fitted yet
    True
    """

    def __init__(self, pixels: int, quantile_mapping: bool = True, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.pixels = pixels
        policy = self.dtype_policy
        self.filter = SpectralFilter(pixels, dtype=policy, name="filter")
        self.mapping = QuantileMapping(dtype=policy, name="mapping") if quantile_mapping else None

    def build(self, input_shape: Shape) -> None:
        """Create the tables of both layers."""
        self.filter.build(input_shape)
        if self.mapping is not None:
            self.mapping.build(input_shape)

    def call(self, maps: Tensor) -> Tensor:
        """Filter the maps, then map their pixels."""
        filtered = self.filter(maps, training=False)
        return filtered if self.mapping is None else self.mapping(filtered, training=False)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict:
        """Return the parameters."""
        return super().get_config() | {
            "pixels": self.pixels,
            "quantile_mapping": self.mapping is not None,
        }

    def adapt(self, maps: Maps) -> None:
        """Measure the pixel distribution of training maps ``(n, N, N, 1)`` in network units."""
        if self.mapping is not None:
            self.mapping.adapt(maps)

    def reset(self) -> None:
        """Let maps pass unchanged."""
        self.filter.reset()
        if self.mapping is not None:
            self.mapping.reset()

    def fit(
        self,
        draw: Callable[[int], Iterable[MapBatch]],
        matching: SpectralMatching,
        sizes: Sequence[int],
    ) -> None:
        """Fit both layers to maps of the generator.

        Parameters
        ----------
        draw : callable
            Draws as many maps with the calibrator as it is, always from the same latents.
        matching : SpectralMatching
            Knows the training maps' power spectrum.
        sizes : sequence of int
            Number of maps of each fit. Cropped maps mix the modes that the filter multiplies: a
            second fit sees what the first one leaves.
        """
        self.filter.reset()
        for size in sizes:
            if self.mapping is not None:
                self.mapping.reset()
            self.filter.then(self._fit_alternately(list(draw(size)), matching))

    def _fit_alternately(self, drawn: list[MapBatch], matching: SpectralMatching) -> SpectralFilter:
        """Fit the mapping, and return the filter that is to follow the present one.

        Each changes what the other is fitted to; hence the alternations.
        """
        # TensorFlow keeps memory for each new name of a variable: this name is always the same.
        change = SpectralFilter(self.pixels, name="change")
        if self.mapping is None:
            change.fit(*matching.shortfall(drawn))
            return change
        mapped: Iterable[MapBatch] = drawn
        for _ in range(_ALTERNATIONS):
            change.fit(*matching.shortfall(mapped))
            filtered = list(_through(change, drawn))
            self.mapping.fit(np.concatenate([maps for maps, _ in filtered]))
            mapped = _through(self.mapping, filtered)
        return change


def adapt(gan: "GAN", maps: Maps, conditions: Conditions | None = None) -> None:
    """Measure on training maps what layers start from or compare with.

    These are the skewness, the wavelet scales, the power spectrum and the pixel distribution.

    Parameters
    ----------
    gan : GAN
    maps : ndarray
        float32 ``(n, pixels, pixels, 1)``, in network units; one or two thousand are enough, four
        times as many for a conditional model.
    conditions : ndarray, optional
        float32 ``(n, n_conditions)``, of a conditional model.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    >>> adapt(gan, np.random.default_rng(0).normal(size=(50, 16, 16, 1)).astype("float32"))
    >>> int(gan.spectral_matching.adapted_to)
    50
    """
    few = maps
    if conditions is not None and gan.example_conditions is not None:
        few = maps[::CONDITIONAL_FACTOR]
        # A set may be sorted by cosmology.
        order = np.random.default_rng(gan.seed).permutation(len(conditions))
        gan.example_conditions.assign(np.resize(conditions[order], gan.example_conditions.shape))
    for layer in (*gan.generator.layers, *gan.discriminator.layers):
        if getattr(layer, "conditional", False):
            layer.adapt(maps, conditions)
        elif hasattr(layer, "adapt"):
            layer.adapt(few)
    averaged_layers = gan.averaged_generator.layers
    for layer, averaged in zip(gan.generator.layers, averaged_layers, strict=True):
        if hasattr(layer, "adapt"):
            averaged.set_weights(layer.get_weights())
    if gan.calibrator is not None:
        gan.calibrator.adapt(few)
    for matching in gan.matchings:
        matching.adapt(maps, conditions)


def calibrate(gan: "GAN", *, last: bool = False) -> None:
    """Give the averaged generator what belongs to its own weights.

    Averages of the frozen statistics of virtual batch normalization do not fit averaged weights:
    one pass of the reference batch measures them. Filter and quantile mapping then remove what is
    left between the maps' mean power spectrum and pixel distribution and the training maps'.

    Parameters
    ----------
    gan : GAN
        Adapted to training maps.
    last : bool
        Whether these weights are final: the calibrator is then fitted to more maps.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> calibrate(build_gan("tiny", pixels=16, pixel_arcmin=3.0))  # nothing to compare with yet
    """
    if gan.reference_size:
        _freeze_statistics(gan)
    if gan.calibrator is None or gan.spectral_matching is None:
        return
    if seen := int(ops.convert_to_numpy(gan.spectral_matching.adapted_to)):
        most = max(_FITTED_PIXELS // gan.pixels**2, 1)
        few = min(_LARGEST_RATIO * seen, _FITTED_MAPS, most)
        size = min(_LARGEST_RATIO * seen, most) if last else few
        # What a first fit of few maps leaves, its noise among it, is corrected by the second.
        sizes = [few, size] if gan.latent_space.margin else [size]
        gan.calibrator.fit(partial(_drawn_maps, gan), gan.spectral_matching, sizes)


def _freeze_statistics(gan: "GAN") -> None:
    """Measure the frozen statistics of the averaged generator's normalization layers."""
    latents = gan.latent_space.draw(_BATCH_SIZE, [gan.seed, REFERENCE_STREAM], training=True)
    tensors = [backend.local_slice(ops.convert_to_tensor(z)) for z in latents]
    conditions = _example_conditions(gan, _BATCH_SIZE)
    if conditions is not None:
        conditions = backend.local_slice(ops.convert_to_tensor(conditions))
    generate(gan, gan.averaged_generator, tensors, conditions)


def _drawn_maps(gan: "GAN", size: int) -> Iterator[MapBatch]:
    """Yield at least ``size`` maps of the averaged generator, in whole batches."""
    size = -(-size // _BATCH_SIZE) * _BATCH_SIZE
    conditions = _example_conditions(gan, size)
    rng = np.random.default_rng([gan.seed, _OUTPUT_STREAM])
    latents = [
        _with_even_means(z, rng) for z in gan.latent_space.draw(size, [gan.seed, _OUTPUT_STREAM])
    ]
    for start in range(0, size, _BATCH_SIZE):
        rows = slice(start, start + _BATCH_SIZE)
        chosen = None if conditions is None else conditions[rows]
        yield gan.network_maps([z[rows] for z in latents], chosen), chosen


def _example_conditions(gan: "GAN", n: int) -> Conditions | None:
    """Return conditions of ``n`` training maps, with repetitions; None without conditions."""
    if gan.example_conditions is None:
        return None
    rows = ops.convert_to_numpy(gan.example_conditions)
    return np.resize(rows, (n, rows.shape[1]))


def _through(layer: keras.Layer, batches: Iterable[MapBatch]) -> Iterator[MapBatch]:
    """Yield the batches after a layer."""
    return ((ops.convert_to_numpy(layer(maps)), conditions) for maps, conditions in batches)


def _with_even_means(latents: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return latents ``(n, N, N, c)`` whose means have exactly their normal distribution.

    The means are moved to evenly spaced quantiles, in random order. The mean of a map follows the
    mean of its latents. With random means, the means of four sets of
    2,000 maps of 5 degrees differed by up to 0.015 of a pixel's standard deviation.

    Examples
    --------
    >>> even = _with_even_means(np.zeros((3, 2, 2, 1), "float32"), np.random.default_rng(0))
    >>> np.sort(2.0 * even[:, 0, 0, 0].astype(float)).round(3).tolist()
    [-0.967, 0.0, 0.967]
    """
    n, *grid, channels = latents.shape
    levels = rng.permuted(np.tile((np.arange(n) + 0.5) / n, (channels, 1)), axis=1).T
    means = special.ndtri(levels) / np.sqrt(np.prod(grid))
    missing = means[:, None, None] - latents.mean(axis=(1, 2), keepdims=True)
    return (latents + missing).astype(latents.dtype)
