"""The conditional GAN: where it equals the unconditional one, what it is told, and what files keep of it."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, load_gan
from cosmogan_k3.gan.build import build_adapted_gan, build_gan
from cosmogan_k3.gan.presets import PRESETS, get_preset
from cosmogan_k3.maps import Batches, Conditioning, MapSet, Scaling
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty

TINY = get_preset("tiny")
NAMES = ["omega_m", "sigma_8"]
to_numpy = keras.ops.convert_to_numpy


@pytest.fixture(scope="module")
def maps():
    """Lognormal noise that is as loud as σ_8, and knows nothing of Ω_m."""
    rng = np.random.default_rng(0)
    parameters = {"omega_m": rng.uniform(0.2, 0.4, 200), "sigma_8": rng.uniform(0.6, 1.0, 200)}
    loud = parameters["sigma_8"][:, None, None]
    kappa = loud * (rng.lognormal(sigma=0.3, size=(200, 16, 16)) - np.exp(0.045))
    return MapSet(kappa.astype("float32"), 3.0, parameters=parameters)


def conditional(maps, preset=TINY, **options):
    conditioning = Conditioning.fit(NAMES, maps.parameters)
    theta = conditioning.conditions_of_maps(maps.parameters)
    batches = Batches(maps.kappa, Scaling(), batch_size=8, augment=True, seed=1, conditions=theta)
    return build_adapted_gan(
        preset, batches, maps, seed=0, conditioning=conditioning, **options
    ), batches


@pytest.fixture(scope="module")
def trained(maps):
    gan, batches = conditional(maps)
    gan.fit(batches, epochs=1, verbose=0)
    return gan


def test_at_the_mean_of_the_parameters_it_starts_as_the_unconditional_one(maps):
    """Nothing measured, nothing learnt: whatever the parameters, the maps and the logits are the unconditional ones."""
    conditioning = Conditioning.fit(NAMES, maps.parameters)
    plain, told = (
        build_gan(TINY, pixels=16, pixel_arcmin=3.0, seed=4, conditioning=c)
        for c in (None, conditioning)
    )
    found = Sampler(told).sample(
        5, seed=2, parameters={"omega_m": 0.25, "sigma_8": np.linspace(0.65, 0.95, 5)}
    )
    np.testing.assert_allclose(found, Sampler(plain).sample(5, seed=2), rtol=1e-5, atol=1e-6)
    x, theta = maps.kappa[:4, ..., None], conditioning.conditions_of_maps(maps.parameters)[:4]
    np.testing.assert_allclose(
        to_numpy(told.discriminator([x, theta])), to_numpy(plain.discriminator(x)), atol=1e-6
    )


def test_the_amplitude_follows_sigma_8_and_not_omega_m(maps):
    gan, _ = conditional(maps)
    assert to_numpy(gan.example_conditions).std() == pytest.approx(1, abs=0.2)

    def spread(**parameters):
        return (
            Sampler(gan).sample(400, parameters={"omega_m": 0.3, "sigma_8": 0.8} | parameters).std()
        )

    # 200 maps of 256 pixels tell the amplitude to 1 %, at the edge of the range to 3 %.
    for sigma_8 in (0.65, 0.95):
        assert spread(sigma_8=sigma_8) / spread() == pytest.approx(sigma_8 / 0.8, rel=0.06)
    assert spread(omega_m=0.38) / spread() == pytest.approx(1, rel=0.06)


def test_samples_follow_from_seed_and_parameters_whatever_range_is_drawn(trained):
    parameters = {"omega_m": 0.3, "sigma_8": np.linspace(0.65, 0.95, 11)}
    whole = Sampler(trained).sample(11, seed=4, batch_size=4, parameters=parameters)
    few = {name: value if np.ndim(value) == 0 else value[3:9] for name, value in parameters.items()}
    part = np.concatenate(
        list(Sampler(trained).sample_batches(6, first=3, seed=4, batch_size=4, parameters=few))
    )
    np.testing.assert_allclose(part, whole[3:9], rtol=1e-5, atol=1e-6)
    drawn = Emulator(trained).sample_maps(11, seed=4, batch_size=4, parameters=parameters)
    np.testing.assert_array_equal(drawn.kappa, whole)
    np.testing.assert_array_equal(drawn.parameters["sigma_8"], parameters["sigma_8"])
    assert drawn.parameters["omega_m"].tolist() == [0.3] * 11
    assert Sampler(trained).sample(
        2, pixels=32, parameters={"omega_m": 0.3, "sigma_8": 0.8}
    ).shape == (
        2,
        32,
        32,
    )


def test_training_moves_all_that_is_learnt_and_goes_on_exactly_after_a_file(maps, tmp_path):
    gan, batches = conditional(maps)
    before = {w.path: to_numpy(w) for w in gan.trainable_variables}
    gan.fit(batches, epochs=1, verbose=0)
    still = [w.path for w in gan.trainable_variables if np.array_equal(before[w.path], to_numpy(w))]
    assert not still
    gan.save(tmp_path / "gan.keras")
    again = load_gan(tmp_path / "gan.keras")
    assert again.conditioning == gan.conditioning
    for model in (gan, again):
        model.fit(batches, initial_epoch=1, epochs=2, verbose=0)
    for a, b in zip(gan.variables, again.variables, strict=True):
        np.testing.assert_array_equal(to_numpy(a), to_numpy(b))


def test_one_batch_can_be_given_as_arrays(maps):
    gan, batches = conditional(maps)
    assert np.isfinite(gan.train_on_batch(*batches[0], return_dict=True)["generator_loss"])


@pytest.mark.parametrize("penalty", [R1(3.0, 0.5), R2(2.0), WassersteinPenalty(5.0)])
def test_penalties_see_the_discriminator_with_the_parameters_of_each_map(maps, penalty):
    """D(x|θ) = θ Σ x has the slope θ at every pixel: by R1 and R2, θ²/2 for each of 256."""
    x, theta = keras.Input((16, 16, 1)), keras.Input((1,))
    total = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)(
        keras.layers.Flatten()(x)
    )
    discriminator = keras.Model([x, theta], keras.layers.Multiply()([total, theta]))
    real, fake = (keras.ops.convert_to_tensor(maps.kappa[i : i + 4, ..., None]) for i in (0, 4))
    theta = np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
    found = penalty(
        discriminator, real, fake, keras.random.SeedGenerator(0), keras.ops.convert_to_tensor(theta)
    )
    rows = theta[:: round(1 / penalty.fraction)]
    each = (16 * rows - 1) ** 2 if isinstance(penalty, WassersteinPenalty) else 256 * rows**2 / 2
    assert float(keras.ops.stop_gradient(found)) == pytest.approx(
        penalty.weight * each.mean(), rel=1e-5
    )


def test_questions_that_a_model_cannot_answer_are_refused(trained):
    plain = Emulator(build_gan(TINY, pixels=16, pixel_arcmin=3.0))
    with pytest.raises(InputError, match=r"not conditioned on parameters\. Received: sigma_8"):
        plain.sample(1, parameters={"sigma_8": 0.8})
    with pytest.raises(InputError, match="needs values of omega_m, sigma_8"):
        Emulator(trained).sample(1)
    with pytest.raises(InputError, match="does not extrapolate"):
        Emulator(trained).sample(1, parameters={"omega_m": 0.3, "sigma_8": 1.2})


def test_presets_that_cannot_be_told_are_refused(maps):
    conditioning = Conditioning.fit(NAMES, maps.parameters)
    with pytest.raises(
        InputError, match=r"only fully convolutional presets .* best, quick, r3gan, tiny"
    ):
        build_gan("dcgan", pixels=64, pixel_arcmin=1.0, conditioning=conditioning)


@pytest.mark.parametrize("name", ["best", "quick", "r3gan"])
def test_the_other_fully_convolutional_presets_build(maps, name):
    """Small networks of the same parts: without field, planes, matching or normalisation, as each of them is."""
    small = {"latent": 4, "channels": (8, 8, 4, 4), "discriminator_channels": (4, 8)}
    preset = replace(PRESETS[name], architecture=replace(PRESETS[name].architecture, **small))
    gan = build_gan(
        preset, pixels=16, pixel_arcmin=3.0, conditioning=Conditioning.fit(NAMES, maps.parameters)
    )
    assert Sampler(gan).sample(2, parameters={"omega_m": 0.3, "sigma_8": 0.8}).shape == (2, 16, 16)
