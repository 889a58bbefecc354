"""Adaptation to training maps, and calibration of power spectrum and pixel distribution."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy import special

from cosmogan_k3.gan import Calibrator, Sampler, adapt, build, calibrate, calibrator
from cosmogan_k3.gan.build import build_adapted_gan
from cosmogan_k3.maps import Batches, Conditioning, MapSet, Scaling
from cosmogan_k3.nn.layers import AtrousWavelet, SpectralMatching
from tests.gan.tiny_gan import TINY, VIRTUAL, fit, tensors, tiny_gan, to_numpy

SIDE = 16


def one_array(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def filtered(maps, response):
    """Multiply the Fourier modes of maps by a function of the wave number in cycles per pixel."""
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    modes = np.fft.rfft2(maps[..., 0]) * response(k)
    return np.fft.irfft2(modes, s=(SIDE, SIDE))[..., None].astype("float32")


@pytest.fixture(scope="module")
def generated():
    """Gaussian maps with a red spectrum: those of a generator that is to be calibrated."""
    white = np.random.default_rng(1).normal(size=(1000, SIDE, SIDE, 1))
    return filtered(white, lambda k: 1 / (1 + 5 * k))


@pytest.fixture(scope="module")
def target(generated):
    """Training maps with another spectrum and a skewed distribution."""
    skewed = np.exp(0.5 * generated / generated.std())
    return filtered(skewed, lambda k: 1 + 0.2 * np.cos(12 * k))


def calibrated_to(target, generated, fits=1):
    """Fit a calibrator to generated maps; return it and the calibrated maps."""
    matching, layer = SpectralMatching(1.0), Calibrator(SIDE)
    matching.adapt(target)
    layer.build(target.shape)
    layer.adapt(target)
    for _ in range(fits):
        layer.fit(lambda n: [(one_array(layer(generated[:n])), None)], matching, [len(generated)])
    return layer, one_array(layer(generated))


def power_error(maps, target):
    """Return the largest error of the mean power of a mode, relative to the target."""
    power, expected = (np.mean(np.abs(np.fft.fft2(x[..., 0])) ** 2, axis=0) for x in (maps, target))
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE))
    ring = np.round(k * SIDE).astype(int)
    ratios = [power[ring == r].mean() / expected[ring == r].mean() for r in range(1, SIDE // 2)]
    return np.abs(np.array(ratios) - 1).max()


def test_fit_gives_maps_the_pixel_distribution_of_the_target(generated, target):
    _, maps = calibrated_to(target, generated)
    levels = [0.01, 0.1, 0.5, 0.9, 0.99]
    quantiles, expected = (np.quantile(x, levels) for x in (maps, target))
    np.testing.assert_allclose(quantiles, expected, atol=0.02 * target.std())


def test_alternating_fits_reduce_the_error_of_the_power_spectrum(generated, target, monkeypatch):
    error = power_error(calibrated_to(target, generated)[1], target)
    monkeypatch.setattr(calibrator, "_ALTERNATIONS", 1)
    error_of_one = power_error(calibrated_to(target, generated)[1], target)
    assert error < 0.06
    assert error < 0.8 * error_of_one


def test_a_second_fit_forgets_the_first(generated, target):
    (once, maps), (twice, again) = (calibrated_to(target, generated, fits=n) for n in (1, 2))
    np.testing.assert_allclose(*to_numpy([once.filter.gain, twice.filter.gain]), rtol=1e-6)
    np.testing.assert_allclose(maps, again, rtol=1e-5, atol=1e-5)


def test_reset_lets_maps_pass_unchanged(generated, target):
    layer, maps = calibrated_to(target, generated)
    assert not np.allclose(maps, generated, atol=0.1)
    layer.reset()
    np.testing.assert_allclose(one_array(layer(generated)), generated, atol=1e-5)


def test_calibration_measures_the_frozen_statistics_of_the_averaged_generator(maps):
    gan = tiny_gan(VIRTUAL)
    fit(gan, maps, epochs=2)
    norm = next(layer for layer in gan.averaged_generator.layers if "norm" in layer.name)
    frozen = to_numpy([norm.frozen_mean, norm.frozen_variance])
    calibrate(gan)
    for a, b in zip(frozen, to_numpy([norm.frozen_mean, norm.frozen_variance]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)  # ``fit`` calibrates at the end of an epoch
    inner = keras.Model(gan.averaged_generator.inputs, norm.output)
    y = one_array(inner(tensors(gan.latent_space.draw(400, 3))))
    # Scale and offset have hardly moved from 1 and 0. 260 maps of 8x8 correlated pixels determine
    # the mean to a few percent.
    assert np.abs(y.mean(axis=(0, 1, 2))).max() < 0.15
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=0.15)


def test_calibration_restores_the_power_of_the_training_maps_until_the_next_step(maps):
    """Training maps that are 1.3 times a generator's own maps: every gain is 1.3."""
    gan = tiny_gan()
    calibrate(gan)
    gain = gan.calibrator.filter.gain
    np.testing.assert_array_equal(one_array(gain), 1.0)  # not adapted to maps yet
    own = Sampler(gan).sample(2000, seed=9)
    for part in (gan.spectral_matching, gan.calibrator.mapping):
        part.adapt(1.3 * own[..., None])
    calibrate(gan)
    # Two sets of 2,000 maps determine the power of a ring of 100 modes to 0.5 %.
    np.testing.assert_allclose(one_array(gain)[1:], 1.3, rtol=0.03)
    assert np.std(Sampler(gan).sample(2000, seed=9)) / np.std(own) == pytest.approx(1.3, rel=0.02)
    gan.train_on_batch(maps[:8])
    np.testing.assert_array_equal(one_array(gain), 1.0)  # the weights have changed


