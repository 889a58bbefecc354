"""Gaussian maps whose moments are known: periodic white noise, smoothed."""

import numpy as np
from scipy import fft


def gaussian_maps(rng, n, pixels, scale):
    """Maps of unit variance with P ∝ exp(−k²θ²), θ = ``scale`` in pixels.

    For these, ⟨|∇κ|²⟩ = ⟨κ²⟩/θ².
    """
    k2 = (fft.fftfreq(pixels)[:, None] ** 2 + fft.rfftfreq(pixels) ** 2) * (2 * np.pi) ** 2
    maps = fft.irfft2(
        fft.rfft2(rng.normal(size=(n, pixels, pixels))) * np.exp(-k2 * scale**2 / 2),
        s=(pixels, pixels),
    )
    return maps * np.sqrt(4 * np.pi) * scale
