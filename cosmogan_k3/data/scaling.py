"""κ to network units and back."""

from dataclasses import asdict, dataclass

import numpy as np

from cosmogan_k3.errors import InputError

KINDS = ("standard", "range")


@dataclass(frozen=True)
class Scaling:
    """An affine map between convergence and network units, stored with the model.

        x = (κ − offset) / scale

    Args:
        offset, scale: float, in units of κ (dimensionless).

    Example:
        >>> import numpy as np
        >>> kappa = np.array([-0.01, 0.0, 0.03], "float32")
        >>> scaling = Scaling.fit("range", kappa)
        >>> scaling.to_network(kappa).round(6).tolist()
        [-1.0, -0.5, 1.0]
        >>> bool(np.allclose(scaling.to_kappa(scaling.to_network(kappa)), kappa))
        True
    """

    offset: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, kind, kappa):
        """Measure a scaling on training maps, whole or streamed.

        Args:
            kind: "standard", κ divided by its standard deviation, mean kept; or "range", minimum and maximum to ∓1.
            kappa: maps, float, any shape.

        Raises:
            InputError: unknown kind, or maps that do not vary.
        """
        if kind not in KINDS:
            raise InputError(f"Unknown scaling. Received: {kind!r}; expected one of {', '.join(KINDS)}")
        blocks = [np.asarray(kappa[i : i + 512], dtype=np.float64) for i in range(0, len(kappa), 512)]
        low, high = min(b.min() for b in blocks), max(b.max() for b in blocks)
        if not high > low:
            raise InputError(f"The maps do not vary: every pixel is {low}")
        if kind == "range":
            return cls(float(low + high) / 2, float(high - low) / 2)
        count = sum(b.size for b in blocks)
        mean = sum(b.sum() for b in blocks) / count
        return cls(0.0, float(np.sqrt(sum(np.square(b - mean).sum() for b in blocks) / count)))

    def to_network(self, kappa):
        return ((np.asarray(kappa) - self.offset) / self.scale).astype(np.float32)

    def to_kappa(self, x):
        return (np.asarray(x) * self.scale + self.offset).astype(np.float32)

    def get_config(self):
        return asdict(self)
