"""The conditional GAN: its start, its dependence on the parameters, and its files."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, load_gan
from cosmogan_k3.gan.build import build_adapted_gan, build_gan
from cosmogan_k3.gan.presets import PRESETS
from cosmogan_k3.maps import Batches, Conditioning, MapSet, Scaling
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty
from tests.gan.tiny_gan import TINY, number, take_step, tiny_gan

NAMES = ["omega_m", "sigma_8"]
to_numpy = keras.ops.convert_to_numpy


@pytest.fixture(scope="module")
def maps():
    """Lognormal maps whose amplitude is proportional to σ_8 and independent of Ω_m."""
    rng = np.random.default_rng(0)
    parameters = {"omega_m": rng.uniform(0.2, 0.4, 200), "sigma_8": rng.uniform(0.6, 1.0, 200)}
    amplitude = parameters["sigma_8"][:, None, None]
    kappa = amplitude * (rng.lognormal(sigma=0.3, size=(200, 16, 16)) - np.exp(0.045))
    return MapSet(kappa.astype("float32"), 3.0, parameters=parameters)


def conditional_gan(maps):
    """Return a conditional GAN that is adapted to the maps, and its batches."""
    conditioning = Conditioning.fit(NAMES, maps.parameters)
    theta = conditioning.conditions_of_maps(maps.parameters)
    batches = Batches(maps.kappa, Scaling(), batch_size=8, augment=True, seed=1, conditions=theta)
    return build_adapted_gan(TINY, batches, maps, seed=0, conditioning=conditioning), batches


@pytest.fixture(scope="module")
def trained(maps):
    gan, batches = conditional_gan(maps)
    gan.fit(batches, epochs=1, verbose=0)
    return gan


def test_before_adapt_maps_and_logits_are_those_of_the_unconditional_gan(maps):
    conditioning = Conditioning.fit(NAMES, maps.parameters)
    plain, conditional = (tiny_gan(seed=4, conditioning=c) for c in (None, conditioning))
    parameters = {"omega_m": 0.25, "sigma_8": np.linspace(0.65, 0.95, 5)}
    found = Sampler(conditional).sample(5, seed=2, parameters=parameters)
    np.testing.assert_allclose(found, Sampler(plain).sample(5, seed=2), rtol=1e-5, atol=1e-6)
    x, theta = maps.kappa[:4, ..., None], conditioning.conditions_of_maps(maps.parameters)[:4]
    logits = to_numpy(conditional.discriminator([x, theta]))
    np.testing.assert_allclose(logits, to_numpy(plain.discriminator(x)), atol=1e-6)


def test_amplitude_is_proportional_to_sigma_8_and_independent_of_omega_m(maps):
    gan, _ = conditional_gan(maps)
    assert to_numpy(gan.example_conditions).std() == pytest.approx(1, abs=0.2)

    def deviation(**parameters):
        parameters = {"omega_m": 0.3, "sigma_8": 0.8} | parameters
        return Sampler(gan).sample(400, parameters=parameters).std()

    # 200 maps of 256 pixels determine the amplitude to 1 %, at the edge of the range to 3 %.
    for sigma_8 in (0.65, 0.95):
        assert deviation(sigma_8=sigma_8) / deviation() == pytest.approx(sigma_8 / 0.8, rel=0.06)
    assert deviation(omega_m=0.38) / deviation() == pytest.approx(1, rel=0.06)


def test_each_map_depends_on_seed_index_and_its_own_parameters(trained):
    sigma_8 = np.linspace(0.65, 0.95, 11)
    options = {"seed": 4, "batch_size": 4}
    parameters = {"omega_m": 0.3, "sigma_8": sigma_8}
    whole = Sampler(trained).sample(11, parameters=parameters, **options)
    few = {"omega_m": 0.3, "sigma_8": sigma_8[3:9]}
    part = list(Sampler(trained).sample_batches(6, first=3, parameters=few, **options))
    np.testing.assert_allclose(np.concatenate(part), whole[3:9], rtol=1e-5, atol=1e-6)
    drawn = Emulator(trained).sample_maps(11, parameters=parameters, **options)
    np.testing.assert_array_equal(drawn.kappa, whole)
    np.testing.assert_array_equal(drawn.parameters["sigma_8"], sigma_8)
    assert drawn.parameters["omega_m"].tolist() == [0.3] * 11


def test_a_conditional_gan_draws_larger_maps(trained):
    parameters = {"omega_m": 0.3, "sigma_8": 0.8}
    assert Sampler(trained).sample(2, pixels=32, parameters=parameters).shape == (2, 32, 32)


def test_every_weight_is_trained_and_training_resumes_exactly_from_a_file(maps, tmp_path):
    gan, batches = conditional_gan(maps)
    before = {w.path: to_numpy(w).copy() for w in gan.trainable_variables}
    gan.fit(batches, epochs=1, verbose=0)
    after = {w.path: to_numpy(w) for w in gan.trainable_variables}
    assert not [path for path in before if np.array_equal(before[path], after[path])]
    gan.save(tmp_path / "gan.keras")
    loaded = load_gan(tmp_path / "gan.keras")
    assert loaded.conditioning == gan.conditioning
    for model in (gan, loaded):
        model.fit(batches, initial_epoch=1, epochs=2, verbose=0)
    for a, b in zip(gan.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(to_numpy(a), to_numpy(b))


def test_the_lag_compares_both_generators_at_the_same_conditions(maps):
    """A generator that is not updated equals its average: the lag stays at zero."""
    gan, batches = conditional_gan(maps)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-3), "hinge", run_eagerly=True)
    kappa, theta = batches[0]
    take_step(gan, kappa, gan.latent_space.draw(8, 0), theta)
    assert np.abs(to_numpy(gan.spectral_matching.running)).max() > 0.1
    np.testing.assert_allclose(to_numpy(gan.spectral_matching.lag), 0, atol=1e-4)


def test_train_on_batch_takes_maps_and_conditions(maps):
    gan, batches = conditional_gan(maps)
    assert np.isfinite(gan.train_on_batch(*batches[0], return_dict=True)["generator_loss"])


@pytest.mark.parametrize("penalty", [R1(3.0, 0.5), R2(2.0), WassersteinPenalty(5.0)])
def test_penalties_use_the_discriminator_at_the_conditions_of_each_map(maps, penalty):
    """D(x|θ) = θ Σ x has slope θ at each of 256 pixels: R1 and R2 are 256 θ²/2."""
    x, theta = keras.Input((16, 16, 1)), keras.Input((1,))
    dense = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    total = dense(keras.layers.Flatten()(x))
    discriminator = keras.Model([x, theta], keras.layers.Multiply()([total, theta]))
    real, fake = (keras.ops.convert_to_tensor(maps.kappa[i : i + 4, ..., None]) for i in (0, 4))
    theta = np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
    conditions = keras.ops.convert_to_tensor(theta)
    found = penalty(discriminator, real, fake, keras.random.SeedGenerator(0), conditions)
    rows = theta[:: round(1 / penalty.fraction)]
    each = (16 * rows - 1) ** 2 if isinstance(penalty, WassersteinPenalty) else 256 * rows**2 / 2
    expected = penalty.weight * each.mean()
    assert number(keras.ops.stop_gradient(found)) == pytest.approx(expected, rel=1e-5)


def test_parameters_that_do_not_fit_the_model_are_refused(trained):
    plain = Emulator(tiny_gan())
    with pytest.raises(InputError, match=r"not conditioned on parameters\. Received: sigma_8"):
        plain.sample(1, parameters={"sigma_8": 0.8})
    with pytest.raises(InputError, match="needs values of omega_m, sigma_8"):
        Emulator(trained).sample(1)
    with pytest.raises(InputError, match="does not extrapolate"):
        Emulator(trained).sample(1, parameters={"omega_m": 0.3, "sigma_8": 1.2})


def test_presets_that_cannot_be_conditional_are_refused(maps):
    conditioning = Conditioning.fit(NAMES, maps.parameters)
    message = r"only fully convolutional presets .* best, quick, r3gan, tiny"
    with pytest.raises(InputError, match=message):
        build_gan("dcgan", pixels=64, pixel_arcmin=1.0, conditioning=conditioning)


@pytest.mark.parametrize("name", ["best", "quick", "r3gan"])
def test_every_fully_convolutional_preset_can_be_conditional(maps, name):
    """Narrow networks, which lack the field, the planes, the matching or the normalization."""
    small = {"latent": 4, "channels": (8, 8, 4, 4), "discriminator_channels": (4, 8)}
    preset = replace(PRESETS[name], architecture=replace(PRESETS[name].architecture, **small))
    gan = tiny_gan(preset, conditioning=Conditioning.fit(NAMES, maps.parameters))
    found = Sampler(gan).sample(2, parameters={"omega_m": 0.3, "sigma_8": 0.8})
    assert found.shape == (2, 16, 16)
