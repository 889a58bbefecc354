"""The container of maps."""

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from cosmogan_k3.errors import InputError

BLOCK = 256
"""Maps looked at together when a whole set is streamed."""


@dataclass(frozen=True)
class MapSet:
    """Convergence maps with what is known of them.

    Args:
        kappa: κ, float32 ``(n, N, N)``; an array, or ``PatchTable``, which reads from disk what is asked for.
        pixel_arcmin: float, side of a pixel in arcmin.
        map_id: int ``(n,)``, the map that each patch was cut from; its own number where none is given.
        parameters: mapping of names to float ``(n,)``, the cosmology of each map, say.

    Raises:
        InputError: wrong shapes, or a pixel size that is not positive.

    Example:
        >>> import numpy as np
        >>> maps = MapSet(np.zeros((4, 8, 8), "float32"), pixel_arcmin=2.0)
        >>> len(maps), maps.pixels, maps.field_deg
        (4, 8, 0.26666666666666666)
    """

    kappa: object
    pixel_arcmin: float
    map_id: np.ndarray | None = None
    parameters: dict = field(default_factory=dict)

    def __post_init__(self):
        if (
            len(self.kappa.shape) != 3
            or self.kappa.shape[1] != self.kappa.shape[2]
            or not len(self.kappa)
        ):
            raise InputError(
                f"A set of maps has shape (n, N, N) with n > 0. Received: shape {tuple(self.kappa.shape)}"
            )
        if not self.pixel_arcmin > 0:
            raise InputError(f"pixel_arcmin must be positive. Received: {self.pixel_arcmin}")
        if self.map_id is None:
            object.__setattr__(self, "map_id", np.arange(len(self.kappa)))
        for name, values in {"map_id": self.map_id, **self.parameters}.items():
            if np.shape(values) != (len(self.kappa),):
                raise InputError(
                    f"{name} needs one value a map, {len(self.kappa)}. Received: shape {np.shape(values)}"
                )

    def __len__(self):
        return len(self.kappa)

    @property
    def pixels(self):
        return self.kappa.shape[1]

    @property
    def field_deg(self):
        return self.pixels * self.pixel_arcmin / 60

    def take(self, indices):
        """The maps of these indices, in that order."""
        indices = np.asarray(indices)
        kappa = self.kappa.take(indices) if hasattr(self.kappa, "table") else self.kappa[indices]
        chosen = {name: np.asarray(values)[indices] for name, values in self.parameters.items()}
        return replace(
            self, kappa=kappa, map_id=np.asarray(self.map_id)[indices], parameters=chosen
        )

    def blocks(self):
        """Iterate over the maps as float32 arrays of bounded size."""
        for start in range(0, len(self), BLOCK):
            yield np.asarray(self.kappa[start : start + BLOCK], dtype=np.float32)

    def fingerprint(self, mask=None):
        """SHA-256 of shape, pixel size and pixels: two sets with the same one hold the same maps.

        Args:
            mask: bool array ``(N, N)``, True where observed; other pixels, NaN included, count as 0.

        Raises:
            InputError: an observed pixel that is not finite, or a mask of another side.
        """
        if mask is not None and mask.shape != self.kappa.shape[1:]:
            raise InputError(
                f"A mask of {mask.shape} pixels is not for maps of {tuple(self.kappa.shape[1:])}"
            )
        digest = hashlib.sha256(repr((tuple(self.kappa.shape), float(self.pixel_arcmin))).encode())
        for number, block in enumerate(self.blocks()):
            if mask is not None:
                block = np.where(mask, block, np.float32(0))
            bad = ~np.isfinite(block).all(axis=(1, 2))
            if bad.any():
                raise InputError(
                    f"{self.name_of(number * BLOCK + int(np.argmax(bad)))} has pixels that are NaN or infinite; "
                    "mask such pixels (evaluate --mask), fill them, or leave the map out"
                )
            digest.update(np.ascontiguousarray(block).data)
        return digest.hexdigest()

    def name_of(self, index):
        """What to call a map in a message."""
        return self.kappa.name_of(index) if hasattr(self.kappa, "table") else f"Map {index}"


@dataclass(frozen=True)
class MapStream:
    """Maps that are drawn while they are written: passed through once, and never held together.

    Args:
        count: int, how many there will be.
        pixels: int, their side N.
        pixel_arcmin: float, side of a pixel in arcmin.
        drawn: iterable of float32 arrays ``(·, N, N)``, ``count`` maps together.
        parameters: as of ``MapSet``.

    Example:
        >>> import numpy as np
        >>> stream = MapStream(3, 4, 2.0, (np.zeros((k, 4, 4), "float32") for k in (2, 1)))
        >>> len(stream), [len(block) for block in stream.blocks()]
        (3, [2, 1])
    """

    count: int
    pixels: int
    pixel_arcmin: float
    drawn: object
    parameters: dict = field(default_factory=dict)

    def __len__(self):
        return self.count

    @property
    def field_deg(self):
        return self.pixels * self.pixel_arcmin / 60

    @property
    def map_id(self):
        return np.arange(self.count)

    def blocks(self):
        """Iterate over the maps, once."""
        return iter(self.drawn)
