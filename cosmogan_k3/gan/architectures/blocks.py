"""Parts that several networks are built from."""

import itertools
from collections.abc import Iterator

import keras
from keras import layers

from cosmogan_k3._typing import Tensor
from cosmogan_k3.nn.initializers import SeededNormal
from cosmogan_k3.nn.layers import MapConv2D


def seeded_initializers(seed: int, stddev: float | None) -> Iterator[SeededNormal]:
    """Yield initializers without end, each with its own random stream.

    Parameters
    ----------
    seed : int
    stddev : float or None
        Standard deviation of the weights; None for that of Glorot and Bengio.

    Examples
    --------
    >>> initializers = seeded_initializers(0, 0.02)
    >>> next(initializers).seed, next(initializers).seed
    ([0, 0], [0, 1])
    """
    return (SeededNormal([seed, index], stddev) for index in itertools.count())


def discriminator_convolution(
    x: Tensor,
    filters: int,
    initializers: Iterator[keras.Initializer],
    *,
    kernel_size: int,
    strides: int = 2,
    name: str,
) -> Tensor:
    """Convolve with zero padding.

    The padding is not periodic: real maps may have discontinuous edges, and the discriminator
    must not recognize generated maps by their edges alone.
    """
    return MapConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="zeros",
        kernel_initializer=next(initializers),
        name=name,
    )(x)


def leaky_relu(x: Tensor, name: str) -> Tensor:
    """Apply the leaky ReLU of slope 0.2 that all discriminators use."""
    return layers.LeakyReLU(negative_slope=0.2, name=name)(x)


def discriminator_model(
    maps: Tensor,
    features: Tensor,
    initializers: Iterator[keras.Initializer],
    conditions: Tensor | None = None,
    *,
    pooled: bool = False,
) -> keras.Model:
    """Add the logit to a discriminator's features, and make the model.

    The logit is a linear function of the features or, if ``pooled``, of their means over the map.

    The logit is float32 under every dtype policy, because losses and penalties are computed
    from it. With conditions θ, ⟨V θ, mean of the features⟩ is added, with V = 0 at the start.

    References
    ----------
    Miyato & Koyama 2018 (arXiv 1802.05637), eq. 3, for the projection.
    """
    pool = layers.GlobalAveragePooling2D(name="pooled")
    x = pool(features) if pooled else layers.Flatten(name="flatten")(features)
    dense = layers.Dense(1, kernel_initializer=next(initializers), dtype="float32", name="logit")
    logit = dense(x)
    if conditions is None:
        return keras.Model(maps, logit, name="discriminator")
    means = x if pooled else pool(features)
    direction = layers.Dense(
        means.shape[-1], kernel_initializer="zeros", use_bias=False, name="direction"
    )(conditions)
    projection = layers.Dot(axes=1, dtype="float32", name="projection")([means, direction])
    logit = layers.Add(name="projected")([logit, projection])
    return keras.Model([maps, conditions], logit, name="discriminator")


def generator_model(inputs: list[Tensor], maps: Tensor) -> keras.Model:
    """Make a generator whose maps are float32 under every dtype policy."""
    output = layers.Activation("linear", dtype="float32", name="float32")(maps)
    return keras.Model(inputs, output, name="generator")
