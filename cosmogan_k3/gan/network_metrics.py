"""What of a trained generator only networks can measure: learned features, and how its maps follow the latents."""

import numpy as np

from cosmogan_k3.gan.parameter_regressor import learned_features
from cosmogan_k3.statistics import frechet_distance, interpolation_smoothness, null_halves

_LEARNED_FROM = 3000
"""Training maps, drawn at random, that the regressor learns from: they are held in memory."""
_SIDE = 8
"""The regressor halves the side of a map three times."""
_PATHS, _POINTS = 4, 16
"""Of the latents: as many maps as ``GAN.sample`` draws at a time, so that nothing is compiled anew."""


def learned_frechet(training, real, generated, *, seed=0):
    """Fréchet distance of the features of a network that reads cosmological parameters off maps.

    Args:
        training: ``MapSet`` that the network learns from: 3,000 of its maps, and those of its parameters that vary.
        real, generated: float arrays ``(n, N, N)``, κ, that the network has not seen.
        seed: int.

    Returns:
        dict of floats, ``learned_frechet_distance`` and ``learned_frechet_distance_null``, the same between two halves
        of the real maps; empty where no parameter varies, the side is no multiple of 8, or half the real maps, or the
        generated ones, are no more than the features.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.maps import MapSet
        >>> kappa = np.random.default_rng(0).normal(size=(60, 16, 16)).astype("float32")
        >>> learned_frechet(MapSet(kappa, 2.0, parameters={"omega_m": np.full(60, 0.3)}), kappa, kappa)
        {}

    Source: as ``models.parameter_regressor.learned_features``.
    """
    if real.shape[1] % _SIDE:
        return {}
    chosen = np.random.default_rng(seed).permutation(len(training))[:_LEARNED_FROM]
    parameters = [np.asarray(values)[chosen] for values in training.parameters.values()]
    varying = [values for values in parameters if np.isfinite(values).all() and np.ptp(values) > 0]
    if not varying:
        return {}
    maps = np.asarray(training.kappa[chosen])
    rows, generated_rows = learned_features(
        maps, np.stack(varying, axis=1), [real, generated], seed=seed
    )
    first, second = null_halves(len(rows), seed)
    alive = np.ptp(rows[first], axis=0) > 0  # features that died are constant and carry nothing
    if not alive.any() or min(len(second), len(generated_rows)) <= alive.sum():
        return {}
    return {
        "learned_frechet_distance": frechet_distance(rows[:, alive], generated_rows[:, alive]),
        "learned_frechet_distance_null": frechet_distance(
            rows[first][:, alive], rows[second][:, alive]
        ),
    }


def latent_smoothness(gan, *, seed=0):
    """How evenly maps change along paths through the latents: mean ``interpolation_smoothness`` of four paths.

        z(θ) = z₀ cos θ + z₁ sin θ,    θ in 15 even steps from 0 to π/2

    Each point of a path is a draw from the normal distribution of the latents, as a straight line's would not be.

    Args:
        gan: ``GAN``.
        seed: int, of the ends of the paths.

    Returns:
        dict of a float, ``interpolation_smoothness``, between 1 (even) and 15 (one jump); empty where a path does not
        change the map.

    Example:
        >>> from cosmogan_k3.gan.build import build_gan
        >>> 1 <= latent_smoothness(build_gan("tiny", pixels=16, pixel_arcmin=3.0))["interpolation_smoothness"] < 2
        True
    """
    angle = np.linspace(0, np.pi / 2, _POINTS, dtype=np.float32)
    ends = gan.numpy_latents(2 * _PATHS, seed)
    rotated = [
        np.multiply.outer(np.cos(angle), z[::2]) + np.multiply.outer(np.sin(angle), z[1::2])
        for z in ends
    ]
    inputs = [z.reshape(-1, *z.shape[2:]) for z in rotated]
    if gan.conditioning:  # at the mean of the parameters, which is zero in their units
        inputs.append(np.zeros((_POINTS * _PATHS, len(gan.conditioning.names)), np.float32))
    maps = gan.predict_on_batch(inputs)
    paths = (
        gan.scaling.to_kappa(maps[..., 0]).reshape(_POINTS, _PATHS, *maps.shape[1:3]).swapaxes(0, 1)
    )
    if any((path == path[0]).all() for path in paths):
        return {}
    return {
        "interpolation_smoothness": float(
            np.mean([interpolation_smoothness(path) for path in paths])
        )
    }
