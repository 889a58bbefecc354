"""The deep convolutional architecture of DCGAN, cosmoGAN and GeoGAN."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import layers

from cosmogan_k3._typing import Tensor
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.architectures.base import Architecture, Normalization, check_divisible
from cosmogan_k3.gan.architectures.blocks import (
    discriminator_convolution,
    discriminator_model,
    generator_model,
    leaky_relu,
)
from cosmogan_k3.gan.latents import LatentSpace
from cosmogan_k3.gan.precision import map_dtype
from cosmogan_k3.nn.layers import BatchNormalization, MinibatchDiscrimination, UpsampleConv2D


@dataclass(frozen=True)
class DeepConvolutional(Architecture):
    """A dense layer and transposed convolutions, against strided convolutions.

    Parameters
    ----------
    latent : int
        Length of the latent vector.
    channels : tuple of int
        Channels of the generator, from the coarsest grid on. The discriminator mirrors them.
    kernel_size : int
        Size of every convolution.
    generator_norm : {"virtual", "batch"} or None
        Normalization of the generator.
    discriminator_norm : {"batch"} or None
        Normalization of the discriminator, after every convolution but the first.
    reference_size : int
        Number of examples in the reference batch of "virtual".
    output : {"tanh", "linear"}
        Last activation of the generator.
    minibatch_kernels, minibatch_dims : int
        Sizes of ``MinibatchDiscrimination``; no kernels, no layer.
    minibatch_projection : int or None
        Number of features that it compares; None for all of them.
    minibatch_layout : {"reshape", "channels"}
        "reshape" cuts the flattened vector into maps again, as published, which mixes positions
        and channels. "channels" appends constant channels.

    Examples
    --------
    >>> DeepConvolutional(latent=64).latent_space(256).shapes
    ((64,),)

    References
    ----------
    Radford et al. 2016 (arXiv 1511.06434); Mustafa et al. 2019 (arXiv 1706.02390).
    """

    latent: int = 64
    channels: tuple[int, ...] = (512, 256, 128, 64)
    kernel_size: int = 5
    generator_norm: Normalization | None = "batch"
    discriminator_norm: Literal["batch"] | None = "batch"
    reference_size: int = 0
    output: Literal["tanh", "linear"] = "tanh"
    minibatch_kernels: int = 0
    minibatch_dims: int = 5
    minibatch_projection: int | None = 64
    minibatch_layout: Literal["reshape", "channels"] = "reshape"

    def latent_space(self, pixels: int) -> LatentSpace:
        """Return the space of latent vectors; see ``Architecture``."""
        check_divisible(pixels, 2 ** len(self.channels))
        return LatentSpace(((self.latent,),), pixels)

    def generator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the generator; see ``Architecture``.

        Biases before a normalization are redundant. They stay because the published numbers of
        weights include them.
        """
        first, *rest = self.channels
        side = pixels // 2 ** len(self.channels)
        latent = keras.Input((self.latent,), name="latent")
        dense = layers.Dense(
            side * side * first, kernel_initializer=next(initializers), name="dense"
        )
        x = layers.Reshape((side, side, first), name="reshape")(dense(latent))
        x = layers.ReLU(name="relu_0")(self.normalization("norm_0")(x))
        for i, filters in enumerate(rest, start=1):
            x = self._upsample(x, filters, initializers, f"up_{i}")
            x = layers.ReLU(name=f"relu_{i}")(self.normalization(f"norm_{i}")(x))
        x = self._upsample(x, 1, initializers, "map", dtype=map_dtype())
        if self.output == "tanh":
            x = layers.Activation("tanh", dtype=map_dtype(), name="tanh")(x)
        return generator_model([latent], x)

    def discriminator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the discriminator; see ``Architecture``."""
        maps = keras.Input((pixels, pixels, 1), name="maps")
        x = maps
        for i, filters in enumerate(reversed(self.channels)):
            x = self._convolution(x, filters, initializers, name=f"conv_{i}")
            x = leaky_relu(self._normalized(x, f"norm_{i}") if i else x, f"leaky_{i}")
        if self.minibatch_kernels:
            x = self._minibatch_discrimination(x, initializers)
            last = len(self.channels)
            x = self._convolution(x, x.shape[-1], initializers, strides=1, name=f"conv_{last}")
            x = leaky_relu(self._normalized(x, f"norm_{last}"), f"leaky_{last}")
        return discriminator_model(maps, x, initializers)

    def _upsample(
        self,
        x: Tensor,
        filters: int,
        initializers: Iterator[keras.Initializer],
        name: str,
        **options: Any,
    ) -> Tensor:
        return UpsampleConv2D(
            filters,
            self.kernel_size,
            mode="transposed",
            padding="zeros",
            kernel_initializer=next(initializers),
            name=name,
            **options,
        )(x)

    def _convolution(
        self,
        x: Tensor,
        filters: int,
        initializers: Iterator[keras.Initializer],
        *,
        strides: int = 2,
        name: str,
    ) -> Tensor:
        return discriminator_convolution(
            x, filters, initializers, kernel_size=self.kernel_size, strides=strides, name=name
        )

    def _normalized(self, x: Tensor, name: str) -> Tensor:
        if self.discriminator_norm is None:
            return x
        return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)

    def _minibatch_discrimination(
        self, x: Tensor, initializers: Iterator[keras.Initializer]
    ) -> Tensor:
        _, rows, columns, channels = x.shape
        layer = MinibatchDiscrimination(
            self.minibatch_kernels,
            self.minibatch_dims,
            self.minibatch_projection,
            kernel_initializer=next(initializers),
            projection_initializer=next(initializers),
            name="minibatch",
        )
        if self.minibatch_layout == "channels":
            return layer(x)
        extra, remainder = divmod(self.minibatch_kernels, rows * columns)
        if remainder:
            raise InputError(
                f"The published layout cuts the vector into {rows}x{columns} maps, so "
                f"minibatch_kernels must be a multiple of {rows * columns}, or minibatch_layout "
                f"'channels'. Received: {self.minibatch_kernels}"
            )
        x = layer(layers.Flatten(name="minibatch_flatten")(x))
        return layers.Reshape((rows, columns, channels + extra), name="minibatch_reshape")(x)
