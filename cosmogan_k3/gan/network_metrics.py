"""Evaluation metrics that need a neural network."""

import numpy as np

from cosmogan_k3._typing import IntArray, MapArray
from cosmogan_k3.gan.gan import GAN
from cosmogan_k3.gan.parameter_regressor import learned_features
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import frechet_distance, interpolation_smoothness, null_halves

# Training maps, chosen at random, from which the regressor learns. They are held in memory.
_REGRESSION_MAPS = 3000
# The regressor halves the side of a map three times.
_SIDE = 8
# Paths through the latents, and points on each: together a batch that is compiled already.
_PATHS, _POINTS = 4, 16


def learned_frechet(
    training: MapSet,
    real: MapArray,
    generated: MapArray,
    *,
    groups: IntArray | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Measure the Fréchet distance of features of a network that infers cosmological parameters.

    Parameters
    ----------
    training : MapSet
        The network learns from 3,000 of its maps and those of its parameters that vary.
    real, generated : MapArray
        κ, float ``(n, N, N)``; the network has not seen them.
    groups : int array (n,), optional
        Unit of each real map, such as the larger map that it was cut from; halves share none.
    seed : int

    Returns
    -------
    dict of str to float
        ``learned_frechet_distance``, and ``learned_frechet_distance_null`` between two halves of
        the real maps. Empty if no parameter varies, if the side is no multiple of 8, or if half
        the real maps, or the generated maps, are no more than the features.

    Examples
    --------
    >>> kappa = np.random.default_rng(0).normal(size=(60, 16, 16)).astype("float32")
    >>> learned_frechet(MapSet(kappa, 2.0, parameters={"omega_m": np.full(60, 0.3)}), kappa, kappa)
    {}

    References
    ----------
    As for ``parameter_regressor.learned_features``.
    """
    if real.shape[1] % _SIDE:
        return {}
    chosen = np.random.default_rng(seed).permutation(len(training))[:_REGRESSION_MAPS]
    parameters = [np.asarray(values)[chosen] for values in training.parameters.values()]
    varying = [v for v in parameters if np.isfinite(v).all() and np.ptp(v) > 0]
    if not varying:
        return {}
    maps = np.asarray(training.kappa[chosen])
    rows, generated_rows = learned_features(
        maps, np.stack(varying, axis=1), [real, generated], seed=seed
    )
    first, second = null_halves(len(rows), seed, groups)
    alive = np.ptp(rows[first], axis=0) > 0  # dead features are constant
    if not alive.any() or min(len(second), len(generated_rows)) <= alive.sum():
        return {}
    return {
        "learned_frechet_distance": frechet_distance(rows[:, alive], generated_rows[:, alive]),
        "learned_frechet_distance_null": frechet_distance(
            rows[first][:, alive], rows[second][:, alive]
        ),
    }


def latent_smoothness(gan: GAN, *, seed: int = 0) -> dict[str, float]:
    """Measure how evenly maps change along paths through the latent space.

    The mean ``interpolation_smoothness`` of four paths::

        z(θ) = z₀ cos θ + z₁ sin θ,    θ in 15 even steps from 0 to π/2

    Every point of such a path is normally distributed, as points of a straight line are not.

    Parameters
    ----------
    gan : GAN
    seed : int
        Seed of the ends of the paths.

    Returns
    -------
    dict of str to float
        ``interpolation_smoothness``, between 1 (even) and 15 (one jump). Empty if a path does not
        change the map.

    Examples
    --------
    >>> from cosmogan_k3.gan.build import build_gan
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    >>> 1 <= latent_smoothness(gan)["interpolation_smoothness"] < 2
    True
    """
    angle = np.linspace(0, np.pi / 2, _POINTS, dtype=np.float32)
    paths = [
        np.multiply.outer(np.cos(angle), z[::2]) + np.multiply.outer(np.sin(angle), z[1::2])
        for z in gan.latent_space.draw(2 * _PATHS, seed)
    ]
    latents = [z.reshape(-1, *z.shape[2:]) for z in paths]
    conditions = None
    if gan.n_conditions:  # zero is the mean of the training maps' parameters
        conditions = np.zeros((_POINTS * _PATHS, gan.n_conditions), np.float32)
    maps = gan.scaling.to_kappa(gan.network_maps(latents, conditions)[..., 0])
    by_path = maps.reshape(_POINTS, _PATHS, *maps.shape[1:]).swapaxes(0, 1)
    if any((path == path[0]).all() for path in by_path):
        return {}
    smoothness = [interpolation_smoothness(path) for path in by_path]
    return {"interpolation_smoothness": float(np.mean(smoothness))}
