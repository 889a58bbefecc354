"""The whole adversarial step against finite differences and against loops written by hand.

The step runs with optimizers that record their gradients and change nothing.
"""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks.by_hand import GEOGAN
from cosmogan_k3 import backend
from cosmogan_k3.gan import build_gan, get_preset
from cosmogan_k3.gan.calibrator import adapt
from cosmogan_k3.nn.layers import LogPlane
from tests.gan.hand_written import torch_step
from tests.gan.tiny_gan import compiled, number, tensors, to_numpy

NETWORKS = ("generator", "discriminator")

# "tiny" has every term.
PRESETS = ["tiny", "quick"]


def randomized(gan, rng):
    """Give every weight a value of its own: zeros and equal numbers would hide mistakes."""
    for network in NETWORKS:
        for variable in getattr(gan, network).trainable_variables:
            shape = tuple(variable.shape)
            spread = 1 / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.1
            offset = {"gamma": 1.0, "skew": 0.3}.get(variable.name, 0.0)
            variable.assign(offset + spread * rng.normal(size=shape) * (variable.name != "skew"))
    return gan


def recording_step(gan, monkeypatch):
    """Return a function of maps and latents: losses of a step, and the gradients of each network.

    The gradients are those that the two optimizers are given.
    """
    found = {}

    def recorder(network):
        def apply(gradients, variables):
            found[network] = [ops.stop_gradient(gradient) for gradient in gradients]

        return apply

    for network in NETWORKS:
        monkeypatch.setattr(getattr(gan.optimizer, network), "apply", recorder(network))

    def step(maps, *latents):
        result = gan.adversarial_step(maps, list(latents))
        return [ops.stop_gradient(loss) for loss in result[:2]], dict(found)

    step = compiled(gan, step)

    def recorded(maps, latents):
        losses, gradients = step(*tensors([maps, *latents]))
        arrays = {
            (network, variable.path): array
            for network in NETWORKS
            for variable, array in zip(
                getattr(gan, network).trainable_variables,
                to_numpy(gradients[network]),
                strict=True,
            )
        }
        return [number(loss) for loss in losses], arrays

    return recorded


def inputs(gan, rng, n):
    """Real maps and latents of n maps."""
    maps = rng.normal(size=(n, gan.pixels, gan.pixels, 1)).astype("float32")
    latents = [rng.normal(size=(n, *shape)).astype("float32") for shape in gan.latent_space.shapes]
    return maps, latents


def weights_of(gan):
    return {
        (network, v.path): np.array(ops.convert_to_numpy(v))
        for network in NETWORKS
        for v in getattr(gan, network).trainable_variables
    }


def small_geogan():
    """``geogan`` with few channels, and the same sizes for the loops by hand."""
    preset = get_preset("geogan")
    sizes = {"latent": GEOGAN["latent"], "channels": GEOGAN["channels"]}
    sizes |= {"reference_size": GEOGAN["reference"], "minibatch_kernels": GEOGAN["kernels"]}
    sizes |= {"minibatch_dims": GEOGAN["dims"], "minibatch_projection": GEOGAN["projection"]}
    return replace(preset, architecture=replace(preset.architecture, **sizes))


@pytest.mark.skipif(backend.name != "torch", reason="this loop is written in PyTorch")
@pytest.mark.parametrize(("system", "pixels"), [("quick", 32), ("geogan", 16)])
def test_the_step_is_the_one_written_by_hand(rng, monkeypatch, system, pixels):
    """Losses and gradients to 1e-5, those of each tensor relative to its largest element.

    The gradient of a bias is relative to that of its layer. Before a normalization it is a sum
    that cancels, to rounding alone where the normalization follows at once.
    """
    small = {"latent": 8, "channels": (16, 12, 8, 4), "reference": 16, "kernels": 16}
    for name, value in small.items():
        monkeypatch.setitem(GEOGAN, name, value)
    preset = small_geogan() if system == "geogan" else get_preset("quick")
    gan = randomized(build_gan(preset, pixels=pixels, pixel_arcmin=3.0), rng)
    maps, latents = inputs(gan, rng, 16)
    losses, ours = recording_step(gan, monkeypatch)(maps, latents)
    reference = [ops.convert_to_numpy(v) for v in gan.reference]
    expected_losses, theirs = torch_step(system, weights_of(gan), maps, reference, latents)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5, atol=1e-6)
    assert set(ours) == set(theirs)
    for (network, path), gradient in ours.items():
        kernel = path.replace("/bias", "/kernel")
        scale = max(np.abs(theirs[network, name]).max() for name in (path, kernel))
        np.testing.assert_allclose(
            gradient, theirs[network, path], rtol=0, atol=1e-5 * scale, err_msg=path
        )


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("preset", PRESETS)
def test_gradients_are_finite_differences_of_the_losses(rng, monkeypatch, preset, network):
    """The step with changed kernels, along the gradient of each, where the slope is its length.

    L_D includes the R1 penalty, and L_G of "tiny" the terms that match moments. Logits, generated
    maps and these terms are float32 whatever the floatx. A loss L is rounded by 1e-7 L or so. The
    steps change it by 1e-4, or 1e-4 L if that is more, which leaves an error of a few 1e-3. The
    kinks of the ReLUs would leave more: smooth functions take their place.
    """
    monkeypatch.setattr(keras.layers.ReLU, "call", lambda _, x: ops.softplus(x))
    monkeypatch.setattr(
        keras.layers.LeakyReLU, "call", lambda _, x: ops.softplus(x) - 0.2 * ops.softplus(-x)
    )
    monkeypatch.setattr(
        LogPlane, "_logarithm", lambda plane, x: ops.log(ops.softplus(plane.skew * x + 1) + 0.05)
    )
    gan = randomized(build_gan(preset, pixels=16, pixel_arcmin=3.0), rng)
    maps, latents = inputs(gan, rng, 8)
    adapt(gan, rng.normal(size=(50, 16, 16, 1)).astype("float32"))
    assert len(gan.penalties) == 1
    assert len(gan.matchings) == (2 if preset == "tiny" else 0)
    for matching in gan.matchings:
        fix_running_error(matching, rng, monkeypatch)
    before = to_numpy(gan.variables)
    step_of = recording_step(gan, monkeypatch)
    losses, gradients = step_of(maps, latents)
    which = ("discriminator", "generator").index(network)
    # Whitened features are small differences of large means: they are rounded by more.
    size = 3e-4 if gan.matchings and network == "generator" else 1e-4
    kernels = [v for v in getattr(gan, network).trainable_variables if v.path.endswith("kernel")]
    for variable in kernels[::2]:
        gradient = gradients[network, variable.path]
        length = np.linalg.norm(gradient)
        step, ends = size * max(1.0, abs(losses[which])) / length, []
        for sign in (1, -1):
            restore(gan, before)
            (value,) = to_numpy([variable])
            variable.assign(value + sign * step * gradient / length)
            ends.append(step_of(maps, latents)[0][which])
        slope = (ends[0] - ends[1]) / (2 * step)
        assert slope == pytest.approx(length, rel=1e-2), variable.path


def fix_running_error(matching, rng, monkeypatch):
    """Let the factor that is constant in the gradient be constant in the loss, too."""
    monkeypatch.setattr(matching, "_moved", lambda mean, found, memory: mean)
    matching.running.assign(rng.normal(size=matching.running.shape))


def restore(gan, values):
    """Give all variables their earlier values: a step also moves averages."""
    for variable, value in zip(gan.variables, values, strict=True):
        variable.assign(value)
