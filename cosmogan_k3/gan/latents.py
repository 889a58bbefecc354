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
        Shape of one map's latents for each input of the generator, without the batch axis. The
        generator draws maps of side ``pixels + 2 training_margin`` from them.
    pixels : int
        Side of the maps.
    margin : int
        Pixels that are drawn beyond each edge of a sample. A filter wraps around the edges of what
        is drawn, and the margin is cropped after it.
    training_margin : int, optional
        The same in training, which has no filter; ``margin`` by default.
    cells : tuple of int, optional
        Side in pixels of a cell of each latent grid. By default the grids cover what is drawn
        in training.

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
    training_margin: int = -1
    cells: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.training_margin == -1:
            object.__setattr__(self, "training_margin", self.margin)
        sizes = [self.pixels, *self.cells, *(size for shape in self.shapes for size in shape)]
        bounds = [(size, 1) for size in sizes]
        bounds += [(size, 0) for size in (self.margin, self.training_margin)]
        for size, least in bounds:
            if type(size) is not int or not least <= size <= LARGEST_SIDE:
                raise InputError(
                    f"Sides and latents of maps are whole numbers from {least} to "
                    f"{LARGEST_SIDE:,}. Received: {size!r}"
                )
        if not self.cells:
            drawn = self.pixels + 2 * self.training_margin
            object.__setattr__(self, "cells", tuple(max(drawn // s[0], 1) for s in self.shapes))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LatentSpace":
        """Return the latent space that ``get_config`` described."""
        tuples = {name: tuple(config.get(name, ())) for name in ("shapes", "cells")}
        return cls(**(config | tuples | {"shapes": tuple(map(tuple, tuples["shapes"]))}))

    def get_config(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)

    def shapes_for(self, pixels: int) -> tuple[LatentShape, ...]:
        """Return the shapes of the latents of one sample of another side.

        Parameters
        ----------
        pixels : int
            Side of the maps.

        Raises
        ------
        InputError
            If the generator cannot draw such maps.
        """
        more = pixels - self.pixels + 2 * (self.margin - self.training_margin)
        if not more:
            return self.shapes
        if any(len(shape) != 3 for shape in self.shapes):
            raise InputError(
                f"This generator draws maps of {self.pixels} pixels only; generators whose latents "
                "lie on a grid (presets best and quick) draw maps of any size. "
                f"Received: pixels={pixels}",
                parameter="pixels",
            )
        coarsest = max(self.cells)
        if pixels < coarsest or pixels % coarsest:
            raise InputError(
                f"This generator draws maps of a multiple of {coarsest} pixels. "
                f"Received: pixels={pixels}",
                parameter="pixels",
            )
        grids = zip(self.shapes, self.cells, strict=True)
        scaled = ((side + more // cell, channels) for (side, _, channels), cell in grids)
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
        side = self.pixels + 2 * self.training_margin
        if drawn != (side, side, 1):
            raise InputError(
                f"The generator draws maps of shape {drawn} from these latents; expected "
                f"{(side, side, 1)}, for maps of {self.pixels} pixels with a margin of "
                f"{self.training_margin}"
            )

    def crop(self, maps: Tensor, *, training: bool = False) -> Tensor:
        """Remove the margin of drawn maps ``(n, N, N, 1)``."""
        margin = self.training_margin if training else self.margin
        return maps[:, margin:-margin, margin:-margin] if margin else maps

    def draw(
        self,
        n: int,
        seed: int | Sequence[int],
        *,
        first: int = 0,
        pixels: int | None = None,
        training: bool = False,
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
        training : bool
            Whether the maps are drawn as in training, with its margin and side.

        Returns
        -------
        list of ndarray
            float32 ``(n, *shape)`` for each input of the generator.

        Raises
        ------
        InputError
            If the generator cannot draw maps of this side.
        """
        shapes = self.shapes if training else self.shapes_for(pixels or self.pixels)
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = np.empty((n, sum(sizes)), np.float32)
        for index, row in enumerate(flat, start=first):
            stream = np.random.SeedSequence(seed, spawn_key=(_SPAWN_KEY, index))
            np.random.default_rng(stream).standard_normal(out=row, dtype=np.float32)
        parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
        return [part.reshape(n, *shape) for part, shape in zip(parts, shapes, strict=True)]
