"""The parameters that a conditional model is told, and the range of them that it knows."""

from dataclasses import asdict, dataclass

import numpy as np

from cosmogan_k3.errors import InputError

_ROUNDING = 1e-5
"""Values so little outside the range, in units of its width, are on its edge."""


@dataclass(frozen=True)
class Conditioning:
    """Names, range and standardisation of the parameters of a conditional model.

        θ = (x − mean) / deviation,        x = ln(parameter), or the parameter where it is not positive throughout

    Powers of the maps are close to products of powers of the parameters, whose logarithms are linear in θ.

    Args:
        names: tuple of str.
        mean, deviation: tuples of float, of x over the training maps.
        lowest, highest: tuples of float, the range that it was seen in.

    Example:
        >>> import numpy as np
        >>> conditioning = Conditioning.fit(["sigma_8"], {"sigma_8": np.array([0.6, 0.8, 1.0])})
        >>> [round(float(row[0]), 2) for row in conditioning.standardized({"sigma_8": 1.0}, 2)]
        [1.17, 1.17]
    """

    names: tuple
    mean: tuple
    deviation: tuple
    lowest: tuple
    highest: tuple

    def __post_init__(self):
        for name, value in asdict(self).items():  # a saved file has lists
            object.__setattr__(self, name, tuple(value))

    @classmethod
    def fit(cls, names, parameters, whole=None):
        """Of the parameters that maps carry.

        Args:
            names: sequence of str.
            parameters: mapping of names to float ``(n,)``, of the training maps.
            whole: the same of all maps, which the range is taken from; by default the training maps.

        Raises:
            InputError: a parameter that the maps do not carry, that is not finite or that does not vary.
        """
        columns = _columns(names, parameters)
        for name, column in zip(names, columns.T, strict=True):
            if not np.isfinite(column).all() or not np.ptp(column) > 0:
                raise InputError(
                    f"--condition: {name} must be finite and vary from map to map. Received: {column[0]}"
                )
        edges = _columns(names, whole or parameters)
        lowest, highest = edges.min(axis=0), edges.max(axis=0)
        x = _logarithm(columns, lowest)
        return cls(
            names, *(row.tolist() for row in (x.mean(axis=0), x.std(axis=0), lowest, highest))
        )

    def values(self, parameters, n):
        """What is asked for, one value a map.

        Args:
            parameters: mapping of each of ``names`` to a float or to floats ``(n,)``.
            n: int, number of maps.

        Returns:
            dict of names to float64 ``(n,)``.

        Raises:
            InputError: a name that is missing or unknown, another number of values, or one outside the range.
        """
        if set(parameters or ()) != set(self.names):
            given = ", ".join(parameters or ()) or "none"
            raise InputError(
                f"This model draws maps for given {', '.join(self.names)}. Received: parameters {given}"
            )
        return {
            name: self._checked(name, parameters[name], n, low, high)
            for name, low, high in zip(self.names, self.lowest, self.highest, strict=True)
        }

    def _checked(self, name, given, n, low, high):
        values = np.asarray(given, dtype=np.float64)
        if values.shape not in ((), (n,)):
            raise InputError(
                f"{name}: expected one value, or one for each of {n} maps. Received: shape {values.shape}"
            )
        values = np.broadcast_to(values, (n,))
        slack = _ROUNDING * (high - low)
        outside = ~((values >= low - slack) & (values <= high + slack))
        if outside.any():
            raise InputError(
                f"{name}: the model was trained between {low:.6g} and {high:.6g}, and does not extrapolate. "
                f"Received: {values[outside][0]:.6g}"
            )
        return values

    def standardized(self, parameters, n):
        """θ of what is asked for, float32 ``(n, len(names))``; arguments and errors as of ``values``."""
        return self._standardize(np.stack(list(self.values(parameters, n).values()), axis=1))

    def of_maps(self, parameters):
        """θ of the parameters that maps carry, float32 ``(n, len(names))``."""
        return self._standardize(_columns(self.names, parameters))

    def _standardize(self, columns):
        x = _logarithm(columns, np.array(self.lowest))
        return ((x - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)

    def get_config(self):
        return {name: list(value) for name, value in asdict(self).items()}


def _logarithm(columns, lowest):
    positive = lowest > 0
    return np.where(positive, np.log(np.where(positive, columns, 1.0)), columns)


def _columns(names, parameters):
    if missing := [name for name in names if name not in parameters]:
        raise InputError(
            f"--condition: the maps carry no parameter {missing[0]!r}; they carry {', '.join(parameters) or 'none'}"
        )
    return np.stack([np.asarray(parameters[name], dtype=np.float64) for name in names], axis=1)


def parse_names(text):
    """Read "omega_m,sigma_8".

    Raises:
        InputError: an empty name, or one that stands there twice.

    Example:
        >>> parse_names("omega_m, sigma_8"), parse_names("")
        (['omega_m', 'sigma_8'], [])
    """
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    if not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"--condition: expected names, each once, with commas between. Received: {text!r}"
        )
    return names


def parse_parameters(text):
    """Read "omega_m=0.3,sigma_8=0.8".

    Raises:
        InputError: anything else.

    Example:
        >>> parse_parameters("omega_m=0.3,sigma_8=0.8"), parse_parameters("")
        ({'omega_m': 0.3, 'sigma_8': 0.8}, {})
    """
    parameters = {}
    for part in text.split(",") if text.strip() else ():
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            parameters[name] = float(value)
        except ValueError:
            raise InputError(
                "--parameters: expected name=value with commas between, such as omega_m=0.3,sigma_8=0.8. "
                f"Received: {part!r}"
            ) from None
    return parameters
