"""Starting weights: a training that starts from the weights of another model."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, build_gan, get_preset
from cosmogan_k3.nn.losses import RelativisticAverageHinge
from cosmogan_k3.training.starting_weights import start_from

pytestmark = pytest.mark.backend


def narrow(name):
    """Return a deep convolutional preset with few channels."""
    preset = get_preset(name)
    networks = replace(preset.architecture, latent=4, channels=(8, 4, 4, 4))
    if networks.minibatch_kernels:
        networks = replace(networks, reference_size=3, minibatch_kernels=16)
    return replace(preset, architecture=networks, batch_size=2)


@pytest.fixture
def saved(rng, tmp_path):
    """A saved GAN whose averaged weights differ from the others, and its file."""
    gan = build_gan(narrow("geogan"), pixels=64, pixel_arcmin=3.0, seed=1)
    gan.set_weights([w + rng.normal(scale=0.1, size=w.shape) for w in gan.get_weights()])
    gan.save(tmp_path / "gan.keras")
    return gan, tmp_path / "gan.keras"


def test_start_from_copies_all_weights_and_no_optimizer_state(saved):
    source, path = saved
    gan = build_gan(narrow("geogan_relativistic"), pixels=64, pixel_arcmin=3.0, seed=2)
    expected = Sampler(source).sample(2)
    assert not np.allclose(Sampler(gan).sample(2), expected)
    start_from(gan, path)
    np.testing.assert_array_equal(Sampler(gan).sample(2), expected)
    for a, b in zip(gan.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(gan.optimizer.iterations) == 0
    assert isinstance(gan.adversarial_loss, RelativisticAverageHinge)


def test_start_from_refuses_other_networks_in_one_line(saved):
    _, path = saved
    gan = build_gan(narrow("cosmogan"), pixels=64, pixel_arcmin=3.0)
    message = r"gan.keras: its networks are not those .* on maps of 64 pixels"
    with pytest.raises(InputError, match=message) as refused:
        start_from(gan, path)
    assert "\n" not in str(refused.value)
