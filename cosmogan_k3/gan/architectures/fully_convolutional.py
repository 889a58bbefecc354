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
from cosmogan_k3.gan.latents import LatentSpace
from cosmogan_k3.gan.precision import map_dtype
from cosmogan_k3.nn.initializers import SeededNormal
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
from cosmogan_k3.nn.layers.map_convolution import Padding

# Cells beyond each edge, on every grid, of a map with open edges: a doubling turns two into two,
# and the two convolutions on the grid of the map use them up.
_EDGE_CELLS = 2
# Coarsest cells drawn beyond each edge of a sample with open edges, around which a filter wraps.
_MARGIN_CELLS = 1


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
    discriminator_compressed : bool
        Whether arsinh is applied to these planes. Single bright pixels then cannot make the logit
        of any size.
    discriminator_pooled : bool
        Whether the logit is a function of the features' means over the map. The sky is stationary:
        a map is then many samples of the same features.
    generator_norm : {"virtual", "batch"} or None
        Normalization of the generator.
    reference_size : int
        Number of examples in the reference batch of "virtual".
    reference_mode : {"batch", "example"}
        Mode of ``VirtualBatchNorm``.
    edges : {"periodic", "open"}
        Whether maps are drawn on a torus, or as part of a larger field.
    injection_stddev : float
        Standard deviation of the initial weights of noise and field (``NoiseInjection``).
    output : {"lognormal", "linear"}
        Last layer: ``LognormalOutput`` or none.
    gaussian : bool
        Whether the generator draws a Gaussian field with the training maps' power spectrum
        (``GaussianField``), sees it on every grid and adds to it. Its maps are lognormal before
        training.

    Examples
    --------
    >>> FullyConvolutional().latent_space(64).shapes
    ((8, 8, 16), (16, 16, 1), (32, 32, 1), (64, 64, 1), (64, 64, 1))
    >>> FullyConvolutional(edges="open").latent_space(64).shapes
    ((14, 14, 16), (20, 20, 1), (36, 36, 1), (68, 68, 1), (66, 66, 1))
    """

    conditional: ClassVar[bool] = True
    calibrated: ClassVar[bool] = True
    channel_fields: ClassVar[tuple[str, ...]] = ("channels", "discriminator_channels")

    latent: int = 16
    channels: tuple[int, ...] = (64, 32, 16, 8, 8)
    discriminator_channels: tuple[int, ...] = (16, 32, 64, 128)
    discriminator_kernel: int = 5
    discriminator_repeat: bool = True
    discriminator_wavelet_planes: int = 0
    discriminator_compressed: bool = False
    discriminator_pooled: bool = False
    generator_norm: Normalization | None = "virtual"
    reference_size: int = 8
    reference_mode: Literal["batch", "example"] = "batch"
    edges: Literal["periodic", "open"] = "periodic"
    injection_stddev: float = 0.0
    output: Literal["lognormal", "linear"] = "lognormal"
    gaussian: bool = False

    @property
    def doublings(self) -> int:
        """Number of times that the generator doubles the side of its grid."""
        return len(self.channels) - 2

    @property
    def _edge(self) -> int:
        """Cells that every grid has beyond each edge of the map."""
        return _EDGE_CELLS if self.edges == "open" else 0

    def _field_edge(self, pixels: int) -> int:
        """Pixels that the Gaussian field has beyond each edge.

        The field is periodic. With half a map on each side, opposite edges of the map are as far
        from each other as they seem.
        """
        return max(pixels // 2, self._edge * 2 ** (self.doublings - 1)) if self._edge else 0

    def latent_space(self, pixels: int) -> LatentSpace:
        """Return the latents on all grids; see ``Architecture``."""
        coarsest, edge = 2**self.doublings, self._edge
        check_divisible(pixels, coarsest)
        finer = [2**i for i in reversed(range(self.doublings))]
        # The first convolution uses up one more cell, the last one but one pixel less.
        latent = pixels // coarsest + (2 * (edge + 1) if edge else 0)
        sides = [pixels // cell + 2 * edge for cell in finer] + [pixels + edge]
        if self.gaussian:
            sides.append(pixels + 2 * self._field_edge(pixels))
        return LatentSpace(
            ((latent, latent, self.latent), *((side, side, 1) for side in sides)),
            pixels,
            margin=_MARGIN_CELLS * coarsest if edge else 0,
            training_margin=0,
            cells=(coarsest, *finer, *[1] * (1 + self.gaussian)),
        )

    def check_trainable(self, pixels: int) -> None:
        """Raise ``InputError`` unless both networks fit; see ``Architecture``."""
        check_divisible(pixels, 2 ** max(self.doublings, len(self.discriminator_channels)))

    def for_edges(self, periodic: Callable[[], bool]) -> Self:
        """Return the architecture with open edges unless the maps are periodic."""
        return replace(self, edges="periodic" if periodic() else "open")

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
        fields = self._on_grids(field, pixels)
        x = self._features(latent, noises, fields, conditions, initializers)
        # With a field the network adds nothing before training.
        kernel = next(initializers) if field is None else "zeros"
        x = self._convolution(1, kernel, "map", dtype=map_dtype())(x)
        if conditions is not None:
            x = ExpectedAmplitude(name="amplitude", dtype=map_dtype())([x, conditions])
            inputs.append(conditions)
        if field is not None:
            of_map = _cut(field, self._field_edge(pixels), "field_of_map")
            x = layers.Add(name="with_field", dtype=map_dtype())([x, of_map])
        if self.output == "lognormal":
            x = _conditioned(LognormalOutput, ConditionalOutput, conditions, name="lognormal")(x)
        return generator_model(inputs, x)

    def _on_grids(self, field: Tensor | None, pixels: int) -> list[Tensor | None]:
        """Return the Gaussian field, if there is one, averaged to the grid of each noise."""
        if field is None:
            return [None] * (self.doublings + 1)
        edge = self._field_edge(pixels)
        grids = []
        for i in range(self.doublings):
            cell = 2 ** (self.doublings - 1 - i)
            x = _cut(field, edge - cell * self._edge, f"field_cut_{i}")
            grids.append(layers.AveragePooling2D(cell, name=f"field_{i}")(x) if cell > 1 else x)
        return [*grids, _cut(field, edge - self._edge // 2, f"field_cut_{self.doublings}")]

    def _features(
        self,
        latent: Tensor,
        noises: list[Tensor],
        fields: list[Tensor | None],
        conditions: Tensor | None,
        initializers: Iterator[keras.Initializer],
    ) -> Tensor:
        """Return the features from which the last convolution makes the map."""
        first, *middle, last = self.channels
        bias = self.generator_norm is None
        x = self._convolution(first, next(initializers), "base")(latent)
        for i, filters in enumerate(middle):
            x = UpsampleConv2D(
                filters,
                3,
                padding=self._padding,
                use_bias=bias,
                kernel_initializer=next(initializers),
                name=f"up_{i}",
            )(x)
            x = self._inject(x, noises[i], fields[i], initializers, number=i)
            x = _modulated(self.normalization(f"norm_{i}")(x), conditions, number=i)
            x = layers.ReLU(name=f"relu_{i}")(x)
        number = len(middle)
        x = self._convolution(last, next(initializers), "detail")(x)
        x = self._inject(x, noises[-1], fields[-1], initializers, number=number)
        return layers.ReLU(name=f"relu_{number}")(_modulated(x, conditions, number=number))

    @property
    def _padding(self) -> Padding:
        return "valid" if self._edge else "periodic"

    def _convolution(
        self, filters: int, kernel: keras.Initializer | str, name: str, **options: Any
    ) -> Callable[[Tensor], Tensor]:
        """Return a convolution of the generator."""
        options |= {"padding": self._padding, "kernel_initializer": kernel, "name": name}
        return MapConv2D(filters, 3, **options)

    def _inject(
        self,
        x: Tensor,
        noise: Tensor,
        field: Tensor | None,
        initializers: Iterator[keras.Initializer],
        *,
        number: int,
    ) -> Tensor:
        """Add noise and, if there is one, the Gaussian field of this grid."""

        def weights() -> keras.Initializer | str:
            if not self.injection_stddev:
                return "zeros"
            return SeededNormal(next(initializers).seed, self.injection_stddev)

        x = NoiseInjection(weights(), name=f"inject_{number}")([x, noise])
        if field is None:
            return x
        return NoiseInjection(weights(), name=f"inject_field_{number}")([x, field])

    def discriminator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the discriminator; see ``Architecture``."""
        maps = keras.Input((pixels, pixels, 1), name="maps")
        conditions = _conditions_input(n_conditions)
        x = maps
        if conditions is not None:
            # A relative error of the amplitude then looks the same for all conditions.
            x = ExpectedAmplitude(inverse=True, name="amplitude", dtype=map_dtype())(
                [maps, conditions]
            )
        if self.discriminator_wavelet_planes:
            planes = AtrousWavelet(
                self.discriminator_wavelet_planes,
                compressed=self.discriminator_compressed,
                dtype=map_dtype(),
                name="planes",
            )(x)
            logarithm = LogPlane(dtype=map_dtype(), name="log_plane")(maps)
            x = layers.Concatenate(name="seen")([planes, logarithm])
        convolutions = [(filters, 2) for filters in self.discriminator_channels]
        if self.discriminator_repeat:
            convolutions.append((self.discriminator_channels[-1], 1))
        for i, (filters, strides) in enumerate(convolutions):
            size = self.discriminator_kernel if i else 5
            x = discriminator_convolution(
                x, filters, initializers, kernel_size=size, strides=strides, name=f"conv_{i}"
            )
            x = leaky_relu(_modulated(x, conditions, number=i), f"leaky_{i}")
        return discriminator_model(
            maps, x, initializers, conditions, pooled=self.discriminator_pooled
        )


def _conditions_input(n_conditions: int) -> Tensor | None:
    return keras.Input((n_conditions,), name="conditions") if n_conditions else None


def _conditioned(
    plain: type, conditional: type, conditions: Tensor | None, *args: Any, **kwargs: Any
) -> Callable[[Tensor], Tensor]:
    """Return a layer of the first class or, with conditions, one of the second; both make maps."""
    kwargs["dtype"] = map_dtype()
    if conditions is None:
        return plain(*args, **kwargs)
    layer = conditional(*args, **kwargs)
    return lambda x: layer([x, conditions])


def _modulated(x: Tensor, conditions: Tensor | None, *, number: int) -> Tensor:
    return x if conditions is None else FiLM(name=f"modulate_{number}")([x, conditions])


def _cut(field: Tensor, pixels: int, name: str) -> Tensor:
    """Remove some pixels from each edge of a field."""
    return layers.Cropping2D(pixels, dtype=map_dtype(), name=name)(field) if pixels else field
