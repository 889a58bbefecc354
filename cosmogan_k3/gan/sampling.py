"""What a trained GAN is for: drawing maps."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cosmogan_k3.errors import InputError

_PIXELS_AT_A_TIME = 2**20
"""Maps of so many pixels together are generated at a time: large enough for a GPU, and 100 MB or so."""
_LATENTS = 1
"""Which of a seed's families of random streams the latents are."""


class Sampling:
    """For a model that knows its ``latent_shapes``, ``pixels``, ``margin``, ``scaling`` and ``conditioning``."""

    def sample(self, n, *, pixels=None, seed=0, batch_size=None, parameters=None):
        """Draw maps from the averaged generator.

        The latents come from NumPy: the same seed gives the same maps on every backend, whatever ``batch_size``.

        Args:
            n: int, number of maps.
            pixels: int, side of a map; by default that of the training maps. Others need a generator whose latents
                lie on a grid, and a multiple of its coarsest cell.
            seed: int.
            batch_size: int, maps generated at a time; by default as many as make a million pixels.
            parameters: of a conditional model, a mapping of their names to a float or to floats ``(n,)``.

        Returns:
            κ, float32 ``(n, pixels, pixels)``.

        Raises:
            InputError: where ``n`` is not positive, or the generator cannot draw maps of this side or with these
                parameters.
        """
        options = {
            "pixels": pixels,
            "seed": seed,
            "batch_size": batch_size,
            "parameters": parameters,
        }
        return np.concatenate(list(self.sample_batches(n, **options)))

    def sample_batches(self, n, *, first=0, pixels=None, seed=0, batch_size=None, parameters=None):
        """Iterate over maps ``first`` to ``first + n − 1`` of a seed in batches; other arguments as of ``sample``.

        Batches begin at multiples of ``batch_size``: a map is computed beside the same others, and is the same to the
        last bit, whatever range is asked for. Latents are drawn while the batch before is generated.
        """
        if n < 1:
            raise InputError(f"The number of maps must be positive. Received: {n}")
        pixels = pixels or self.pixels
        self.latent_shapes_of(pixels)  # refuse a size before anything is drawn
        given = self._given(parameters, n)
        batch_size = batch_size or self.batch_size_for(n, pixels)
        drawn = self.network_batches(first, first + n, pixels, seed, batch_size, *given)
        return (self.scaling.to_kappa(maps[..., 0]) for maps in drawn)

    def _given(self, parameters, n):
        """The standardised parameters ``(n, …)`` of maps that are asked for, in a list; an empty one without such."""
        if self.conditioning:
            return [self.conditioning.standardized(parameters, n)]
        if parameters:
            raise InputError(
                f"This model is not conditioned on parameters. Received: {', '.join(parameters)}"
            )
        return []

    def parameters_of(self, maps, chosen=slice(None)):
        """Those of a ``MapSet``'s parameters that maps can be drawn for, as ``sample`` takes them; None for none."""
        names = self.conditioning.names if self.conditioning else ()
        return {name: np.asarray(maps.parameters[name])[chosen] for name in names} or None

    def batch_size_for(self, n, pixels):
        """Maps generated at a time where ``n`` of them are asked for."""
        return max(1, min(n, _PIXELS_AT_A_TIME // pixels**2))

    def network_batches(self, first, stop, pixels, seed, batch_size, *given):
        """Maps ``first`` to ``stop − 1`` of a seed in network units, ``(·, pixels, pixels, 1)``, for ``given`` θ."""

        def latents(start):
            # A batch is whole whatever is asked of it: what lies outside has the parameters of the nearest map.
            rows = np.clip(np.arange(start, start + batch_size), first, stop - 1) - first
            return [
                *self.numpy_latents(batch_size, seed, first=start, pixels=pixels),
                *(part[rows] for part in given),
            ]

        starts = range(first - first % batch_size, stop, batch_size)
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(latents, starts[0])
            for start in starts:
                drawn = ahead.result()
                if start != starts[-1]:
                    ahead = pool.submit(latents, start + batch_size)
                yield self.network_maps(drawn)[
                    max(first - start, 0) : min(batch_size, stop - start)
                ]

    def network_maps(self, latents):
        """Maps in network units from latents and θ, a batch of arrays ``(n, …)``."""
        # Where the model lies on several devices, TensorFlow returns the batch of each of them: all the same.
        return self.predict_on_batch(latents)[: len(latents[0])]

    def numpy_latents(self, n, seed, *, first=0, pixels=None):
        """Latents of maps ``first`` to ``first + n − 1`` of a seed; each map has its own random stream."""
        shapes = self.latent_shapes_of(pixels or self.pixels)
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = np.empty((n, sum(sizes)), np.float32)
        for index, row in enumerate(flat, start=first):
            # Not the streams of simulated maps, which have the index alone.
            stream = np.random.SeedSequence(seed, spawn_key=(_LATENTS, index))
            np.random.default_rng(stream).standard_normal(out=row, dtype=np.float32)
        parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
        return [part.reshape(n, *shape) for part, shape in zip(parts, shapes, strict=True)]

    def latent_shapes_of(self, pixels):
        """Shapes of one map's latents, for maps of ``pixels`` a side.

        Raises:
            InputError: the generator cannot draw such maps.
        """
        if pixels == self.pixels:
            return self.latent_shapes
        if any(len(shape) != 3 for shape in self.latent_shapes):
            raise InputError(
                f"This generator draws maps of {self.pixels} pixels only; those whose latents lie on a grid (presets "
                f"best and quick) draw any size. Received: pixels={pixels}"
            )
        native = self.pixels + 2 * self.margin
        cell = native // self.latent_shapes[0][0]
        if pixels < cell or pixels % cell:
            raise InputError(
                f"This generator draws maps of a multiple of {cell} pixels. Received: pixels={pixels}"
            )
        sides = (side * (pixels + 2 * self.margin) // native for side, _, _ in self.latent_shapes)
        return [
            (side, side, channels)
            for side, (_, _, channels) in zip(sides, self.latent_shapes, strict=True)
        ]
