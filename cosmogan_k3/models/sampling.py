"""What a trained GAN is for: drawing maps."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cosmogan_k3.errors import InputError

_PIXELS_AT_A_TIME = 2**20
"""Maps of so many pixels together are generated at a time: large enough for a GPU, and 100 MB or so."""


class Sampling:
    """For a model that knows its ``latent_shapes``, ``pixels``, ``margin`` and ``scaling``."""

    def sample(self, n, *, pixels=None, seed=0, batch_size=None):
        """Draw maps from the averaged generator.

        The latents come from NumPy: the same seed gives the same maps on every backend, whatever ``batch_size``.

        Args:
            n: int, number of maps.
            pixels: int, side of a map; by default that of the training maps. Others need a generator whose latents
                lie on a grid, and a multiple of its coarsest cell.
            seed: int.
            batch_size: int, maps generated at a time; by default as many as make a million pixels.

        Returns:
            κ, float32 ``(n, pixels, pixels)``.

        Raises:
            InputError: where ``n`` is not positive, or the generator cannot draw maps of this side.
        """
        return np.concatenate(list(self.sample_batches(n, pixels=pixels, seed=seed, batch_size=batch_size)))

    def sample_batches(self, n, *, pixels=None, seed=0, batch_size=None):
        """Iterate over what ``sample`` returns in batches; latents are drawn while the batch before is generated."""
        if n < 1:
            raise InputError(f"The number of maps must be positive. Received: {n}")
        pixels = pixels or self.pixels
        self.latent_shapes_of(pixels)  # refuse a size before anything is drawn
        batch_size = batch_size or max(1, min(n, _PIXELS_AT_A_TIME // pixels**2))
        drawn = self.network_batches(n, np.random.default_rng(seed), pixels=pixels, batch_size=batch_size)
        return (self.scaling.to_kappa(maps[..., 0]) for maps in drawn)

    def network_batches(self, n, rng, *, pixels, batch_size):
        """The maps in network units, ``(·, pixels, pixels, 1)``, with latents from a ``numpy.random.Generator``."""
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self.numpy_latents, batch_size, rng, pixels=pixels)
            for start in range(0, n, batch_size):
                latents = ahead.result()
                if start + batch_size < n:
                    ahead = pool.submit(self.numpy_latents, batch_size, rng, pixels=pixels)
                # Where the model lies on several devices, TensorFlow returns the batch of each of them: all the same.
                yield self.predict_on_batch(latents)[: min(batch_size, n - start)]

    def numpy_latents(self, n, rng, *, pixels=None):
        """Latents of ``n`` maps, drawn map by map so that batches of any size follow the same stream."""
        shapes = self.latent_shapes_of(pixels or self.pixels)
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = rng.standard_normal((n, sum(sizes)), dtype=np.float32)
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
            raise InputError(f"This generator draws maps of a multiple of {cell} pixels. Received: pixels={pixels}")
        sides = (side * (pixels + 2 * self.margin) // native for side, _, _ in self.latent_shapes)
        return [(side, side, channels) for side, (_, _, channels) in zip(sides, self.latent_shapes, strict=True)]
