"""Generators, as functional Keras models from latents to maps in network units.

``inputs`` of a generator are its latents, and after them the parameters of the maps where it is conditioned on such;
``latent_shapes`` says how large the latents are for a map of so many pixels.
"""

import keras
from keras import layers

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.architectures.blocks import normalization, seeded_initializers
from cosmogan_k3.gan.presets import FullyConvolutional
from cosmogan_k3.nn.layers import (
    ConditionalField,
    ConditionalOutput,
    ExpectedAmplitude,
    FiLM,
    GaussianField,
    LognormalOutput,
    MapConv2D,
    NoiseInjection,
    QuantileMapping,
    SpectralFilter,
    UpsampleConv2D,
)


def latent_shapes(architecture, pixels):
    """Shapes of one example's latents, for a map of ``pixels`` a side.

    Raises:
        InputError: where ``pixels`` is not a multiple of the generator's coarsest grid.

    Example:
        >>> from cosmogan_k3.gan.presets import get_preset
        >>> latent_shapes(get_preset("quick").architecture, 64)
        [(8, 8, 16), (16, 16, 1), (32, 32, 1), (64, 64, 1), (64, 64, 1)]
    """
    if isinstance(architecture, FullyConvolutional):
        doublings = len(architecture.channels) - 2
        _check_divisible(pixels, 2**doublings)
        drawn = pixels + 2 * architecture.margin
        sides = [drawn // 2 ** (doublings - i) for i in range(1, doublings + 1)] + [drawn] * (
            1 + architecture.gaussian
        )
        coarsest = drawn // 2**doublings
        return [(coarsest, coarsest, architecture.latent), *((side, side, 1) for side in sides)]
    _check_divisible(pixels, 2 ** len(architecture.channels))
    return [(architecture.latent,)]


def _check_divisible(pixels, divisor):
    if pixels < divisor or pixels % divisor:
        raise InputError(
            f"This generator makes maps whose side is a multiple of {divisor} pixels. Received: {pixels} pixels"
        )


def build_generator(preset, pixels, seed, parameters=0):
    """Build the generator of a preset.

    Args:
        preset: ``Preset``.
        pixels: int, side of the maps.
        seed: int, of the initial weights, which are the same on every backend.
        parameters: int, how many the maps are conditioned on; its last input ``(n, parameters)`` then is these,
            standardised.

    Returns:
        ``keras.Model`` from the latents of ``latent_shapes`` to ``(n, pixels, pixels, 1)``. A fully convolutional one
        takes latents of any size.

    Example:
        >>> from cosmogan_k3.gan.presets import get_preset
        >>> build_generator(get_preset("tiny"), 16, seed=0).output_shape
        (None, None, None, 1)
    """
    latent_shapes(preset.architecture, pixels)
    initializers = seeded_initializers(seed, preset.initial_stddev)
    if isinstance(preset.architecture, FullyConvolutional):
        filtered = preset.spectral_weight > 0
        theta = keras.Input((parameters,), name="parameters") if parameters else None
        return _fully_convolutional(
            preset.architecture, pixels, initializers, theta, filtered=filtered
        )
    return _deep_convolutional(preset.architecture, pixels, initializers)


