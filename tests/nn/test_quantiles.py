"""Pixel quantiles and their noise against many repetitions."""

import numpy as np

from cosmogan_k3.nn.quantiles import LEVELS, pixel_quantiles, smooth_tails


def test_quantiles_are_those_of_numpy(rng):
    pixels = rng.normal(size=(16, 200)).astype("float32")
    quantiles, _ = pixel_quantiles(pixels)
    np.testing.assert_allclose(quantiles, np.quantile(pixels.astype(float), LEVELS), atol=1e-6)


def test_the_noise_is_the_standard_error(rng):
    """Of quantiles minus the mean, over 200 sets; the mean estimate from 8 groups is 3 % low."""
    sets = rng.normal(size=(200, 64, 100))
    central = slice(60, -60)  # p from 0.0003 to 0.9997: not the single outermost pixels
    offsets, noise = [], []
    for pixels in sets:
        quantiles, estimate = pixel_quantiles(pixels)
        offsets.append(quantiles - pixels.mean())
        noise.append(estimate)
    ratio = np.sqrt(np.mean(np.square(noise), axis=0)) / np.std(offsets, axis=0)
    inner = ratio[100:-100]
    assert np.isfinite(ratio[central]).all()
    # 200 sets know a standard deviation to 5 %.
    np.testing.assert_allclose(inner, 1, atol=0.2)


def test_negligible_noise_leaves_values_as_they_are(rng):
    values = 0.001 * rng.normal(size=11)
    np.testing.assert_allclose(smooth_tails(values, np.full(11, 0.009)), values, rtol=1e-12)
    np.testing.assert_allclose(smooth_tails(values, np.full(11, 0.011)), values[5], rtol=1e-12)
