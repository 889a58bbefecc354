"""The parameters that a conditional model depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import Conditions, FloatArray
from cosmogan_k3.errors import InputError

# Values outside the range by less than this fraction of its width count as rounding errors.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Conditioning:
    """Names, range and standardization of the parameters of a conditional model.

        θ = (x − mean) / deviation,    x = ln p if p > 0 in the whole range, else x = p

    The parameters p are physical values; the conditions θ are the network's input. Powers of the
    maps are close to products of powers of the parameters, whose logarithms are linear in θ.

    Parameters
    ----------
    names : sequence of str
        Names of the parameters.
    mean, deviation : sequence of float
        Mean and standard deviation of x over the training maps.
    lowest, highest : sequence of float
        Range of p in which the model can be used.

    Examples
    --------
    >>> conditioning = Conditioning.fit(["sigma_8"], {"sigma_8": np.array([0.6, 0.8, 1.0])})
    >>> [round(float(row[0]), 2) for row in conditioning.conditions_of({"sigma_8": 1.0}, 2)]
    [1.17, 1.17]
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():  # a saved file has lists
            object.__setattr__(self, name, tuple(value))

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        parameters: Mapping[str, ArrayLike],
        all_parameters: Mapping[str, ArrayLike] | None = None,
    ) -> "Conditioning":
        """Measure range and standardization on the parameters of maps.

        Parameters
        ----------
        names : sequence of str
            The parameters that the model depends on.
        parameters : mapping of str to float array, shape (n,)
            Parameters of the training maps, from which mean and deviation follow.
        all_parameters : mapping of str to float array, shape (m,), optional
            Parameters of all maps, from which the range follows; by default ``parameters``.

        Returns
        -------
        Conditioning

        Raises
        ------
        InputError
            A parameter that the maps do not have, that is not finite or that does not vary.

        Examples
        --------
        >>> training = {"w": np.array([-1.2, -0.8])}
        >>> Conditioning.fit(["w"], training, {"w": np.array([-1.2, -0.8, -0.6])}).highest
        (-0.6,)
        """
        columns = _columns(names, parameters)
        for name, column in zip(names, columns.T, strict=True):
            if not np.isfinite(column).all() or not np.ptp(column) > 0:
                raise InputError(
                    f"{name} must be finite and vary from map to map. Received: {column[0]}",
                    parameter="condition",
                )
        edges = _columns(names, all_parameters or parameters)
        lowest, highest = edges.min(axis=0), edges.max(axis=0)
        x = _logarithm(columns, lowest)
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        return cls(
            tuple(names), *(tuple(row.tolist()) for row in (mean, deviation, lowest, highest))
        )

    def parameter_values(
        self, parameters: Mapping[str, ArrayLike] | None, n: int
    ) -> dict[str, FloatArray]:
        """Check requested parameters, and repeat single values for each map.

        Parameters
        ----------
        parameters : mapping of str to float or float array, shape (n,)
            One entry for each of ``names``.
        n : int
            Number of maps.

        Returns
        -------
        dict of str to float64 array, shape (n,)
            In the order of ``names``.

        Raises
        ------
        InputError
            A name that is missing or unknown, another number of values, or a value outside the
            range.

        Examples
        --------
        >>> conditioning = Conditioning.fit(["sigma_8"], {"sigma_8": np.array([0.6, 0.8, 1.0])})
        >>> conditioning.parameter_values({"sigma_8": 0.9}, 2)["sigma_8"].tolist()
        [0.9, 0.9]
        """
        parameters = parameters or {}
        if set(parameters) != set(self.names):
            raise InputError(
                f"This model is conditional: it needs values of {', '.join(self.names)}. "
                f"Received: parameters {', '.join(parameters) or 'none'}",
                parameter="parameters",
            )
        return {
            name: _checked_values(name, parameters[name], n, (low, high))
            for name, low, high in zip(self.names, self.lowest, self.highest, strict=True)
        }

    def conditions_of(self, parameters: Mapping[str, ArrayLike] | None, n: int) -> Conditions:
        """Return the conditions of requested parameters.

        Parameters
        ----------
        parameters : mapping of str to float or float array, shape (n,)
            One entry for each of ``names``.
        n : int
            Number of maps.

        Returns
        -------
        float32 array, shape (n, n_conditions)

        Raises
        ------
        InputError
            As ``parameter_values``.

        Examples
        --------
        >>> conditioning = Conditioning.fit(["w"], {"w": np.array([-1.2, -1.0, -0.8])})
        >>> conditioning.conditions_of({"w": -1.0}, 1).round(6).tolist()
        [[0.0]]
        """
        values = self.parameter_values(parameters, n)
        return self._standardize(np.stack(list(values.values()), axis=1))

    def conditions_of_maps(self, parameters: Mapping[str, ArrayLike]) -> Conditions:
        """Return the conditions of maps from the parameters that they have.

        Parameters
        ----------
        parameters : mapping of str to float array, shape (n,)
            Parameters of the maps, ``names`` among them; values outside the range are accepted.

        Returns
        -------
        float32 array, shape (n, n_conditions)

        Raises
        ------
        InputError
            A parameter that the maps do not have.

        Examples
        --------
        >>> parameters = {"w": np.array([-1.2, -1.0, -0.8]), "h": np.full(3, 0.7)}
        >>> Conditioning.fit(["w"], parameters).conditions_of_maps(parameters).shape
        (3, 1)
        """
        return self._standardize(_columns(self.names, parameters))

    def _standardize(self, columns: FloatArray) -> Conditions:
        x = _logarithm(columns, np.array(self.lowest))
        return ((x - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)

    def get_config(self) -> dict[str, list[Any]]:
        """Return the constructor's arguments."""
        return {name: list(value) for name, value in asdict(self).items()}


def _checked_values(
    name: str, requested: ArrayLike, n: int, bounds: tuple[float, float]
) -> FloatArray:
    """Return one value a map, all within the bounds."""
    try:
        values = np.asarray(requested, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name}: expected numbers. Received: {requested!r}", parameter="parameters"
        ) from error
    if values.shape not in ((), (n,)):
        raise InputError(
            f"{name}: expected one value, or one for each of {n} maps. "
            f"Received: shape {values.shape}",
            parameter="parameters",
        )
    values = np.broadcast_to(values, (n,))
    low, high = bounds
    tolerance = _ROUNDING * (high - low)
    outside = ~((values >= low - tolerance) & (values <= high + tolerance))
    if outside.any():
        raise InputError(
            f"{name}: the model was trained between {low:.6g} and {high:.6g}, and does not "
            f"extrapolate. Received: {values[outside][0]:.6g}",
            parameter="parameters",
        )
    return values


