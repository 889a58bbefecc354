"""What a GAN measures on training maps before it starts, and on maps of its own after each epoch."""

import numpy as np
from keras import ops
from scipy import special

from cosmogan_k3 import backend
from cosmogan_k3.nn.layers import QuantileMapping, SpectralFilter

REFERENCE_STREAM = 1_000_000
"""Seeds of the reference batch start here, clear of those of the weights."""

_OUTPUT_STREAM = 2_000_000
"""Of the latents that the filter and the quantile mapping are fitted to."""

_CALIBRATION_SIZE = 256
"""Maps from which the frozen statistics of the averaged generator are measured."""

_FITTED_MAPS, _FITTED_PIXELS = 2048, 2**25
"""Maps from which its spectrum and its quantiles are after an epoch, and pixels in 134 MB of maps, from which those of
the chosen epoch are. Never more than four times as many maps as the training maps' own are measured from: beyond, the
noise is theirs."""

_TURNS = 3
"""Of the filter and the mapping; what a fourth changes is below the noise."""

CONDITIONAL_FACTOR = 4
"""A conditional model looks at so many times as many training maps: a trend is harder to tell than a mean."""


class Calibration:
    """For a GAN with its networks, ``examples``, ``spectral_matching``, ``reference_size`` and ``seed``."""

    def adapt(self, maps, *theta):
        """Measure on training maps what some layers start from or compare with: skewness, scales, power spectrum.

        Args:
            maps: in network units, float ``(n, pixels, pixels, 1)``; a thousand or two are enough, of a conditional
                model more.
            theta: of a conditional model, their standardised parameters, float32 ``(n, parameters)``.
        """
        few = maps[::CONDITIONAL_FACTOR] if theta else maps
        for examples, rows in zip(self.examples, theta, strict=True):
            mixed = rows[
                np.random.default_rng(self.seed).permutation(len(rows))
            ]  # a set may be sorted by cosmology
            examples.assign(np.resize(mixed, examples.shape))
        for layer in (*self.generator.layers, *self.discriminator.layers):
            if hasattr(layer, "adapt"):
                layer.adapt(maps, *theta) if getattr(layer, "conditional", False) else layer.adapt(
                    few
                )
        for layer, averaged in zip(
            self.generator.layers, self.averaged_generator.layers, strict=True
        ):
            if hasattr(layer, "adapt"):
                averaged.set_weights(layer.get_weights())
        if self.spectral_matching:
            self.spectral_matching.adapt(maps, *theta)

    def calibrate(self, *, last=False):
        """Give the averaged generator what belongs to its own weights: frozen statistics, filter and quantiles.

        Averages of the statistics do not fit averaged weights; one pass of the reference batch and of a fixed set of
        latents through them does. The filter and the quantile mapping take away what is left between its mean power
        spectrum and distribution of pixels and the training maps'.

        Args:
            last: bool, whether these weights stay: the filter and the mapping are then fitted to more maps.
        """
        if self.reference_size:
            latents = self.numpy_latents(_CALIBRATION_SIZE, [self.seed, REFERENCE_STREAM])
            latents += self._example_rows(_CALIBRATION_SIZE)
            self._generate(
                self.averaged_generator,
                [backend.local_slice(ops.convert_to_tensor(z)) for z in latents],
            )
        if self.spectral_matching and (
            seen := int(ops.convert_to_numpy(self.spectral_matching.adapted_to))
        ):
            most = max(_FITTED_PIXELS // self.pixels**2, 1)
            self._fit_output(min(4 * seen, most if last else min(_FITTED_MAPS, most)))

    def _fit_output(self, size):
        """Fit the averaged generator's filter and quantile mapping, where it has them, to so many of its maps."""
        filters, mappings = (
            self._averaged_layers(kind) for kind in (SpectralFilter, QuantileMapping)
        )
        for layer in filters:
            layer.reset()
            # Cropped maps mix the modes that the filter multiplies: what the first round leaves, the second sees.
            for _ in range(2 if self.margin else 1):
                for mapping in mappings:
                    mapping.reset()
                layer.then(self._fit_in_turns(mappings, list(self._drawn_maps(size))))

    def _averaged_layers(self, kind):
        return [layer for layer in self.averaged_generator.layers if isinstance(layer, kind)]

    def _fit_in_turns(self, mappings, drawn):
        """Fit the mappings, and what the filter has to do on top: either changes what the other is fitted to.

        Args:
            mappings: the quantile mappings, at most one.
            drawn: maps that went through none, and their parameters, as of ``_drawn_maps``.
        """
        change = SpectralFilter(self.pixels)
        mapped = drawn
        for _ in range(_TURNS if mappings else 1):
            change.fit(*self.spectral_matching.shortfall(mapped))
            for mapping in mappings:
                filtered = list(_through(change, drawn))
                mapping.fit(np.concatenate([maps for maps, *_ in filtered]))
                mapped = _through(mapping, filtered)
        return change

    def _drawn_maps(self, size):
        """Maps of the averaged generator and, of a conditional model, their parameters, in whole batches."""
        size = -(-size // _CALIBRATION_SIZE) * _CALIBRATION_SIZE
        given = self._example_rows(size)
        latents = self.numpy_latents(size, [self.seed, _OUTPUT_STREAM])
        rng = np.random.default_rng([self.seed, _OUTPUT_STREAM])
        latents = [_with_even_means(z, rng) for z in latents]
        for start in range(0, size, _CALIBRATION_SIZE):
            rows = slice(start, start + _CALIBRATION_SIZE)
            theta = [part[rows] for part in given]
            yield self.network_maps([*(z[rows] for z in latents), *theta]), *theta

    def _example_rows(self, n):
        """Parameters of so many training maps, over and over, of a conditional model; an empty list of others."""
        return [np.resize(ops.convert_to_numpy(rows), (n, rows.shape[1])) for rows in self.examples]


def _through(layer, batches):
    """Batches of maps after a layer, beside the same parameters, as they are asked for."""
    return ((ops.convert_to_numpy(layer(maps)), *theta) for maps, *theta in batches)


def _with_even_means(latents, rng):
    """Latents on a grid ``(n, N, N, c)`` whose means are the quantiles of their distribution, in random order.

    The mean of a map follows theirs. With means drawn at random those of four sets of 2,000 maps of 5 degrees lay as
    far as 0.015 of a pixel's standard deviation apart.

    Example:
        >>> even = _with_even_means(np.zeros((3, 2, 2, 1), "float32"), np.random.default_rng(0))
        >>> np.sort(2.0 * even[:, 0, 0, 0].astype(float)).round(3).tolist()
        [-0.967, 0.0, 0.967]
    """
    n, *grid, channels = latents.shape
    levels = rng.permuted(np.tile((np.arange(n) + 0.5) / n, (channels, 1)), axis=1).T
    means = special.ndtri(levels) / np.sqrt(np.prod(grid))
    missing = means[:, None, None] - latents.mean(axis=(1, 2), keepdims=True)
    return (latents + missing).astype(latents.dtype)
