"""What a GAN measures on training maps before it starts, and on maps of its own after each epoch."""

import numpy as np
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.layers import SpectralFilter

REFERENCE_STREAM = 1_000_000
"""Seeds of the reference batch start here, clear of those of the weights."""

_FILTER_STREAM = 2_000_000
"""Of the latents that the filter is fitted to."""

_CALIBRATION_SIZE = 256
"""Maps from which the frozen statistics of the averaged generator are measured."""

_FILTER_SIZE = 2048
"""Maps from which its spectrum is: as many as the training maps' own is measured from, or four times as many as there
are, since more would cost time and the noise would be the training maps'."""

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
            mixed = rows[np.random.default_rng(self.seed).permutation(len(rows))]  # a set may be sorted by cosmology
            examples.assign(np.resize(mixed, examples.shape))
        for layer in (*self.generator.layers, *self.discriminator.layers):
            if hasattr(layer, "adapt"):
                layer.adapt(maps, *theta) if getattr(layer, "conditional", False) else layer.adapt(few)
        for layer, averaged in zip(self.generator.layers, self.averaged_generator.layers, strict=True):
            if hasattr(layer, "adapt"):
                averaged.set_weights(layer.get_weights())
        if self.spectral_matching:
            self.spectral_matching.adapt(maps, *theta)

    def calibrate(self):
        """Give the averaged generator what belongs to its own weights: frozen statistics and the filter.

        Averages of the statistics do not fit averaged weights; one pass of the reference batch and of a fixed set of
        latents through them does. The filter takes away what is left between its mean power spectrum and the training
        maps'.
        """
        if self.reference_size:
            latents = self.numpy_latents(_CALIBRATION_SIZE, [self.seed, REFERENCE_STREAM])
            latents += self._example_rows(_CALIBRATION_SIZE)
            self._generate(self.averaged_generator, [backend.share(ops.convert_to_tensor(z)) for z in latents])
        if self.spectral_matching and (seen := int(ops.convert_to_numpy(self.spectral_matching.adapted_to))):
            self._fit_filter(min(_FILTER_SIZE, 4 * seen))

    def _fit_filter(self, size):
        """Fit the averaged generator's filter, where it has one, to so many of its maps."""
        for layer in self.averaged_generator.layers:
            if isinstance(layer, SpectralFilter):
                layer.reset()
                # Cropped maps mix the modes that the filter multiplies: what the first fit leaves, the second sees.
                for _ in range(2 if self.margin else 1):
                    layer.fit(*self.spectral_matching.shortfall(self._filter_maps(size)))

    def _filter_maps(self, size):
        """Maps of the averaged generator and, of a conditional model, their parameters, a batch at a time."""
        given = self._example_rows(size)
        drawn = self.network_batches(0, size, self.pixels, [self.seed, _FILTER_STREAM], _CALIBRATION_SIZE, *given)
        for start, maps in zip(range(0, size, _CALIBRATION_SIZE), drawn, strict=True):
            yield (maps, *(rows[start : start + _CALIBRATION_SIZE] for rows in given))

    def _example_rows(self, n):
        """Parameters of so many training maps, over and over, of a conditional model; an empty list of others."""
        return [np.resize(ops.convert_to_numpy(rows), (n, rows.shape[1])) for rows in self.examples]
