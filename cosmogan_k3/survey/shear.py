"""Shear from convergence, and convergence from shear, on a periodic flat sky (Kaiser-Squires)."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.errors import InputError


def shear_from_convergence(kappa: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Compute the shear of maps of convergence.

    In Fourier space, with ℓ1 along the columns and ℓ2 along the rows::

        γ̃1 + i γ̃2 = D κ̃,    D = (ℓ1² − ℓ2² + 2i ℓ1 ℓ2) / ℓ²,    D(0) = 0

    Maps continue periodically: in a map cut from a larger field the shear near an edge is that of
    the matter across the opposite edge. The mean of a map causes no shear. On a grid of even side,
    the direction of a mode of the Nyquist frequency is ambiguous; D is applied to the frequency
    −N/2, which keeps the power and the inverse exact.

    Parameters
    ----------
    kappa : float array, shape (..., N, N)
        κ. Columns point along the first axis of the sky and rows along the second: in a map whose
        rows run the other way, γ2 has the other sign.

    Returns
    -------
    gamma1, gamma2 : float64 arrays, shape (..., N, N)

    Raises
    ------
    InputError
        Maps that are not square.

    Examples
    --------
    >>> x = 2 * np.pi * np.arange(16) / 16
    >>> wave = np.cos(3 * x) * np.ones((16, 1))  # along the columns
    >>> gamma1, gamma2 = shear_from_convergence(wave)
    >>> bool(abs(gamma1 - wave).max() < 1e-12), bool(abs(gamma2).max() < 1e-12)
    (True, True)

    References
    ----------
    Kaiser & Squires 1993; Bartelmann & Schneider 2001, section 5.
    """
    shear = fft.ifft2(_rotation(np.shape(kappa)) * fft.fft2(np.asarray(kappa, np.float64)))
    return shear.real, shear.imag


def convergence_from_shear(
    gamma1: NDArray[np.floating], gamma2: NDArray[np.floating]
) -> tuple[FloatArray, FloatArray]:
    """Reconstruct the convergence from maps of shear, and its B-mode.

    In Fourier space, with D of ``shear_from_convergence`` and its complex conjugate D*::

        κ̃_E + i κ̃_B = D* (γ̃1 + i γ̃2)

    Lensing causes no κ_B: it shows noise, holes and systematic errors. The mean of κ cannot be
    known from the shear, and that of each result is 0. Shear that is not observed has to be 0; the
    power near such holes leaks from κ_E into κ_B. Maps continue periodically.

    Parameters
    ----------
    gamma1, gamma2 : float arrays, shape (..., N, N)
        Axes as in ``shear_from_convergence``.

    Returns
    -------
    kappa_e, kappa_b : float64 arrays, shape (..., N, N)

    Raises
    ------
    InputError
        Maps that are not square, or two shapes.

    Examples
    --------
    >>> kappa = np.random.default_rng(0).normal(size=(3, 16, 16))
    >>> kappa_e, kappa_b = convergence_from_shear(*shear_from_convergence(kappa))
    >>> mean = kappa.mean(axis=(1, 2), keepdims=True)
    >>> bool(abs(kappa_e - kappa + mean).max() < 1e-12), bool(abs(kappa_b).max() < 1e-12)
    (True, True)

    References
    ----------
    Kaiser & Squires 1993; Bartelmann & Schneider 2001, section 5.
    """
    if np.shape(gamma1) != np.shape(gamma2):
        raise InputError(
            "gamma1 and gamma2 must have one shape. "
            f"Received: {np.shape(gamma1)} and {np.shape(gamma2)}"
        )
    shear = np.asarray(gamma1, np.float64) + 1j * np.asarray(gamma2, np.float64)
    kappa = fft.ifft2(_rotation(shear.shape).conj() * fft.fft2(shear))
    return kappa.real, kappa.imag


def _rotation(shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return D at each mode of the whole plane; its modulus is 1 but for mode zero."""
    if len(shape) < 2 or shape[-1] != shape[-2] or 0 in shape:
        raise InputError(f"Maps are squares (..., N, N). Received: shape {shape}")
    modes = fft.fftfreq(shape[-1])
    direction = modes + 1j * modes[:, None]
    length = np.abs(direction)
    length[0, 0] = 1.0
    return np.square(direction / length)
