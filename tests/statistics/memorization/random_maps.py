"""Gaussian maps with a power-law spectrum."""

import numpy as np


def random_maps(rng, n, pixels=32, slope=-0.5):
    k = np.hypot(np.fft.fftfreq(pixels)[:, None], np.fft.rfftfreq(pixels))
    k[0, 0] = 1
    return np.fft.irfft2(
        np.fft.rfft2(rng.normal(size=(n, pixels, pixels))) * k**slope, s=(pixels, pixels)
    )
