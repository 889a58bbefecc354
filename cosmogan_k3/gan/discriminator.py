"""Discriminators, as functional Keras models from maps in network units, and their parameters if any, to one logit."""

import keras
from keras import layers

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.architectures.blocks import seeded_initializers
from cosmogan_k3.gan.presets import FullyConvolutional
from cosmogan_k3.nn.layers import (
    AtrousWavelet,
    BatchNormalization,
    ExpectedAmplitude,
    FiLM,
    LogPlane,
    MapConv2D,
    MinibatchDiscrimination,
)


def build_discriminator(preset, pixels, seed, parameters=0):
    """Build the discriminator of a preset.

    Args:
        preset: ``Preset``.
        pixels: int, side of the maps.
        seed: int, of the initial weights, which are the same on every backend.
        parameters: int, of the maps that it is told, standardised, ``(n, parameters)``.

    Returns:
        ``keras.Model`` from ``(n, pixels, pixels, 1)``, or a list of these and the parameters, to logits ``(n, 1)``.

    Example:
        >>> from cosmogan_k3.gan.presets import get_preset
        >>> build_discriminator(get_preset("tiny"), 16, seed=0).output_shape
        (None, 1)
    """
    initializers = seeded_initializers(seed, preset.initial_stddev)
    maps = keras.Input((pixels, pixels, 1), name="maps")
    architecture = preset.architecture
    theta = keras.Input((parameters,), name="parameters") if parameters else None
    if isinstance(architecture, FullyConvolutional):
        x = _fully_convolutional(architecture, maps, initializers, theta)
    else:
        x = _deep_convolutional(architecture, maps, initializers)
    features = x
    x = layers.Flatten(name="flatten")(x)
    # The logit is float32 whatever the policy: losses and penalties are computed from it.
    logit = layers.Dense(1, kernel_initializer=next(initializers), dtype="float32", name="logit")(x)
    if theta is None:
        return keras.Model(maps, logit, name="discriminator")
    logit = layers.Add(name="projected")([logit, _projection(features, theta)])
    return keras.Model([maps, theta], logit, name="discriminator")


def _projection(features, theta):
    """⟨V θ, mean of the features⟩, zero at the start: how well a map fits its parameters (arXiv 1802.05637)."""
    means = layers.GlobalAveragePooling2D(name="pooled")(features)
    direction = layers.Dense(
        means.shape[-1], kernel_initializer="zeros", use_bias=False, name="direction"
    )(theta)
    return layers.Dot(axes=1, dtype="float32", name="projection")([means, direction])


def _convolution(x, filters, initializers, *, kernel_size=5, strides=2, name):
    # Zeros, not periodic: real maps need not be periodic, and a seam must not give the generated ones away.
    return MapConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="zeros",
        kernel_initializer=next(initializers),
        name=name,
    )(x)


def _leaky(x, name):
    return layers.LeakyReLU(negative_slope=0.2, name=name)(x)


def _fully_convolutional(architecture, maps, initializers, theta):
    # An amplitude that is wrong by so many per cent then looks the same at all parameters.
    x = maps if theta is None else ExpectedAmplitude(inverse=True, name="amplitude")([maps, theta])
    if architecture.discriminator_wavelet_planes:
        planes = AtrousWavelet(architecture.discriminator_wavelet_planes, name="planes")(x)
        x = layers.Concatenate(name="seen")([planes, LogPlane(name="log_plane")(maps)])
    convolutions = [(filters, 2) for filters in architecture.discriminator_channels]
    if architecture.discriminator_repeat:
        convolutions.append((architecture.discriminator_channels[-1], 1))
    for i, (filters, strides) in enumerate(convolutions):
        kernel_size = architecture.discriminator_kernel if i else 5
        x = _convolution(
            x, filters, initializers, kernel_size=kernel_size, strides=strides, name=f"conv_{i}"
        )
        if theta is not None:
            x = FiLM(name=f"modulate_{i}")([x, theta])
        x = _leaky(x, f"leaky_{i}")
    return x


def _deep_convolutional(architecture, x, initializers):
    kernel_size = architecture.kernel_size
    for i, filters in enumerate(reversed(architecture.channels)):
        x = _convolution(x, filters, initializers, kernel_size=kernel_size, name=f"conv_{i}")
        x = _leaky(_normalized(x, architecture, f"norm_{i}") if i else x, f"leaky_{i}")
    if not architecture.minibatch_kernels:
        return x
    x = _minibatch_discrimination(architecture, x, initializers)
    last = len(architecture.channels)
    x = _convolution(
        x, x.shape[-1], initializers, kernel_size=kernel_size, strides=1, name=f"conv_{last}"
    )
    return _leaky(_normalized(x, architecture, f"norm_{last}"), f"leaky_{last}")


def _normalized(x, architecture, name):
    if architecture.discriminator_norm is None:
        return x
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def _minibatch_discrimination(architecture, x, initializers):
    _, rows, columns, channels = x.shape
    layer = MinibatchDiscrimination(
        architecture.minibatch_kernels,
        architecture.minibatch_dims,
        architecture.minibatch_projection,
        kernel_initializer=next(initializers),
        projection_initializer=next(initializers),
        name="minibatch",
    )
    if architecture.minibatch_layout == "channels":
        return layer(x)
    extra, remainder = divmod(architecture.minibatch_kernels, rows * columns)
    if remainder:
        raise InputError(
            f"The published layout cuts the vector into {rows}x{columns} maps, so minibatch_kernels must be a multiple "
            f"of {rows * columns}, or minibatch_layout 'channels'. Received: {architecture.minibatch_kernels}"
        )
    x = layer(layers.Flatten(name="minibatch_flatten")(x))
    return layers.Reshape((rows, columns, channels + extra), name="minibatch_reshape")(x)
