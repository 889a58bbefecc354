"""The fully convolutional architecture, which commutes with translations of the sky."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import keras
from keras import layers

from cosmogan_k3._typing import Tensor
from cosmogan_k3.gan.architectures.base import Architecture, Normalization, check_divisible
from cosmogan_k3.gan.architectures.blocks import (
    discriminator_convolution,
    discriminator_model,
    generator_model,
    leaky_relu,
)
from cosmogan_k3.gan.latents import LatentShape
from cosmogan_k3.nn.layers import (
    AtrousWavelet,
    ConditionalField,
    ConditionalOutput,
    ExpectedAmplitude,
    FiLM,
    GaussianField,
    LognormalOutput,
    LogPlane,
    MapConv2D,
    NoiseInjection,
    UpsampleConv2D,
)

# Coarsest cells drawn beyond each edge of a map that is not periodic. Opposite edges of the
# cropped map then share almost no latents.
_MARGIN_CELLS = 2


@dataclass(frozen=True)
class FullyConvolutional(Architecture):
    """Latents on a grid and noise at every scale, against strided convolutions.

    Parameters
    ----------
    latent : int
        Channels of the latent grid, which is 2^(number of channels − 2) times coarser than the
        map.
    channels : tuple of int
        Channels on each grid, from the coarsest to that of the map, which has two entries.
    discriminator_channels : tuple of int
        Channels of the discriminator's convolutions of stride 2.
    discriminator_kernel : int
        Size of their kernels but the first, whose size is 5.
    discriminator_repeat : bool
        Whether the last of them is followed by one more of stride 1.
    discriminator_wavelet_planes : int
        Wavelet planes that the discriminator sees (``AtrousWavelet``), beside the smooth map and
        the logarithm of the map (``LogPlane``); 0 for the map alone.
    generator_norm : {"virtual", "batch"} or None
        Normalization of the generator.
    reference_size : int
        Number of examples in the reference batch of "virtual".
    reference_mode : {"batch", "example"}
        Mode of ``VirtualBatchNorm``.
    margin : int
        Pixels drawn beyond each edge and cropped, a multiple of the coarsest cell; for maps that
        are not periodic.
    output : {"lognormal", "linear"}
        Last layer: ``LognormalOutput`` or none.
    gaussian : bool
        Whether the generator draws a Gaussian field with the training maps' power spectrum
        (``GaussianField``), sees it on every grid and adds to it. Its maps are lognormal before
        training.

    Examples
    --------
    >>> FullyConvolutional().latent_shapes(64)
    ((8, 8, 16), (16, 16, 1), (32, 32, 1), (64, 64, 1), (64, 64, 1))
    """

    conditional: ClassVar[bool] = True
    calibrated: ClassVar[bool] = True

    latent: int = 16
    channels: tuple[int, ...] = (64, 32, 16, 8, 8)
    discriminator_channels: tuple[int, ...] = (16, 32, 64, 128)
    discriminator_kernel: int = 5
    discriminator_repeat: bool = True
    discriminator_wavelet_planes: int = 0
    generator_norm: Normalization | None = "virtual"
    reference_size: int = 8
    reference_mode: Literal["batch", "example"] = "batch"
    margin: int = 0
    output: Literal["lognormal", "linear"] = "lognormal"
    gaussian: bool = False

    @property
    def doublings(self) -> int:
        """Number of times that the generator doubles the side of its grid."""
        return len(self.channels) - 2

    def latent_shapes(self, pixels: int) -> tuple[LatentShape, ...]:
        """Return the shapes of the latent grids; see ``Architecture``."""
        check_divisible(pixels, 2**self.doublings)
        drawn = pixels + 2 * self.margin
        sides = [drawn // 2 ** (self.doublings - i) for i in range(1, self.doublings + 1)]
        sides += [drawn] * (1 + self.gaussian)
        coarsest = drawn // 2**self.doublings
        return ((coarsest, coarsest, self.latent), *((side, side, 1) for side in sides))

    def check_trainable(self, pixels: int) -> None:
        """Raise ``InputError`` unless both networks fit; see ``Architecture``."""
        check_divisible(pixels, 2 ** max(self.doublings, len(self.discriminator_channels)))

    def for_edges(self, periodic: Callable[[], bool]) -> Self:
        """Return the architecture with a margin unless the maps are periodic.

        The generator draws on a torus. For maps that are not periodic it has to crop.
        """
        return replace(self, margin=0 if periodic() else _MARGIN_CELLS * 2**self.doublings)

    def generator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the generator; see ``Architecture``. It takes latents of any side."""
        conditions = _conditions_input(n_conditions)
        latent = keras.Input((None, None, self.latent), name="latent")
        noises = [
            keras.Input((None, None, 1), name=f"noise_{i}") for i in range(self.doublings + 1)
        ]
        inputs, field = [latent, *noises], None
        if self.gaussian:
            inputs.append(keras.Input((None, None, 1), name="field_noise"))
            field = _conditioned(GaussianField, ConditionalField, conditions, pixels, name="field")(
                inputs[-1]
            )
        x = self._features(latent, noises, field, conditions, initializers)
        # With a field the network adds nothing before training.
        kernel = next(initializers) if field is None else "zeros"
        x = MapConv2D(1, 3, kernel_initializer=kernel, name="map")(x)
        if conditions is not None:
            x = ExpectedAmplitude(name="amplitude")([x, conditions])
            inputs.append(conditions)
        if field is not None:
            x = layers.Add(name="with_field")([x, field])
        if self.output == "lognormal":
            x = _conditioned(LognormalOutput, ConditionalOutput, conditions, name="lognormal")(x)
        return generator_model(inputs, x)

    def _features(
        self,
        latent: Tensor,
        noises: list[Tensor],
        field: Tensor | None,
        conditions: Tensor | None,
        initializers: Iterator[keras.Initializer],
    ) -> Tensor:
        """Return the features from which the last convolution makes the map."""
        first, *middle, last = self.channels
        bias = self.generator_norm is None
        x = MapConv2D(first, 3, kernel_initializer=next(initializers), name="base")(latent)
        for i, filters in enumerate(middle):
            kernel = next(initializers)
            x = UpsampleConv2D(
                filters, 3, use_bias=bias, kernel_initializer=kernel, name=f"up_{i}"
            )(x)
            x = _inject(x, noises[i], field, coarser=2 ** (len(middle) - 1 - i), number=i)
            x = _modulated(self.normalization(f"norm_{i}")(x), conditions, number=i)
            x = layers.ReLU(name=f"relu_{i}")(x)
        number = len(middle)
        x = MapConv2D(last, 3, kernel_initializer=next(initializers), name="detail")(x)
        x = _inject(x, noises[-1], field, coarser=1, number=number)
        return layers.ReLU(name=f"relu_{number}")(_modulated(x, conditions, number=number))

    def discriminator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the discriminator; see ``Architecture``."""
        maps = keras.Input((pixels, pixels, 1), name="maps")
        conditions = _conditions_input(n_conditions)
        x = maps
        if conditions is not None:
            # A relative error of the amplitude then looks the same for all conditions.
            x = ExpectedAmplitude(inverse=True, name="amplitude")([maps, conditions])
        if self.discriminator_wavelet_planes:
            planes = AtrousWavelet(self.discriminator_wavelet_planes, name="planes")(x)
            x = layers.Concatenate(name="seen")([planes, LogPlane(name="log_plane")(maps)])
        convolutions = [(filters, 2) for filters in self.discriminator_channels]
        if self.discriminator_repeat:
            convolutions.append((self.discriminator_channels[-1], 1))
        for i, (filters, strides) in enumerate(convolutions):
            size = self.discriminator_kernel if i else 5
            x = discriminator_convolution(
                x, filters, initializers, kernel_size=size, strides=strides, name=f"conv_{i}"
            )
            x = leaky_relu(_modulated(x, conditions, number=i), f"leaky_{i}")
        return discriminator_model(maps, x, initializers, conditions)


def _conditions_input(n_conditions: int) -> Tensor | None:
    return keras.Input((n_conditions,), name="conditions") if n_conditions else None


def _conditioned(
    plain: type, conditional: type, conditions: Tensor | None, *args: Any, **kwargs: Any
) -> Callable[[Tensor], Tensor]:
    """Return a layer of the first class or, with conditions, one of the second."""
    if conditions is None:
        return plain(*args, **kwargs)
    layer = conditional(*args, **kwargs)
    return lambda x: layer([x, conditions])


def _modulated(x: Tensor, conditions: Tensor | None, *, number: int) -> Tensor:
    return x if conditions is None else FiLM(name=f"modulate_{number}")([x, conditions])


def _inject(x: Tensor, noise: Tensor, field: Tensor | None, *, coarser: int, number: int) -> Tensor:
    """Add noise and the Gaussian field, if there is one, averaged to this grid."""
    x = NoiseInjection(name=f"inject_{number}")([x, noise])
    if field is None:
        return x
    if coarser > 1:
        field = layers.AveragePooling2D(coarser, name=f"field_{number}")(field)
    return NoiseInjection(name=f"inject_field_{number}")([x, field])
