"""The adversarial step: closed forms for linear networks, and what a step leaves untouched."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, LatentSpace, adapt, step
from cosmogan_k3.maps import Conditioning, Scaling
from cosmogan_k3.nn.penalties import R1, R2
from tests.gan.tiny_gan import (
    BATCH_NORM,
    TINY,
    UNMATCHED,
    VIRTUAL,
    changed,
    compiled,
    fit,
    number,
    take_step,
    tensors,
    tiny_gan,
    to_numpy,
)

# Weights, learning rates and maps of one pixel for the linear networks g = w z and D(x) = v x.
W, V, RATE_G, RATE_D = 0.5, 2.0, 0.1, 0.3
X = np.array([1.0, -0.5, 2.0, 0.3, -1.2, 0.8], "float32")
Z = np.array([0.4, 1.5, -0.7, 0.9, 0.2, 1.1], "float32")


THETA = np.array([0.5, -1.0, 1.5, 2.0, 0.1, -0.6], "float32")
THETA_RANGE = Conditioning(("theta",), (0.0,), (1.0,), (-1.0,), (2.0,))


def linear_networks(*, conditional):
    """Build g = w z and D(x) = v x, or g = w z θ and D(x|θ) = v x θ."""
    constant = keras.initializers.Constant
    convolution = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer=constant(W))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=constant(V))
    z, x = keras.Input((1, 1, 1)), keras.Input((1, 1, 1))
    maps, logits = convolution(z), dense(keras.layers.Flatten()(x))
    if not conditional:
        return keras.Model([z], maps), keras.Model(x, logits)
    theta = keras.Input((1,))
    maps = keras.layers.Multiply()([maps, keras.layers.Reshape((1, 1, 1))(theta)])
    logits = keras.layers.Multiply()([logits, theta])
    return keras.Model([z, theta], maps), keras.Model([x, theta], logits)


def linear_gan(*, average_decay=0.0, conditional=False, **options):
    """Build the GAN of the linear networks, compiled with plain gradient descent."""
    gan = GAN(
        *linear_networks(conditional=conditional),
        latent_space=LatentSpace(((1, 1, 1),), pixels=1),
        scaling=Scaling(),
        pixel_arcmin=1.0,
        average_decay=average_decay,
        conditioning=THETA_RANGE if conditional else None,
    )
    optimizers = keras.optimizers.SGD(RATE_G), keras.optimizers.SGD(RATE_D)
    gan.compile(*optimizers, "wasserstein", run_eagerly=True, **options)
    return gan


def linear_step(gan, *conditions):
    """Take one step on the maps X and the latents Z; return its result."""
    return take_step(gan, X.reshape(-1, 1, 1, 1), [Z.reshape(-1, 1, 1, 1)], *conditions)


def weight(network):
    (value,) = to_numpy(network.weights)
    return float(value.squeeze())


def test_one_step_of_linear_networks_is_the_closed_form():
    """The generator is updated with the slope of the discriminator that was just updated."""
    gan = linear_gan()
    result = linear_step(gan)
    v = V - RATE_D * (W * Z.mean() - X.mean())
    assert weight(gan.discriminator) == pytest.approx(v, rel=1e-5)
    assert weight(gan.generator) == pytest.approx(W + RATE_G * v * Z.mean(), rel=1e-5)
    assert number(result.real_logit) == pytest.approx(V * X.mean(), rel=1e-5)
    assert number(result.fake_logit) == pytest.approx(V * W * Z.mean(), rel=1e-5)
    expected = V * W * Z.mean() - V * X.mean()
    assert number(result.discriminator_loss) == pytest.approx(expected, rel=1e-5)
    assert number(result.generator_loss) == pytest.approx(-v * W * Z.mean(), rel=1e-5)


def test_penalties_act_on_the_discriminator_alone():
    """R1 and R2 are v²/2 each: their gradient is v."""
    gan = linear_gan(penalties=[R1(0.5), R2(0.25)])
    result = linear_step(gan)
    v = V - RATE_D * (W * Z.mean() - X.mean() + 0.75 * V)
    assert weight(gan.discriminator) == pytest.approx(v, rel=1e-5)
    assert weight(gan.generator) == pytest.approx(W + RATE_G * v * Z.mean(), rel=1e-5)
    expected = V * W * Z.mean() - V * X.mean() + 0.75 * V**2 / 2
    assert number(result.discriminator_loss) == pytest.approx(expected, rel=1e-5)


def test_discriminator_steps_take_every_kth_row_and_the_generator_the_last_part():
    gan = linear_gan(discriminator_steps=3)
    result = linear_step(gan)
    v = V
    for i in range(3):
        before, x, z = v, X[i::3].mean(), Z[i::3].mean()
        v = v - RATE_D * (W * z - x)
    assert weight(gan.discriminator) == pytest.approx(v, rel=1e-5)
    assert weight(gan.generator) == pytest.approx(W + RATE_G * v * z, rel=1e-5)
    assert number(result.real_logit) == pytest.approx(before * x, rel=1e-5)
    assert int(gan.optimizer.discriminator.iterations) == 3
    assert int(gan.optimizer.generator.iterations) == 1


def test_each_part_of_a_batch_has_the_conditions_of_its_maps():
    gan = linear_gan(conditional=True, discriminator_steps=2)
    linear_step(gan, THETA.reshape(-1, 1))
    v = V
    for i in range(2):
        x, z = np.mean((X * THETA)[i::2]), np.mean((Z * THETA**2)[i::2])
        v = v - RATE_D * (W * z - x)
    assert weight(gan.discriminator) == pytest.approx(v, rel=1e-5)
    assert weight(gan.generator) == pytest.approx(W + RATE_G * v * z, rel=1e-5)


def test_averaged_weights_follow_the_recursion_with_a_short_memory_at_the_start():
    """The decay is (1 + t)/(10 + t) at step t until it reaches 0.3, in step 3."""
    gan, mean = linear_gan(average_decay=0.3), W
    for t in range(1, 6):
        linear_step(gan)
        decay = min(0.3, (1 + t) / (10 + t))
        mean = decay * mean + (1 - decay) * weight(gan.generator)
        assert weight(gan.averaged_generator) == pytest.approx(mean, rel=1e-5)


def test_a_batch_that_cannot_be_split_evenly_is_refused():
    with pytest.raises(InputError, match=r"multiple of 4\. Received: 6 maps"):
        linear_step(linear_gan(discriminator_steps=4))


def test_averaged_weights_of_a_real_generator_follow_the_recursion(maps):
    gan = tiny_gan()
    mean = [w.astype("float64") for w in to_numpy(gan.averaged_generator.weights)]
    for t in range(1, 5):
        fit(gan, maps[:8])
        decay = min(TINY.average_decay, (1 + t) / (10 + t))
        new = to_numpy(gan.generator.weights)
        mean = [decay * m + (1 - decay) * w for m, w in zip(mean, new, strict=True)]
    averaged = to_numpy(gan.averaged_generator.weights)
    for m, w, v in zip(mean, averaged, gan.generator.weights, strict=True):
        if v.trainable:
            np.testing.assert_allclose(w, m, rtol=1e-4, atol=1e-6)


def test_weights_that_are_not_trained_are_copied_and_not_averaged(maps):
    gan = tiny_gan(replace(UNMATCHED, architecture=VIRTUAL.architecture))
    before = to_numpy(gan.generator.non_trainable_weights)
    gan.train_on_batch(maps[:8])
    after = to_numpy(gan.generator.non_trainable_weights)
    assert any(changed(before, after))
    averaged = to_numpy(gan.averaged_generator.weights)
    for mean, new in zip(averaged, gan.generator.weights, strict=True):
        if not new.trainable:
            np.testing.assert_array_equal(mean, keras.ops.convert_to_numpy(new))


def test_without_averaging_the_averaged_generator_equals_the_generator(maps):
    gan = tiny_gan(BATCH_NORM)
    fit(gan, maps)
    pairs = zip(
        to_numpy(gan.generator.weights), to_numpy(gan.averaged_generator.weights), strict=True
    )
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)


def test_the_generators_update_keeps_the_discriminators_moving_averages(maps, monkeypatch):
    gan = tiny_gan(BATCH_NORM)
    gan.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(0.0), "hinge", run_eagerly=True)
    kind = keras.layers.BatchNormalization
    norm = next(x for x in gan.discriminator.layers if isinstance(x, kind))
    before_update = []
    original = step.generator_objective

    def spy(gan, real, fake, conditions):
        before_update.append([keras.ops.copy(v) for v in norm.non_trainable_variables])
        return original(gan, real, fake, conditions)

    def observed_step(real, *latents):
        gan.adversarial_step(real, list(latents))
        return before_update.pop()

    monkeypatch.setattr(step, "generator_objective", spy)
    latents = gan.latent_space.draw(8, 0)
    before = compiled(gan, observed_step)(*tensors([maps[:8], *latents]))
    after = to_numpy(norm.non_trainable_variables)
    initial = [np.zeros_like(after[0]), np.ones_like(after[1])]
    assert any(changed(initial, after)), "the discriminator's own step changed none"
    assert not any(changed(to_numpy(before), after))


def test_penalties_add_to_the_discriminators_loss(maps):
    penalties = R1(3.0), R2(2.0)
    halves = tensors([maps[:4], maps[4:8]])
    penalized, plain = (tiny_gan(replace(TINY, penalties=p)) for p in (penalties, ()))

    def loss(gan):
        def objective(real, fake):
            return keras.ops.stop_gradient(step.discriminator_objective(gan, real, fake)[0])

        return number(compiled(gan, objective)(*halves))

    def penalty(real, fake):
        values = [p(penalized.discriminator, real, fake) for p in penalties]
        return keras.ops.stop_gradient(sum(values))

    total = number(compiled(penalized, penalty)(*halves))
    assert total > 1e-3
    assert loss(penalized) - loss(plain) == pytest.approx(total, rel=1e-4)


def gan_after_steps(discriminator_steps, parts, learning_rates):
    """Return a GAN after gradient descent on parts of one batch, without averaging."""
    gan = tiny_gan(replace(UNMATCHED, average_decay=0.0), seed=2)
    gan.compile(
        keras.optimizers.SGD(0.0),
        keras.optimizers.SGD(1e-2),
        "hinge",
        penalties=[R1(1.0)],
        discriminator_steps=discriminator_steps,
        run_eagerly=True,
    )
    maps = np.random.default_rng(3).normal(size=(8, 16, 16, 1)).astype("float32")
    latents = gan.latent_space.draw(8, 0)
    take_step = compiled(gan, gan.adversarial_step)
    for rows, learning_rate in zip(parts, learning_rates, strict=True):
        gan.optimizer.generator.learning_rate = learning_rate
        take_step(*tensors([maps[rows]]), tensors(z[rows] for z in latents))
    return gan


def test_two_discriminator_steps_equal_two_single_steps():
    # One step of two parts, or a step on each half with a generator that rests in the first.
    once = gan_after_steps(2, [np.s_[:]], [0.1])
    twice = gan_after_steps(1, [np.s_[::2], np.s_[1::2]], [0.0, 0.1])
    assert int(once.optimizer.discriminator.iterations) == 2
    assert int(once.optimizer.generator.iterations) == 1
    start = tiny_gan(UNMATCHED, seed=2)
    for network in ("generator", "discriminator"):
        first, a, b = (
            to_numpy(getattr(gan, network).trainable_variables) for gan in (start, once, twice)
        )
        assert any(changed(first, a))
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


def test_the_running_means_are_those_of_the_maps_that_were_judged(maps):
    """A generator that is not updated draws the same maps again."""
    gan = tiny_gan()
    adapt(gan, maps)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-3), "hinge", run_eagerly=True)
    z = gan.latent_space.draw(16, 0)
    take_step(gan, maps[:16], z)

    def means(*z):
        fake = step.generate(gan, gan.generator, list(z))
        return [matching._mean(matching.moments(fake)) for matching in gan.matchings]

    for matching, mean in zip(gan.matchings, compiled(gan, means)(*tensors(z)), strict=True):
        found, expected = to_numpy([matching.running, 0.9 * mean])
        assert np.abs(found).max() > 0.1
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)  # float32 sums


def test_the_lag_compares_both_generators_at_the_same_latents(maps):
    """A generator that is not updated equals its average: the lag stays at zero."""
    gan = tiny_gan()
    adapt(gan, maps)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-3), "hinge", run_eagerly=True)
    take_step(gan, maps[:16], gan.latent_space.draw(16, 0))
    running, lag = to_numpy([gan.spectral_matching.running, gan.spectral_matching.lag])
    assert np.abs(running).max() > 0.1
    np.testing.assert_allclose(lag, 0, atol=1e-4)


def test_the_lag_measures_the_averaged_generator(maps):
    """Averaged weights that differ from the present ones leave a lag."""
    gan = tiny_gan()
    adapt(gan, maps)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-3), "hinge", run_eagerly=True)
    kernel = gan.averaged_generator.get_layer("map").kernel
    kernel.assign(kernel + 0.3)
    take_step(gan, maps[:16], gan.latent_space.draw(16, 0))
    (lag,) = to_numpy([gan.spectral_matching.lag])
    assert np.abs(lag).max() > 0.1


def test_the_spectral_term_changes_the_generators_update(maps):
    matched, plain = tiny_gan(seed=5), tiny_gan(UNMATCHED, seed=5)
    for gan in (matched, plain):
        adapt(gan, maps)
        fit(gan, maps)
    weights = [to_numpy(gan.generator.trainable_variables) for gan in (matched, plain)]
    assert any(changed(*weights))
    assert int(matched.spectral_matching.steps) == 4
    assert not np.allclose(*to_numpy([matched.spectral_matching.running]), 1)


def test_extreme_gradients_are_shortened(maps):
    """Adam then takes the same steps for a gradient and for any longer one along it."""
    moved = []
    for factor in (1.0, 1e3):
        gan = tiny_gan(replace(TINY, generator_clipnorm=1e-3))
        variables = gan.generator.trainable_variables
        before = to_numpy(variables)
        gradients = [np.full(v.shape, factor, "float32") for v in variables]
        gan.optimizer.generator.apply(tensors(gradients), variables)
        gan.optimizer.generator.apply(tensors([g / factor for g in gradients]), variables)
        moved.append([b - a for a, b in zip(before, to_numpy(variables), strict=True)])
    for first, second in zip(*moved, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4)
