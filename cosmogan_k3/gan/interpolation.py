"""Maps along paths: between latents, and through the parameters of a conditional model."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.gan import GAN
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.maps import Conditioning

# Latents that a closed path leads through.
_STATIONS = 4


def latent_path(
    gan: GAN,
    frames: int,
    *,
    paths: int = 3,
    pixels: int | None = None,
    seed: int = 0,
    parameters: Mapping[str, float] | None = None,
) -> Iterator[Maps]:
    """Draw maps along closed paths through random latents.

    Between two latents, with θ in even steps from 0 to π/2::

        z(θ) = z₀ cos θ + z₁ sin θ

    Every point of such a path is normally distributed, as points of a straight line are not.

    Parameters
    ----------
    gan : GAN
    frames : int
        Number of maps on a path.
    paths : int, default 3
    pixels : int, optional
        Side of the maps; by default that of the training maps.
    seed : int
    parameters : mapping of str to float, optional
        Parameters of all maps, for a conditional model.

    Returns
    -------
    iterator of float32 arrays (paths, N, N)
        κ of each frame.

    Raises
    ------
    InputError
        As ``Sampler.sample``.

    Examples
    --------
    >>> from cosmogan_k3.gan.build import build_gan
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    >>> [maps.shape for maps in latent_path(gan, 3, paths=2)]
    [(2, 16, 16), (2, 16, 16), (2, 16, 16)]
    """
    stations = gan.latent_space.draw(_STATIONS * paths, seed, pixels=pixels or gan.pixels)
    place = _STATIONS * np.arange(frames) / frames
    angle = (np.pi / 2 * (place % 1)).astype(np.float32)
    start = place.astype(int)
    end = (start + 1) % _STATIONS
    latents = []
    for drawn in stations:
        of_path = drawn.reshape(_STATIONS, paths, *drawn.shape[1:])
        shape = (-1, *(1,) * (of_path.ndim - 1))
        latents.append(
            np.cos(angle).reshape(shape) * of_path[start]
            + np.sin(angle).reshape(shape) * of_path[end]
        )
    return _drawn(gan, latents, [parameters] * frames)


def parameter_path(
    gan: GAN,
    frames: int,
    *,
    paths: int = 3,
    pixels: int | None = None,
    seed: int = 0,
    parameters: Mapping[str, float] | None = None,
) -> tuple[Iterator[Maps], list[dict[str, float]]]:
    """Draw maps of the same latents while each parameter goes up its range and back in turn.

    Parameters that rest have the middle of their range.

    Parameters
    ----------
    gan : GAN
        A conditional model.
    frames : int
        Number of maps on the path.
    paths : int, default 3
        Number of latents.
    pixels, seed
        As for ``latent_path``.
    parameters : mapping of str to float, optional
        Parameters that stay as they are.

    Returns
    -------
    maps : iterator of float32 arrays (paths, N, N)
        κ of each frame.
    parameters : list of dict
        Of each frame.

    Raises
    ------
    InputError
        A model without conditions, no parameter that moves, or as ``Sampler.sample``.
    """
    if gan.conditioning is None:
        raise InputError(
            "this model does not depend on parameters; ask for a film through its latents",
            parameter="film",
        )
    values = _values(gan.conditioning, frames, dict(parameters or {}))
    drawn = gan.latent_space.draw(paths, seed, pixels=pixels or gan.pixels)
    latents = [np.repeat(z[None], frames, axis=0) for z in drawn]
    return _drawn(gan, latents, values), values


def _values(
    conditioning: Conditioning, frames: int, fixed: dict[str, float]
) -> list[dict[str, float]]:
    """Return the parameters of each frame."""
    ranges = {
        name: (low, high)
        for name, low, high in zip(
            conditioning.names, conditioning.lowest, conditioning.highest, strict=True
        )
    }
    moving = [name for name in ranges if name not in fixed]
    if not moving:
        raise InputError(
            f"leave out at least one of {', '.join(ranges)}, which then moves",
            parameter="parameters",
        )
    rest = {name: (low + high) / 2 for name, (low, high) in ranges.items()} | fixed
    values = []
    for place in len(moving) * np.arange(frames) / frames:
        name = moving[int(place)]
        low, high = ranges[name]
        # From the middle up, down and back to the middle: neighbouring frames are alike.
        swing = float(np.sin(2 * np.pi * (place % 1)))
        values.append(rest | {name: (low + high) / 2 + swing * (high - low) / 2})
    return values


def _drawn(
    gan: GAN,
    latents: list[NDArray[np.float32]],
    parameters: Sequence[Mapping[str, float] | None],
) -> Iterator[Maps]:
    """Return an iterator over the maps of the frames: all have one batch size."""
    sampler = Sampler(gan)
    conditions = [sampler.conditions(values, len(latents[0][0])) for values in parameters]
    return (
        gan.scaling.to_kappa(gan.network_maps([z[index] for z in latents], known)[..., 0])
        for index, known in enumerate(conditions)
    )
