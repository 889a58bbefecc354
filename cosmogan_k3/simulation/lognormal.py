"""Shifted-lognormal convergence maps on a periodic flat sky."""

import numpy as np
from scipy import fft

from cosmogan_k3.errors import InputError


def lognormal_shift(source_redshift):
    """Minimum convergence λ of a shifted-lognormal field, from the fit to ray-traced simulations.

        λ(z) = 0.008 z + 0.029 z² − 0.0079 z³ + 0.00065 z⁴

    Args:
        source_redshift: float.

    Returns:
        λ, positive float (dimensionless): κ never falls below −λ.

    Example:
        >>> round(lognormal_shift(1.0), 5)
        0.02975

    Source: Hilbert, Hartlap & Schneider 2011 (arXiv 1105.3980), eq. 28.
    """
    z = source_redshift
    return z * (0.008 + z * (0.029 + z * (-0.0079 + z * 0.00065)))


def lognormal_moments(variance, shift):
    """Mean, variance and skewness of a shifted-lognormal variable with zero mean.

    With s² = ln(1 + σ²/λ²), the skewness is (e^{s²} + 2) √(e^{s²} − 1).

    Args:
        variance: float, σ² of κ.
        shift: float, λ.

    Returns:
        ``(0.0, variance, skewness)``.

    Example:
        >>> mean, variance, skewness = lognormal_moments(1.0, 1.0)
        >>> float(skewness)
        4.0
    """
    ratio = variance / shift**2
    return 0.0, variance, (ratio + 3) * np.sqrt(ratio)


def mode_ell(pixels, field_deg):
    """Multipole |ℓ| of each mode of the half-plane of ``rfft2``, with the zero mode at half the fundamental one."""
    fundamental = 360.0 / field_deg
    modes = np.hypot(fft.fftfreq(pixels)[:, None], fft.rfftfreq(pixels)[None, :]) * pixels
    modes[0, 0] = 0.5
    return fundamental * modes


def gaussian_power(kappa_power, field_deg, shift, pixels):
    """Mode variances of the Gaussian field g whose exponential has the wanted spectrum.

    On the periodic grid κ = λ (e^{g − s²/2} − 1) has ξ_κ = λ² (e^{ξ_g} − 1), hence ξ_g = ln(1 + ξ_κ/λ²); both
    spectra are the Fourier transforms of these.

    Returns:
        ``(variances, mismatch)``: the spectrum of g on the half-plane with its negative values, which no field can
        have, set to zero, and the share of its variance that those amounted to.
    """
    cell = (np.deg2rad(field_deg) / pixels) ** 2
    correlation = fft.irfft2(kappa_power / cell, s=(pixels, pixels))
    if correlation.min() <= -(shift**2):
        raise InputError(
            f"No shifted-lognormal field has this spectrum with minimum convergence {-shift:g}: its correlation "
            f"function falls to {correlation.min():g}. Increase the shift above {np.sqrt(-correlation.min()):g}"
        )
    spectrum = fft.rfft2(np.log1p(correlation / shift**2)).real
    negative = -spectrum[spectrum < 0].sum()
    return np.maximum(spectrum, 0), negative / np.abs(spectrum).sum()


def lognormal_maps(n, *, pixels, field_deg, power, shift, seed):
    """Draw shifted-lognormal maps with a given angular power spectrum.

        κ = λ (exp(g − s²/2) − 1),    ⟨g⟩ = 0, ⟨g²⟩ = s²

    Each map has its own random stream, so map i does not depend on how many are drawn.

    Args:
        n: int, number of maps.
        pixels: int, side in pixels.
        field_deg: float, side in degrees.
        power: function from ℓ (array) to C_ℓ in steradian. It is sampled at the modes of the grid, up to the corner
            of the Fourier plane; no pixel window is applied.
        shift: float, λ.
        seed: int.

    Returns:
        κ, float32 ``(n, pixels, pixels)``.

    Raises:
        InputError: non-positive sizes, or a spectrum that no shifted-lognormal field can have (more than 0.1 %
            of the variance of g would be negative).

    Example:
        >>> import numpy as np
        >>> maps = lognormal_maps(3, pixels=16, field_deg=2.0, power=lambda ell: 1e-7 / ell, shift=0.03, seed=1)
        >>> maps.shape, bool(maps.min() > -0.03)
        ((3, 16, 16), True)

    Source: Coles & Jones 1991; for convergence, Taruya et al. 2002 (astro-ph/0202090) and Xavier et al. 2016 (FLASK).
    """
    draw = lognormal_drawer(
        n, pixels=pixels, field_deg=field_deg, power=power, shift=shift, seed=seed
    )
    maps = np.empty((n, pixels, pixels), np.float32)
    for index in range(n):
        maps[index] = draw(index)
    return maps


def lognormal_drawer(n, *, pixels, field_deg, power, shift, seed):
    """The function from an index to its map, which ``lognormal_maps`` calls n times; arguments and errors as there."""
    if n < 1 or pixels < 2 or not field_deg > 0 or not shift > 0:
        raise InputError(
            "maps, pixels (at least 2), field_deg and shift must be positive. "
            f"Received: maps={n}, pixels={pixels}, field_deg={field_deg}, shift={shift}"
        )
    spectrum, mismatch = gaussian_power(
        power(mode_ell(pixels, field_deg)), field_deg, shift, pixels
    )
    if mismatch > 1e-3:
        raise InputError(
            f"No shifted-lognormal field has this spectrum: {100 * mismatch:.2f} % of the variance of its logarithm "
            "would be negative. Increase the shift or the field"
        )
    amplitude = np.sqrt(spectrum)
    mean = _full_plane_sum(spectrum, pixels) / pixels**2 / 2

    def draw(index):
        # White noise of unit variance in real space has exactly the symmetry that a real field needs.
        stream = np.random.SeedSequence(seed, spawn_key=(index,))
        noise = np.random.default_rng(stream).standard_normal((pixels, pixels))
        g = fft.irfft2(fft.rfft2(noise) * amplitude, s=(pixels, pixels))
        return (shift * np.expm1(g - mean)).astype(np.float32)

    return draw


def _full_plane_sum(half, pixels):
    """Sum over the whole Fourier plane of a function given on the half-plane of ``rfft2``."""
    weight = np.full(half.shape[1], 2.0)
    weight[0] = 1.0
    if pixels % 2 == 0:
        weight[-1] = 1.0
    return float((half * weight).sum())
