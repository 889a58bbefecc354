"""Files of a GAN: training resumes exactly, and everything that was compiled is restored."""

import keras
import numpy as np

from cosmogan_k3.gan import Sampler, adapt, load_gan
from cosmogan_k3.maps import Scaling
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty
from tests.gan.tiny_gan import fit, tiny_gan, to_numpy


def assert_equal(variables, others):
    for a, b in zip(to_numpy(variables), to_numpy(others), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_resumes_exactly_from_a_file(maps, tmp_path):
    gan = tiny_gan(seed=3, scaling=Scaling(0.1, 2.0))
    fit(gan, maps)
    gan.save(tmp_path / "gan.keras")
    loaded = load_gan(tmp_path / "gan.keras")
    assert loaded.scaling == gan.scaling
    assert loaded.loss_schedule == gan.loss_schedule
    expected = Sampler(gan).sample(3, seed=1)
    np.testing.assert_array_equal(Sampler(loaded).sample(3, seed=1), expected)
    for model in (gan, loaded):
        fit(model, maps)
    assert_equal(gan.variables, loaded.variables)
    assert_equal(gan.optimizer.variables, loaded.optimizer.variables)


def test_the_running_spectrum_is_saved(maps, tmp_path):
    gan = tiny_gan(seed=5)
    adapt(gan, maps)
    fit(gan, maps)
    (running,) = to_numpy([gan.spectral_matching.running])
    assert not np.allclose(running, 1)
    gan.save(tmp_path / "gan.keras")
    loaded = load_gan(tmp_path / "gan.keras")
    np.testing.assert_array_equal(*to_numpy([loaded.spectral_matching.running]), running)


def test_the_random_state_is_saved(tmp_path):
    gan = tiny_gan(seed=2)
    gan.draw_latents(3)
    gan.save(tmp_path / "gan.keras")
    loaded = load_gan(tmp_path / "gan.keras")
    assert_equal(gan.draw_latents(3), loaded.draw_latents(3))


def test_the_compile_configuration_is_restored():
    options = {
        "penalties": [R1(0.5, 0.25), R2(2.0), WassersteinPenalty(5.0)],
        "discriminator_steps": 2,
    }
    gan, other = tiny_gan(), tiny_gan()
    optimizers = keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3)
    gan.compile(*optimizers, "wasserstein", **options)
    other.compile_from_config(gan.get_compile_config())
    assert other.penalties == tuple(options["penalties"])
    assert other.discriminator_steps == 2
    assert other.loss_schedule == gan.loss_schedule
