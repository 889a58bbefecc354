"""κ to network units and back."""

from dataclasses import asdict, dataclass

import numpy as np

from cosmogan_k3.errors import InputError

KINDS = ("standard", "range", "rodriguez")

_LARGEST = 1 - 2.0**-13
"""Largest x on the way back of "rodriguez": u = 16,383, above any κ, where float32 still resolves u to 1 in 2000."""


@dataclass(frozen=True)
class Scaling:
    """A monotonic map between convergence and network units, stored with the model.

        affine:     x = u                                      u = (κ − offset) / scale
        rodriguez:  x = 2u / (u + 1) − 1 = (u − 1) / (u + 1)

    The second sends u in [0, ∞) to x in [−1, 1): it compresses the rare high pixels, not the many low ones. The
    published s(x) = 2x/(x + a) − 1 of a positive x is this with x = κ − offset and a = scale. What lies outside is
    clipped: on the way there κ below the offset, on the way back x below −1 and x so near 1 that κ would be infinite.

    Args:
        offset, scale: float, in units of κ (dimensionless).
        kind: "affine" or "rodriguez".

    Example:
        >>> import numpy as np
        >>> kappa = np.array([-0.01, 0.0, 0.03], "float32")
        >>> scaling = Scaling.fit("range", kappa)
        >>> scaling.to_network(kappa).round(6).tolist()
        [-1.0, -0.5, 1.0]
        >>> bool(np.allclose(scaling.to_kappa(scaling.to_network(kappa)), kappa))
        True
        >>> Scaling(offset=-0.01, scale=0.01, kind="rodriguez").to_network(np.array([-0.01, 0.0, 0.02])).tolist()
        [-1.0, 0.0, 0.5]

    Source: "rodriguez": Rodríguez et al. 2018 (10.1186/s40668-018-0026-4).
    """

    offset: float = 0.0
    scale: float = 1.0
    kind: str = "affine"

    def __post_init__(self):
        if self.kind not in ("affine", "rodriguez"):
            raise InputError(
                f"Unknown kind of scaling. Received: {self.kind!r}; expected affine or rodriguez"
            )

    @classmethod
    def fit(cls, kind, kappa):
        """Measure a scaling on training maps, whole or streamed.

        Args:
            kind: "standard", κ divided by its standard deviation, mean kept; "range", minimum and maximum to ∓1; or
                "rodriguez", the minimum to −1 and the mean to 0.
            kappa: maps, float, any shape.

        Raises:
            InputError: unknown kind, or maps that do not vary.
        """
        if kind not in KINDS:
            raise InputError(
                f"Unknown scaling. Received: {kind!r}; expected one of {', '.join(KINDS)}"
            )
        blocks = [
            np.asarray(kappa[i : i + 512], dtype=np.float64) for i in range(0, len(kappa), 512)
        ]
        low, high = min(b.min() for b in blocks), max(b.max() for b in blocks)
        if not high > low:
            raise InputError(f"The maps do not vary: every pixel is {low}")
        if kind == "range":
            return cls(float(low + high) / 2, float(high - low) / 2)
        count = sum(b.size for b in blocks)
        mean = sum(b.sum() for b in blocks) / count
        if kind == "rodriguez":
            return cls(float(low), float(mean - low), kind)
        return cls(0.0, float(np.sqrt(sum(np.square(b - mean).sum() for b in blocks) / count)))

    def to_network(self, kappa):
        if self.kind == "affine":
            return ((np.asarray(kappa) - self.offset) / self.scale).astype(np.float32)
        u = np.maximum((np.asarray(kappa, np.float64) - self.offset) / self.scale, 0)
        return ((u - 1) / (u + 1)).astype(np.float32)

    def to_kappa(self, x):
        if self.kind == "affine":
            return (np.asarray(x) * self.scale + self.offset).astype(np.float32)
        x = np.clip(np.asarray(x, np.float64), -1, _LARGEST)
        return ((1 + x) / (1 - x) * self.scale + self.offset).astype(np.float32)

    def get_config(self):
        return asdict(self)