def _fully_convolutional(architecture, pixels, initializers, theta, *, filtered):
    first, *middle, last = architecture.channels
    padding = architecture.padding
    latent = keras.Input((None, None, architecture.latent), name="latent")
    noises = [keras.Input((None, None, 1), name=f"noise_{i}") for i in range(len(middle) + 1)]
    inputs = [latent, *noises]
    field = None
    if architecture.gaussian:
        inputs.append(keras.Input((None, None, 1), name="field_noise"))
        field = _told(GaussianField, ConditionalField, theta, pixels, name="field")(inputs[-1])
    bias = architecture.generator_norm is None
    x = MapConv2D(first, 3, padding=padding, kernel_initializer=next(initializers), name="base")(
        latent
    )
    for i, filters in enumerate(middle):
        x = UpsampleConv2D(
            filters,
            3,
            padding=padding,
            use_bias=bias,
            kernel_initializer=next(initializers),
            name=f"up_{i}",
        )(x)
        x = _inject(x, noises[i], field, coarser=2 ** (len(middle) - 1 - i), number=i)
        x = _modulated(normalization(architecture, f"norm_{i}")(x), theta, number=i)
        x = layers.ReLU(name=f"relu_{i}")(x)
    x = MapConv2D(last, 3, padding=padding, kernel_initializer=next(initializers), name="detail")(x)
    x = _inject(x, noises[-1], field, coarser=1, number=len(middle))
    x = layers.ReLU(name=f"relu_{len(middle)}")(_modulated(x, theta, number=len(middle)))
    # With a field the network adds nothing at first, so that training starts from lognormal maps.
    kernel = next(initializers) if field is None else "zeros"
    x = MapConv2D(1, 3, padding=padding, kernel_initializer=kernel, name="map")(x)
    if theta is not None:
        x = ExpectedAmplitude(name="amplitude")([x, theta])
    if field is not None:
        x = layers.Add(name="with_field")([x, field])
    if architecture.output == "lognormal":
        x = _told(LognormalOutput, ConditionalOutput, theta, name="bend")(x)
    if filtered:
        x = SpectralFilter(pixels, name="filter")(x)
        # One mapping for all cosmologies would make the faint maps of one what is right for another's.
        x = x if theta is not None else QuantileMapping(name="quantiles")(x)
    if architecture.margin:
        x = layers.Cropping2D(architecture.margin, name="crop")(x)
    return keras.Model(inputs if theta is None else [*inputs, theta], _float32(x), name="generator")


def _told(plain, conditional, theta, *args, **kwargs):
    """A layer of the first class or, where there are parameters, one of the second that is told them as well."""
    if theta is None:
        return plain(*args, **kwargs)
    layer = conditional(*args, **kwargs)
    return lambda x: layer([x, theta])


def _modulated(x, theta, *, number):
    return x if theta is None else FiLM(name=f"modulate_{number}")([x, theta])


def _inject(x, noise, field, *, coarser, number):
    """Features with fresh noise and, where there is one, the Gaussian field as seen on this grid."""
    x = NoiseInjection(name=f"inject_{number}")([x, noise])
    if field is None:
        return x
    if coarser > 1:
        field = layers.AveragePooling2D(coarser, name=f"field_{number}")(field)
    return NoiseInjection(name=f"inject_field_{number}")([x, field])


def _deep_convolutional(architecture, pixels, initializers):
    # Biases before a normalisation are redundant; they stay because the published parameter counts hold them.
    first, *rest = architecture.channels
    side = pixels // 2 ** len(architecture.channels)
    latent = keras.Input((architecture.latent,), name="latent")
    x = layers.Dense(side * side * first, kernel_initializer=next(initializers), name="dense")(
        latent
    )
    x = layers.Reshape((side, side, first), name="reshape")(x)
    x = layers.ReLU(name="relu_0")(normalization(architecture, "norm_0")(x))
    options = {"mode": "transposed", "padding": "zeros"}
    for i, filters in enumerate(rest, start=1):
        x = UpsampleConv2D(
            filters,
            architecture.kernel_size,
            kernel_initializer=next(initializers),
            name=f"up_{i}",
            **options,
        )(x)
        x = layers.ReLU(name=f"relu_{i}")(normalization(architecture, f"norm_{i}")(x))
    x = UpsampleConv2D(
        1, architecture.kernel_size, kernel_initializer=next(initializers), name="map", **options
    )(x)
    if architecture.output == "tanh":
        x = layers.Activation("tanh", name="tanh")(x)
    return keras.Model([latent], _float32(x), name="generator")


def _float32(x):
    """Maps leave the generator in float32 whatever the policy."""
    return layers.Activation("linear", dtype="float32", name="float32")(x)
