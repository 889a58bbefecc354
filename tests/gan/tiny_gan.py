"""A small GAN, and helpers that several tests of this folder share."""

from dataclasses import replace

import keras
import numpy as np

from cosmogan_k3 import backend
from cosmogan_k3.gan import DeepConvolutional, build_gan, get_preset

TINY = get_preset("tiny")
# Without terms that match moments the generator's loss is the adversarial loss alone.
UNMATCHED = replace(TINY, spectral_weight=0.0, feature_weight=0.0)
# Virtual batch normalization in the generator.
VIRTUAL = replace(
    TINY,
    architecture=replace(TINY.architecture, generator_norm="virtual", reference_size=4),
)
# Batch normalization in both networks, and no averaged weights.
BATCH_NORM = replace(
    get_preset("cosmogan"), architecture=DeepConvolutional(latent=8, channels=(8, 4)), batch_size=8
)


def tiny_gan(preset=TINY, **options):
    """Build the GAN of a preset for maps of 16 pixels."""
    return build_gan(preset, pixels=16, pixel_arcmin=3.0, **options)


def fit(gan, maps, **options):
    """Train on maps in batches of eight, in the order of the maps."""
    return gan.fit(maps, batch_size=8, verbose=0, shuffle=False, **options)


def compiled(gan, function):
    """Return a function of tensors that reads and changes a GAN's variables, compiled on JAX.

    There each operation outside a compiled function takes milliseconds, and a step has thousands.
    """
    if backend.name != "jax":
        return function
    import jax

    variables = [*gan.variables, *gan.optimizer.variables]

    @jax.jit
    def pure(values, *inputs):
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)) as scope:
            result = function(*inputs)
        return result, [scope.get_current_value(v) for v in variables]

    def stateful(*inputs):
        result, values = pure([v.value for v in variables], *inputs)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return result

    return stateful


def take_step(gan, maps, latents, *conditions):
    """Take one adversarial step on arrays; return its result."""
    step = compiled(gan, gan.adversarial_step)
    return step(*tensors([maps]), tensors(latents), *tensors(conditions))


def to_numpy(variables):
    """Copy variables or tensors into a list of arrays."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def tensors(arrays):
    """Convert arrays into a list of tensors."""
    return [keras.ops.convert_to_tensor(array) for array in arrays]


def number(tensor):
    """Convert a scalar tensor into a float."""
    return float(keras.ops.convert_to_numpy(tensor))


def changed(before, after):
    """Return for each pair of arrays whether any element differs."""
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
