"""The GAN: training of both networks, averaged weights, compilation and dtype policies."""

import keras
import numpy as np
import pytest

from cosmogan_k3.gan import Sampler
from cosmogan_k3.nn.optimizers import PairedOptimizer
from tests.gan.tiny_gan import VIRTUAL, changed, fit, tensors, tiny_gan, to_numpy


def adams():
    """Return two optimizers."""
    return keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3)


def test_both_networks_and_both_optimizers_are_updated(maps):
    gan = tiny_gan()
    before = to_numpy(gan.trainable_variables)
    history = fit(gan, maps, epochs=2).history
    assert all(changed(before, to_numpy(gan.trainable_variables)))
    for optimizer in (gan.optimizer.generator, gan.optimizer.discriminator):
        assert int(optimizer.iterations) == 8
        moments = to_numpy(optimizer.variables[2:])
        assert any(np.abs(m).max() > 0 for m in moments), "the optimizer's state stayed at zero"
    assert set(history) == {"discriminator_loss", "generator_loss", "real_logit", "fake_logit"}
    assert np.isfinite(list(history.values())).all()


def test_samples_come_from_the_averaged_generator(maps):
    gan = tiny_gan()
    fit(gan, maps, epochs=3)
    present, averaged = (to_numpy(g.weights) for g in (gan.generator, gan.averaged_generator))
    assert any(changed(present, averaged))
    (expected,) = to_numpy([gan.averaged_generator(tensors(gan.latent_space.draw(4, 0)))])
    sampled = gan.scaling.to_network(Sampler(gan).sample(4, seed=0, batch_size=4))
    np.testing.assert_allclose(sampled, expected[..., 0], rtol=1e-4, atol=1e-5)


def test_the_reference_batch_is_fixed(maps):
    gan = tiny_gan(VIRTUAL)
    before = to_numpy(gan.reference)
    fit(gan, maps)
    assert not any(changed(before, to_numpy(gan.reference)))
    assert before[0].shape[0] == VIRTUAL.architecture.reference_size


def test_train_on_batch_takes_an_array(maps):
    gan = tiny_gan()
    before = to_numpy(gan.generator.trainable_variables)
    assert np.isfinite(gan.train_on_batch(maps[:8], return_dict=True)["generator_loss"])
    # The kernel of the last convolution starts at zero: earlier layers get a gradient from the
    # second step on.
    assert any(changed(before, to_numpy(gan.generator.trainable_variables)))


def test_bfloat16_trains_and_float16_is_refused(maps):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        gan = tiny_gan()
        history = fit(gan, maps).history
        assert np.isfinite(list(history.values())).all()
        assert Sampler(gan).sample(2).dtype == np.float32
        keras.config.set_dtype_policy("mixed_float16")
        with pytest.raises(ValueError, match="mixed_bfloat16"):
            tiny_gan()
    finally:
        keras.config.set_dtype_policy(before)


def test_one_optimizer_for_both_networks_is_refused():
    adam = keras.optimizers.Adam(1e-3)
    with pytest.raises(ValueError, match="an optimizer each"):
        PairedOptimizer(adam, adam)


@pytest.mark.parametrize(
    ("loss", "message"),
    [("least_squares", "Unknown loss"), ({5: "hinge"}, "must start at epoch 0")],
)
def test_unusable_losses_are_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan().compile(*adams(), loss)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_outside_its_range_is_refused(decay):
    config = tiny_gan().get_config() | {"average_decay": decay}
    with pytest.raises(ValueError, match=r"average_decay must lie in \[0, 1\)"):
        type(tiny_gan()).from_config(config)
