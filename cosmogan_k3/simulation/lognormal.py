"""Shifted-lognormal convergence maps on a periodic flat sky."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import FloatArray, Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics.fourier import half_plane_wavenumbers, half_plane_weights
from cosmogan_k3.statistics.lognormal import gaussian_correlation

# Largest fraction of the variance of g that may belong to modes of negative power.
_LARGEST_MISMATCH = 1e-3


def lognormal_shift(source_redshift: float) -> float:
    """Compute the minimum convergence of a shifted-lognormal field from a fit to simulations.

        λ(z) = 0.008 z + 0.029 z² − 0.0079 z³ + 0.00065 z⁴

    Parameters
    ----------
    source_redshift : float

    Returns
    -------
    float
        λ, positive (dimensionless): κ is always above −λ.

    Examples
    --------
    >>> round(lognormal_shift(1.0), 5)
    0.02975

    References
    ----------
    Hilbert, Hartlap & Schneider 2011 (arXiv 1105.3980), eq. 28, fitted to ray-traced simulations.
    """
    z = source_redshift
    return z * (0.008 + z * (0.029 + z * (-0.0079 + z * 0.00065)))


def mode_ell(pixels: int, field_deg: float) -> FloatArray:
    """Compute the multipole |ℓ| of each mode of the half-plane of ``rfft2``.

    The zero mode gets half the fundamental multipole, where a power spectrum can be evaluated.

    Parameters
    ----------
    pixels : int
        Side N of the map in pixels.
    field_deg : float
        Side of the map in degrees.

    Returns
    -------
    float64 array, shape (N, N // 2 + 1)

    Examples
    --------
    >>> mode_ell(4, field_deg=6.0)[0].tolist()
    [30.0, 60.0, 120.0]
    """
    modes = half_plane_wavenumbers(pixels)
    modes[0, 0] = 0.5
    return 360.0 / field_deg * modes


def gaussian_power(
    kappa_power: FloatArray, field_deg: float, shift: float, pixels: int
) -> tuple[FloatArray, float]:
    """Compute the power spectrum of the Gaussian field whose exponential has a given spectrum.

    On the periodic grid κ = λ (exp(g − s²/2) − 1) has the correlation function

        ξ_κ = λ² (exp(ξ_g) − 1),    ξ_g = ln(1 + ξ_κ/λ²)

    Both power spectra are the Fourier transforms of the correlation functions.

    Parameters
    ----------
    kappa_power : float64 array, shape (N, N // 2 + 1)
        C_ℓ of κ in steradian at the modes of ``rfft2``.
    field_deg : float
        Side of the map in degrees.
    shift : float
        λ (dimensionless).
    pixels : int
        Side N of the map in pixels.

    Returns
    -------
    spectrum : float64 array, shape (N, N // 2 + 1)
        Variance of each mode of g. No field has negative values, so they are set to zero.
    mismatch : float
        Their fraction of the variance of g.

    Raises
    ------
    InputError
        The correlation function falls below −λ², or λ is so small that numbers overflow.

    Examples
    --------
    >>> spectrum, mismatch = gaussian_power(1e-7 / mode_ell(16, 2.0), 2.0, shift=0.03, pixels=16)
    >>> spectrum.shape, float(mismatch) < 1e-3
    ((16, 9), True)

    References
    ----------
    Coles & Jones 1991; Xavier, Abdalla & Joachimi 2016 (arXiv 1602.08503, FLASK).
    """
    cell = (np.deg2rad(field_deg) / pixels) ** 2
    correlation = fft.irfft2(kappa_power / cell, s=(pixels, pixels))
    if correlation.min() <= -(shift**2):
        raise InputError(
            f"No shifted-lognormal field has this spectrum with minimum convergence {-shift:g}: "
            f"its correlation function falls to {correlation.min():g}. "
            f"Increase the shift above {np.sqrt(-correlation.min()):g}",
            parameter="shift",
        )
    with np.errstate(all="ignore"):  # what overflows is refused
        spectrum = fft.rfft2(gaussian_correlation(correlation / shift**2)).real
    if not np.isfinite(spectrum).all():
        raise InputError(
            f"The shift is too small for numbers of 64 bits. Received: {shift:g}",
            parameter="shift",
        )
    negative = -spectrum[spectrum < 0].sum()
    return np.maximum(spectrum, 0), negative / np.abs(spectrum).sum()


def lognormal_maps(
    n: int,
    *,
    pixels: int,
    field_deg: float,
    power: Callable[[FloatArray], FloatArray],
    shift: float,
    seed: int,
) -> Maps:
    """Draw shifted-lognormal maps with a given angular power spectrum.

        κ = λ (exp(g − s²/2) − 1),    ⟨g⟩ = 0,    ⟨g²⟩ = s²

    Each map has its own random stream, so map i does not depend on the number of maps.

    Parameters
    ----------
    n : int
        Number of maps.
    pixels : int
        Side N of a map in pixels, at least 2.
    field_deg : float
        Side of a map in degrees.
    power : callable
        From ℓ (float64 array) to C_ℓ in steradian. It is evaluated at the modes of the grid, up to
        the corner of the Fourier plane; no pixel window is applied.
    shift : float
        λ, positive (dimensionless).
    seed : int
        Seed of all maps.

    Returns
    -------
    float32 array, shape (n, N, N)
        Convergence (dimensionless).

    Raises
    ------
    InputError
        Sizes that are not positive, or a spectrum that no shifted-lognormal field has: more than
        0.1 % of the variance of g would be negative.

    Examples
    --------
    >>> options = {"pixels": 16, "field_deg": 2.0, "shift": 0.03}
    >>> maps = lognormal_maps(3, power=lambda ell: 1e-7 / ell, seed=1, **options)
    >>> maps.shape, bool(maps.min() > -0.03)
    ((3, 16, 16), True)

    References
    ----------
    Coles & Jones 1991; for convergence Taruya et al. 2002 (astro-ph/0202090) and Xavier, Abdalla &
    Joachimi 2016 (arXiv 1602.08503, FLASK).
    """
    if n < 1:
        raise InputError(f"The number of maps must be positive. Received: {n}", parameter="maps")
    draw = lognormal_sampler(pixels, field_deg, power, shift, seed)
    maps = np.empty((n, pixels, pixels), np.float32)
    for index in range(n):
        maps[index] = draw(index)
    return maps


def lognormal_sampler(
    pixels: int,
    field_deg: float,
    power: Callable[[FloatArray], FloatArray],
    shift: float,
    seed: int,
) -> Callable[[int], NDArray[np.float32]]:
    """Return the function from the index of a map to the map, for ``lognormal_maps``.

    Parameters
    ----------
    pixels, field_deg, power, shift, seed
        As for ``lognormal_maps``.

    Returns
    -------
    callable
        From an index to κ, float32 array of shape (N, N).

    Raises
    ------
    InputError
        As ``lognormal_maps``.

    Examples
    --------
    >>> draw = lognormal_sampler(16, 2.0, lambda ell: 1e-7 / ell, shift=0.03, seed=1)
    >>> draw(0).shape
    (16, 16)
    """
    if pixels < 2 or not field_deg > 0 or not shift > 0:
        raise InputError(
            "pixels (at least 2), field_deg and shift must be positive. "
            f"Received: pixels={pixels}, field_deg={field_deg}, shift={shift}"
        )
    kappa_power = power(mode_ell(pixels, field_deg))
    spectrum, mismatch = gaussian_power(kappa_power, field_deg, shift, pixels)
    if mismatch > _LARGEST_MISMATCH:
        raise InputError(
            f"No shifted-lognormal field has this spectrum: {100 * mismatch:.2f} % of the variance "
            "of its logarithm would be negative. Increase the shift or the field",
            parameter="shift",
        )
    amplitude = np.sqrt(spectrum)
    half_variance = float((spectrum * half_plane_weights(pixels)).sum()) / pixels**2 / 2

    def draw(index: int) -> NDArray[np.float32]:
        # The transform of white noise in real space has the symmetry that a real field needs.
        stream = np.random.SeedSequence(seed, spawn_key=(index,))
        noise = np.random.default_rng(stream).standard_normal((pixels, pixels))
        g = fft.irfft2(fft.rfft2(noise) * amplitude, s=(pixels, pixels))
        return (shift * np.expm1(g - half_variance)).astype(np.float32)

    return draw
