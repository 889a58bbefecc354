"""What a trained GAN is for: drawing maps."""

import numpy as np

from cosmogan_k3.errors import InputError


class Sampling:
    """Draw maps through ``predict_on_batch`` of a model that knows its ``latent_shapes`` and its ``scaling``."""

    def sample(self, n, *, seed=0, batch_size=64):
        """Draw maps from the averaged generator.

        The latents come from NumPy: the same seed gives the same maps on every backend, whatever ``batch_size``.

        Args:
            n: int, number of maps.
            seed: int.
            batch_size: int, maps generated at a time.

        Returns:
            κ, float32 ``(n, pixels, pixels)``.

        Raises:
            InputError: where ``n`` is not positive.
        """
        if n < 1:
            raise InputError(f"The number of maps must be positive. Received: {n}")
        return np.concatenate(list(self.sample_batches(n, seed=seed, batch_size=batch_size)))[:n]

    def sample_batches(self, n, *, seed=0, batch_size=64):
        """Yield what ``sample`` returns, in batches."""
        rng = np.random.default_rng(seed)
        for start in range(0, n, batch_size):
            maps = self.predict_on_batch(self.numpy_latents(batch_size, rng))
            yield self.scaling.to_kappa(maps[: n - start, ..., 0])

    def numpy_latents(self, n, rng):
        """Latents of ``n`` maps, drawn map by map so that batches of any size follow the same stream."""
        sizes = [int(np.prod(shape)) for shape in self.latent_shapes]
        flat = rng.standard_normal((n, sum(sizes)), dtype=np.float32)
        parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
        return [part.reshape(n, *shape) for part, shape in zip(parts, self.latent_shapes, strict=True)]
