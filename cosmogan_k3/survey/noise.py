"""Shape noise: the scatter that the intrinsic ellipticities of galaxies add to a map."""

import zlib
from typing import Any

import numpy as np

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.maps.stream import check_pixel_size
from cosmogan_k3.units import in_unit, positive

_ARCMIN = np.deg2rad(1 / 60)  # in radian


def noise_deviation(*, pixel_arcmin: Any, galaxy_density: Any, sigma_epsilon: float) -> float:
    """Compute the standard deviation of shape noise in a pixel.

        σ_pix² = σ_ε² / (2 n A_pix)

    It is the scatter of κ, and of each component of the shear.

    Parameters
    ----------
    pixel_arcmin : float or astropy.units.Quantity
        Side of a pixel in arcmin.
    galaxy_density : float or astropy.units.Quantity
        n, source galaxies per arcmin².
    sigma_epsilon : float
        σ_ε = √⟨|ε|²⟩, the dispersion of both components of the intrinsic ellipticity together: √2
        times that of one component.

    Returns
    -------
    float
        σ_pix (dimensionless).

    Raises
    ------
    InputError
        A value that is not positive and finite.

    Examples
    --------
    >>> round(noise_deviation(pixel_arcmin=1.0, galaxy_density=30.0, sigma_epsilon=0.37), 5)
    0.04777

    References
    ----------
    Kaiser & Squires 1993; van Waerbeke 2000 (astro-ph/9909160).
    """
    pixel = check_pixel_size(pixel_arcmin)
    density = positive("galaxy_density", in_unit(galaxy_density, "arcmin-2", "galaxy_density"))
    return positive("sigma_epsilon", sigma_epsilon) / float(np.sqrt(2 * density)) / pixel


def noise_power(*, galaxy_density: Any, sigma_epsilon: float) -> float:
    """Compute the power spectrum of shape noise, which is the same at every ℓ.

        P_noise = σ_ε² / (2 n),    n in galaxies per steradian

    Parameters
    ----------
    galaxy_density, sigma_epsilon
        As in ``noise_deviation``.

    Returns
    -------
    float
        In steradian.

    Raises
    ------
    InputError
        As ``noise_deviation``.

    Examples
    --------
    >>> f"{noise_power(galaxy_density=30.0, sigma_epsilon=0.37):.3g}"
    '1.93e-10'

    References
    ----------
    Kaiser 1992; Bartelmann & Schneider 2001, section 6.
    """
    one = noise_deviation(
        pixel_arcmin=1.0, galaxy_density=galaxy_density, sigma_epsilon=sigma_epsilon
    )
    return one**2 * float(_ARCMIN) ** 2


def shape_noise(
    number: int,
    *,
    pixels: int,
    pixel_arcmin: Any,
    galaxy_density: Any,
    sigma_epsilon: float,
    seed: int = 0,
    stream: str = "",
) -> FloatArray:
    """Draw the shape noise of both shear components of one map.

    Each pixel has a Gaussian value of its own, with the deviation of ``noise_deviation``. This is
    the limit of many galaxies in a pixel, spread evenly. The map's number, the seed and the name of
    the stream determine the noise: it does not depend on which other maps are drawn.

    Parameters
    ----------
    number : int
        Number of the map, from 0 on.
    pixels : int
        Side N of the map in pixels.
    pixel_arcmin, galaxy_density, sigma_epsilon
        As in ``noise_deviation``.
    seed : int, default 0
    stream : str, default ""
        Sets of maps with different streams have independent noise, whatever their seeds.

    Returns
    -------
    float64 array, shape (2, N, N)
        The noise of γ1 and γ2. The first is also the noise of a map of κ.

    Raises
    ------
    InputError
        As ``noise_deviation``.

    Examples
    --------
    >>> options = {"pixel_arcmin": 1.0, "galaxy_density": 30.0, "sigma_epsilon": 0.37}
    >>> noise = shape_noise(7, pixels=64, **options)
    >>> noise.shape, round(float(noise.std()), 3)
    ((2, 64, 64), 0.048)
    """
    deviation = noise_deviation(
        pixel_arcmin=pixel_arcmin, galaxy_density=galaxy_density, sigma_epsilon=sigma_epsilon
    )
    # The name keeps the noise apart from simulations and latents, which have keys of their own.
    key = (zlib.crc32(b"shape noise of " + stream.encode()), int(number))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    return deviation * rng.standard_normal((2, pixels, pixels))