def _logarithm(columns: FloatArray, lowest: FloatArray) -> FloatArray:
    """Take the logarithm of the columns that are positive in the whole range."""
    positive = lowest > 0
    return np.where(positive, np.log(np.where(positive, columns, 1.0)), columns)


def _columns(names: Sequence[str], parameters: Mapping[str, ArrayLike]) -> FloatArray:
    """Return the named parameters of maps, one column each, shape (n, n_names)."""
    if missing := [name for name in names if name not in parameters]:
        raise InputError(
            f"The maps carry no parameter {missing[0]!r}; "
            f"they carry {', '.join(parameters) or 'none'}",
            parameter="condition",
        )
    return np.stack([np.asarray(parameters[name], dtype=np.float64) for name in names], axis=1)


def parse_names(text: str) -> list[str]:
    """Parse names of parameters, such as "omega_m,sigma_8".

    Parameters
    ----------
    text : str
        Names with commas between them; empty for none.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        An empty name, or one that appears twice.

    Examples
    --------
    >>> parse_names("omega_m, sigma_8"), parse_names("")
    (['omega_m', 'sigma_8'], [])
    """
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    if not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"expected names, each once, with commas between. Received: {text!r}",
            parameter="condition",
        )
    return names


def parse_parameters(text: str) -> dict[str, float]:
    """Parse values of parameters, such as "omega_m=0.3,sigma_8=0.8".

    Parameters
    ----------
    text : str
        ``name=value`` with commas between them; empty for none.

    Returns
    -------
    dict of str to float

    Raises
    ------
    InputError
        Any other text.

    Examples
    --------
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
                "expected name=value with commas between, such as omega_m=0.3,sigma_8=0.8. "
                f"Received: {part!r}",
                parameter="parameters",
            ) from None
    return parameters
