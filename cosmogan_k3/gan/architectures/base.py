"""The interface that every architecture implements."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import keras

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.latents import LatentSpace
from cosmogan_k3.nn.layers import BatchNormalization, VirtualBatchNorm

Normalization = Literal["virtual", "batch"]


class Architecture(ABC):
    """A pair of networks: a description in plain data that builds both.

    Subclasses are frozen dataclasses.

    Attributes
    ----------
    conditional : bool
        Whether the networks can depend on the parameters of the maps.
    calibrated : bool
        Whether a ``Calibrator`` corrects the maps of a trained generator.
    channel_fields : tuple of str
        Names of the fields that hold numbers of channels.
    generator_norm : {"virtual", "batch"} or None
        Normalization layers of the generator.
    reference_size : int
        Number of examples in the reference batch of "virtual".
    reference_mode : {"batch", "example"}
        Mode of ``VirtualBatchNorm``.
    """

    conditional: ClassVar[bool] = False
    calibrated: ClassVar[bool] = False
    channel_fields: ClassVar[tuple[str, ...]] = ("channels",)

    generator_norm: Normalization | None
    reference_size: int
    reference_mode: Literal["batch", "example"] = "batch"

    @abstractmethod
    def latent_space(self, pixels: int) -> LatentSpace:
        """Return the latents of the generator.

        Parameters
        ----------
        pixels : int
            Side of the map.

        Raises
        ------
        InputError
            If the generator cannot draw maps of this side.
        """

    def check_trainable(self, pixels: int) -> None:
        """Raise ``InputError`` unless both networks can be built for maps of this side.

        Parameters
        ----------
        pixels : int
            Side of the training maps.
        """
        self.latent_space(pixels)

    @abstractmethod
    def generator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the network from latents to maps in network units, including the margin.

        Parameters
        ----------
        pixels : int
            Side of the maps, without the margin.
        initializers : iterator of keras.Initializer
            One for each kernel, in the order in which kernels are made.
        n_conditions : int
            Number of conditions; if positive, the last input is ``(n, n_conditions)``.
        """

    @abstractmethod
    def discriminator(
        self, pixels: int, initializers: Iterator[keras.Initializer], n_conditions: int = 0
    ) -> keras.Model:
        """Build the network from maps ``(n, pixels, pixels, 1)`` to logits ``(n, 1)``.

        The parameters are those of ``generator``.
        """

    def for_edges(self, periodic: Callable[[], bool]) -> Self:
        """Return the architecture for maps with or without periodic edges.

        Parameters
        ----------
        periodic : callable
            Returns whether opposite edges of the maps join. It is called only if the answer
            matters.
        """
        return self

    def widened(self, factor: float) -> Self:
        """Return the architecture with more or fewer channels in both networks.

        Latents, kernels of minibatch discrimination and the reference batch stay.

        Parameters
        ----------
        factor : float
            Positive; 1 changes nothing. Products are rounded, to at least one channel.

        Examples
        --------
        >>> from cosmogan_k3.gan import DeepConvolutional
        >>> DeepConvolutional().widened(0.125).channels
        (64, 32, 16, 8)
        """
        changes = {
            name: tuple(max(1, round(factor * count)) for count in getattr(self, name))
            for name in self.channel_fields
        }
        return replace(self, **changes)  # type: ignore[type-var]  # subclasses are dataclasses

    @property
    def reference_batch_size(self) -> int:
        """Size of the reference batch; 0 without virtual batch normalization."""
        return self.reference_size if self.generator_norm == "virtual" else 0

    def normalization(self, name: str) -> Callable[[Any], Any]:
        """Return the generator's normalization layer, or the identity if it has none."""
        if self.generator_norm == "virtual":
            return VirtualBatchNorm(self.reference_size, self.reference_mode, name=name)
        if self.generator_norm == "batch":
            return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)
        return lambda x: x


def check_divisible(pixels: int, divisor: int) -> None:
    """Raise ``InputError`` unless the side of a map is a positive multiple of ``divisor``."""
    if pixels < divisor or pixels % divisor:
        nearest = pixels // divisor * divisor
        advice = f"; cut the maps to {nearest} pixels" if nearest else ""
        raise InputError(
            f"These networks take maps whose side is a multiple of {divisor} pixels. "
            f"Received: {pixels} pixels{advice}",
            parameter="pixels",
        )
