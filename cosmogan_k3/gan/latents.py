"""The latent variables of a generator: their shapes, and how they are drawn."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._options.shared import LARGEST_SIDE
from cosmogan_k3._typing import Tensor
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import Conditioning

# Shape of one latent input without the batch axis.
LatentShape = tuple[int, ...]

# Spawn key of the latents' random streams; simulated maps use the index of the map alone.
_SPAWN_KEY = 1


@dataclass(frozen=True)
class LatentSpace:
    """The latents of a generator that draws maps of a given side.

    Parameters
    ----------
    shapes : tuple of tuple of int
        Shape of one map's latents for each input of the generator, without the batch axis.
    pixels : int
        Side of the maps.
    margin : int
        Pixels that are drawn beyond each edge of a map.

    Raises
    ------
    InputError
        If a size is not a whole number within the bounds of maps.

    Examples
    --------
    >>> space = LatentSpace(((8, 8, 16), (64, 64, 1)), pixels=64)
    >>> space.shapes_for(128)
    ((16, 16, 16), (128, 128, 1))
    >>> [z.shape for z in space.draw(2, seed=0)]
    [(2, 8, 8, 16), (2, 64, 64, 1)]
    """

    shapes: tuple[LatentShape, ...]
    pixels: int
    margin: int = 0

    def __post_init__(self) -> None:
        sizes = [self.pixels, *(size for shape in self.shapes for size in shape)]
        bounds = [(size, 1) for size in sizes] + [(self.margin, 0)]
        for size, least in bounds:
            if type(size) is not int or not least <= size <= LARGEST_SIDE:
                raise InputError(
                    f"Sides and latents of maps are whole numbers from {least} to "
                    f"{LARGEST_SIDE:,}. Received: {size!r}"
                )

    @property
    def drawn_pixels(self) -> int:
        """Side of the maps with their margin, as the generator draws them."""
        return self.pixels + 2 * self.margin

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LatentSpace":
        """Return the latent space that ``get_config`` described."""
        return cls(**(config | {"shapes": tuple(map(tuple, config["shapes"]))}))

    def get_config(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)

    def shapes_for(self, pixels: int) -> tuple[LatentShape, ...]:
        """Return the shapes of one map's latents for maps of another side.

        Parameters
        ----------
        pixels : int
            Side of the maps.

        Raises
        ------
        InputError
            If the generator cannot draw such maps.
        """
        if pixels == self.pixels:
            return self.shapes
        if any(len(shape) != 3 for shape in self.shapes):
            raise InputError(
                f"This generator draws maps of {self.pixels} pixels only; generators whose latents "
                "lie on a grid (presets best and quick) draw maps of any size. "
                f"Received: pixels={pixels}",
                parameter="pixels",
            )
        native = self.drawn_pixels
        cell = native // self.shapes[0][0]
        if pixels < cell or pixels % cell:
            raise InputError(
                f"This generator draws maps of a multiple of {cell} pixels. "
                f"Received: pixels={pixels}",
                parameter="pixels",
            )
        drawn = pixels + 2 * self.margin
        scaled = ((side * drawn // native, channels) for side, _, channels in self.shapes)
        return tuple((side, side, channels) for side, channels in scaled)

    def check(self, generator: keras.Model, conditioning: Conditioning | None) -> None:
        """Refuse a generator that draws other maps from these latents.

        Their shapes are followed through the generator; nothing of their size is created.

        Parameters
        ----------
        generator : keras.Model
        conditioning : Conditioning or None
            Parameters that the generator depends on.

        Raises
        ------
        InputError
        """
        shapes: list[tuple[int | None, ...]] = [(None, *shape) for shape in self.shapes]
        if conditioning is not None:
            shapes.append((None, len(conditioning.names)))
        drawn = tuple(generator.compute_output_shape(shapes))[1:]
        side = self.drawn_pixels
        if drawn != (side, side, 1):
            raise InputError(
                f"The generator draws maps of shape {drawn} from these latents; expected "
                f"{(side, side, 1)}, for maps of {self.pixels} pixels with a margin of "
                f"{self.margin}"
            )

    def crop(self, maps: Tensor) -> Tensor:
        """Remove the margin of drawn maps ``(n, N, N, 1)``."""
        margin = self.margin
        return maps[:, margin:-margin, margin:-margin] if margin else maps

    def draw(
        self,
        n: int,
        seed: int | Sequence[int],
        *,
        first: int = 0,
        pixels: int | None = None,
    ) -> list[NDArray[np.float32]]:
        """Draw the latents of maps ``first`` to ``first + n − 1`` of a seed from N(0, 1).

        Each map has its own random stream. Latents come from NumPy and are therefore the same on
        every backend.

        Parameters
        ----------
        n : int
            Number of maps.
        seed : int or sequence of int
        first : int
            Index of the first map.
        pixels : int, optional
            Side of the maps; by default that of the training maps.

        Returns
        -------
        list of ndarray
            float32 ``(n, *shape)`` for each input of the generator.

        Raises
        ------
        InputError
            If the generator cannot draw maps of this side.
        """
        shapes = self.shapes_for(pixels or self.pixels)
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = np.empty((n, sum(sizes)), np.float32)
        for index, row in enumerate(flat, start=first):
            stream = np.random.SeedSequence(seed, spawn_key=(_SPAWN_KEY, index))
            np.random.default_rng(stream).standard_normal(out=row, dtype=np.float32)
        parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
        return [part.reshape(n, *shape) for part, shape in zip(parts, shapes, strict=True)]