@pytest.mark.parametrize(("edges", "fits"), [("periodic", [32]), ("open", [16, 32])])
def test_cropped_maps_are_calibrated_twice(maps, monkeypatch, edges, fits):
    networks = replace(TINY.architecture, edges=edges)
    gan = tiny_gan(replace(TINY, architecture=networks))
    adapt(gan, maps)
    found = []
    monkeypatch.setattr(gan.calibrator, "fit", lambda draw, matching, sizes: found.append(sizes))
    monkeypatch.setattr(calibrator, "_FITTED_MAPS", 16)
    monkeypatch.setattr(calibrator, "_FITTED_PIXELS", 32 * gan.pixels**2)
    calibrate(gan, last=True)
    assert found == [fits]


def test_calibration_draws_latents_whose_means_are_even_quantiles(maps, monkeypatch):
    gan = tiny_gan()
    adapt(gan, maps)
    drawn, draw = [], gan.network_maps

    def record(latents, conditions):
        drawn.append(latents[0].mean(axis=(1, 2)))
        return draw(latents, conditions)

    monkeypatch.setattr(gan, "network_maps", record)
    calibrate(gan)
    means = np.sort(np.concatenate(drawn), axis=0)
    n, side = len(means), gan.latent_space.shapes[0][0]
    expected = special.ndtri((np.arange(n) + 0.5) / n) / side
    np.testing.assert_allclose(means, np.tile(expected[:, None], means.shape[1]), atol=1e-5)


# Four times as many as the 1,100 training maps, in whole batches of 256.
@pytest.mark.parametrize(("last", "expected"), [(False, 2048), (True, 4608)])
def test_the_last_calibration_uses_more_maps(monkeypatch, last, expected):
    gan = tiny_gan()
    for part in (gan.spectral_matching, gan.calibrator.mapping):
        part.adapt(Sampler(gan).sample(1100, seed=9)[..., None])
    drawn, draw = [], gan.network_maps

    def counted(latents, conditions):
        drawn.append(len(latents[0]))
        return draw(latents, conditions)

    monkeypatch.setattr(gan, "network_maps", counted)
    calibrate(gan, last=last)
    assert sum(drawn) == expected


def test_adapt_starts_layers_of_all_networks_from_the_maps(maps):
    gan = tiny_gan()
    adapt(gan, np.exp(maps))
    networks = gan.generator, gan.averaged_generator
    skew, averaged_skew = to_numpy(g.get_layer("lognormal").skew for g in networks)
    assert skew == averaged_skew > 0.5
    assert not np.allclose(one_array(gan.discriminator.get_layer("planes").deviation), 1)


@pytest.fixture
def few_maps(monkeypatch, rng):
    """Maps of 60 cosmologies, of which a GAN is adapted to ten, or to forty if conditional."""
    monkeypatch.setattr(build, "_ADAPTED_MAPS", 10)
    monkeypatch.setattr(build, "_ADAPTED_PIXELS", 1)
    kappa = rng.lognormal(sigma=0.3, size=(60, SIDE, SIDE)).astype("float32")
    return MapSet(kappa, 3.0, parameters={"sigma_8": rng.uniform(0.6, 1.0, 60)})


def test_a_gan_is_adapted_to_the_first_training_maps(few_maps):
    batches = Batches(few_maps.kappa, Scaling(), batch_size=8)
    gan = build_adapted_gan(TINY, batches, few_maps, seed=0)
    assert int(gan.spectral_matching.adapted_to) == 10
    planes = AtrousWavelet(TINY.architecture.discriminator_wavelet_planes)
    planes.adapt(few_maps.kappa[:10, ..., None])
    deviation = one_array(gan.discriminator.get_layer("planes").deviation)
    np.testing.assert_array_equal(deviation, one_array(planes.deviation))


def test_a_conditional_gan_is_adapted_to_four_times_more_maps(few_maps):
    """Layers that need no regression are adapted to a quarter of them."""
    conditioning = Conditioning.fit(["sigma_8"], few_maps.parameters)
    theta = conditioning.conditions_of_maps(few_maps.parameters)
    batches = Batches(few_maps.kappa, Scaling(), batch_size=8, conditions=theta)
    gan = build_adapted_gan(TINY, batches, few_maps, seed=0, conditioning=conditioning)
    assert int(gan.spectral_matching.adapted_to) == 40
    chosen = np.sort(np.random.default_rng(0).permutation(60)[:40])[::4]
    planes = AtrousWavelet(TINY.architecture.discriminator_wavelet_planes)
    planes.adapt(few_maps.kappa[chosen, ..., None])
    deviation = one_array(gan.discriminator.get_layer("planes").deviation)
    np.testing.assert_array_equal(deviation, one_array(planes.deviation))
