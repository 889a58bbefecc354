"""Drawing maps from a trained GAN."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import Conditions, Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.requests import Draw
from cosmogan_k3.maps import MapSet

if TYPE_CHECKING:
    from cosmogan_k3.gan.gan import GAN

# Pixels that are generated together: enough for a GPU, and about 100 MB.
_PIXELS_PER_BATCH = 2**20
# The same for several draws: 16 maps of 64², 1.4 MB as text.
_PIXELS_PER_DRAWN_BATCH = 2**16


class Sampler:
    """Draw maps from the averaged generator of a GAN.

    Latents come from NumPy. The same seed therefore gives the same maps on every backend, whatever
    the batch size.

    Parameters
    ----------
    gan : GAN

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> sampler = Sampler(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
    >>> sampler.sample(5, seed=1).shape
    (5, 16, 16)
    """

    def __init__(self, gan: "GAN") -> None:
        self.gan = gan

    def sample(
        self,
        n: int,
        *,
        pixels: int | None = None,
        seed: int = 0,
        batch_size: int | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
    ) -> Maps:
        """Draw maps.

        Parameters
        ----------
        n : int
            Number of maps.
        pixels : int, optional
            Side of the maps; by default that of the training maps. Other sides need a generator
            whose latents lie on a grid, and are multiples of its coarsest cell.
        seed : int
        batch_size : int, optional
            Maps generated together; by default as many as make a million pixels.
        parameters : mapping of str to float or array of shape (n,), optional
            Parameters of the maps, for a conditional model.

        Returns
        -------
        ndarray
            κ, float32 ``(n, pixels, pixels)``.

        Raises
        ------
        InputError
            If ``n`` is not positive, or if the generator cannot draw maps of this side or with
            these parameters.
        """
        batches = self.sample_batches(
            n, pixels=pixels, seed=seed, batch_size=batch_size, parameters=parameters
        )
        return np.concatenate(list(batches))

    def sample_batches(
        self,
        n: int,
        *,
        first: int = 0,
        pixels: int | None = None,
        seed: int = 0,
        batch_size: int | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
    ) -> Iterator[Maps]:
        """Return an iterator over maps ``first`` to ``first + n − 1`` of a seed, in batches.

        Batches start at multiples of ``batch_size``. Each map is therefore computed beside the same
        other maps, and is bit-identical whatever range is drawn. The next batch of latents is
        drawn while the present one is generated.

        Parameters
        ----------
        n : int
            Number of maps.
        first : int
            Index of the first map.
        pixels, seed, batch_size, parameters
            As for ``sample``.

        Raises
        ------
        InputError
            As for ``sample``, at the call and not at the first batch.
        """
        if n < 1:
            raise InputError(
                f"The number of maps must be positive. Received: {n}", parameter="maps"
            )
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size must be positive. Received: {batch_size}")
        pixels = pixels or self.gan.pixels
        self.gan.latent_space.shapes_for(pixels)  # refuses a side before anything is drawn
        conditions = self.conditions(parameters, n)
        batch_size = batch_size or self.batch_size_for(n, pixels)
        drawn = self._network_batches(first, first + n, pixels, seed, batch_size, conditions)
        return (self.gan.scaling.to_kappa(maps[..., 0]) for maps in drawn)

    def sample_draws(self, draws: Sequence[Draw], *, pixels: int | None = None) -> Iterator[Maps]:
        """Yield the maps of several draws in their order, in batches across them.

        Batches have one size for all requests, so that a backend compiles one. They are small: a
        service holds one for each request.

        Parameters
        ----------
        draws : sequence of Draw
        pixels : int, optional
            Side of the maps, as for ``sample``.
        """
        pixels = pixels or self.gan.pixels
        size = max(1, _PIXELS_PER_DRAWN_BATCH // pixels**2)
        for group in _groups(draws, size):
            latents, conditions = zip(
                *(self._inputs_of(*part, pixels) for part in group), strict=True
            )
            joined = [_padded(parts, size) for parts in zip(*latents, strict=True)]
            known = _padded(conditions, size) if self.gan.conditioning else None
            maps = self.gan.network_maps(joined, known)[
                : sum(stop - start for _, start, stop in group)
            ]
            yield self.gan.scaling.to_kappa(maps[..., 0])

    def _inputs_of(
        self, draw: Draw, start: int, stop: int, pixels: int
    ) -> tuple[list[NDArray[np.float32]], Conditions | None]:
        """Return the latents and the conditions of some maps of a draw."""
        n = stop - start
        latents = self.gan.latent_space.draw(n, draw.seed, first=start, pixels=pixels)
        return latents, self.conditions(draw.parameters, n)

    def batch_size_for(self, n: int, pixels: int) -> int:
        """Return how many maps are generated together if ``n`` maps are asked for."""
        return max(1, min(n, _PIXELS_PER_BATCH // pixels**2))

    def parameters_of(
        self, maps: MapSet, rows: slice = slice(None)
    ) -> dict[str, NDArray[np.float64]] | None:
        """Return the parameters of some maps of a set, as ``sample`` takes them.

        Parameters
        ----------
        maps : MapSet
        rows : slice
            Which maps.

        Returns
        -------
        dict of str to ndarray, or None
            None for a model that is not conditional.
        """
        conditioning = self.gan.conditioning
        if conditioning is None:
            return None
        return {name: np.asarray(maps.parameters[name])[rows] for name in conditioning.names}

    def conditions(self, parameters: Mapping[str, ArrayLike] | None, n: int) -> Conditions | None:
        """Return the conditions of ``n`` maps, ``(n, n_conditions)``; None without conditions.

        Parameters
        ----------
        parameters : mapping of str to float or array of shape (n,), or None
            As for ``sample``.
        n : int

        Raises
        ------
        InputError
            Parameters that are missing, unknown or out of range.
        """
        if self.gan.conditioning is not None:
            return self.gan.conditioning.conditions_of(parameters, n)
        if parameters:
            raise InputError(
                f"This model is not conditioned on parameters. Received: {', '.join(parameters)}",
                parameter="parameters",
            )
        return None

    def _network_batches(
        self,
        first: int,
        stop: int,
        pixels: int,
        seed: int,
        batch_size: int,
        conditions: Conditions | None,
    ) -> Iterator[NDArray[np.float32]]:
        """Yield maps ``first`` to ``stop − 1`` in network units."""

        def inputs(start: int) -> tuple[list[NDArray[np.float32]], Conditions | None]:
            latents = self.gan.latent_space.draw(batch_size, seed, first=start, pixels=pixels)
            if conditions is None:
                return latents, None
            # A batch is always whole. Maps outside the range take the conditions of the nearest.
            rows = np.clip(np.arange(start, start + batch_size), first, stop - 1) - first
            return latents, conditions[rows]

        starts = range(first - first % batch_size, stop, batch_size)
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(inputs, starts[0])
            for start in starts:
                drawn = ahead.result()
                if start != starts[-1]:
                    ahead = pool.submit(inputs, start + batch_size)
                maps = self.gan.network_maps(*drawn)
                yield maps[max(first - start, 0) : min(batch_size, stop - start)]


def _groups(draws: Sequence[Draw], size: int) -> Iterator[list[tuple[Draw, int, int]]]:
    """Yield batches of ``size`` maps: parts of draws, with their first and last maps.

    Examples
    --------
    >>> groups = _groups([Draw(3, 0), Draw(2, 1)], 2)
    >>> [[(draw.seed, start, stop) for draw, start, stop in group] for group in groups]
    [[(0, 0, 2)], [(0, 2, 3), (1, 0, 1)], [(1, 1, 2)]]
    """
    group: list[tuple[Draw, int, int]] = []
    room = size
    for draw in draws:
        start = 0
        while start < draw.count:
            stop = min(draw.count, start + room)
            group.append((draw, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield group
                group, room = [], size
    if group:
        yield group


def _padded(parts: Sequence[NDArray[np.float32]], size: int) -> NDArray[np.float32]:
    """Join arrays along their first axis, and repeat the last row up to a size."""
    joined = np.concatenate(parts)
    return np.concatenate([joined, np.repeat(joined[-1:], size - len(joined), axis=0)])
