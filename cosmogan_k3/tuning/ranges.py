"""The file of a study: which parameters it varies, within which ranges, and what it tries first."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import optuna

from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.penalties import R1, R2, GradientPenalty, WassersteinPenalty
from cosmogan_k3.tuning.tables import (
    ARCHITECTURE,
    DEPRECATED,
    Tables,
    check_parameter,
)

PENALTIES: dict[str, type[GradientPenalty]] = {
    "r1": R1,
    "r2": R2,
    "wasserstein_penalty": WassersteinPenalty,
}


@dataclass(frozen=True)
class Range:
    """The values that a study may give to one parameter.

    Parameters
    ----------
    name : str
        One of ``PARAMETERS``, or "architecture." and a field of the preset's architecture.
    low, high : float or int
        Bounds, both included; two integers make an integer.
    log : bool
        Whether equal factors count as equal steps.
    values : tuple
        Choices, instead of bounds.

    Raises
    ------
    InputError
        If the parameter is unknown, or neither bounds nor values make sense.

    Examples
    --------
    >>> Range("beta_1", low=0.0, high=0.5).contains(0.25)
    True
    """

    name: str
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    values: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        check_parameter(self.name)
        for value in self.values if self.values else (self.low, self.high):
            self._check(value)
        if self.values:
            return
        assert self.low is not None
        assert self.high is not None
        if not (self.low < self.high and (not self.log or self.low > 0)):
            raise InputError(
                f"{self.name}: expected low < high, and 0 < low on a logarithmic scale. "
                f"Received: low={self.low}, high={self.high}, log={self.log}",
                parameter="ranges",
            )

    def _check(self, value: Any) -> None:
        """Raise ``InputError`` unless the parameter can have this value."""
        if self.name.startswith(ARCHITECTURE) and self.values:
            return  # ``space.check`` asks the architecture
        types: dict[str, tuple[type[Any], ...]] = {"loss": (str,), "batch_size": (int,)}
        expected = types.get(self.name, (int, float))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise InputError(
                f"{self.name}: expected bounds `low` and `high`, or `values`. Received: {value!r}",
                parameter="ranges",
            )
        if self.name == "loss":
            losses.get(str(value))
        elif isinstance(value, (int, float)) and value < 0:
            raise InputError(
                f"{self.name}: must not be negative. Received: {value}", parameter="ranges"
            )

    def contains(self, value: Any) -> bool:
        """Return whether the study may give this value to the parameter."""
        if self.values:
            return value in self.values
        assert self.low is not None
        assert self.high is not None
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def suggest(self, trial: optuna.trial.BaseTrial) -> Any:
        """Ask an Optuna trial for a value."""
        if self.values:
            return trial.suggest_categorical(self.name, list(self.values))
        low, high = self.low, self.high
        assert low is not None
        assert high is not None
        if isinstance(low, int) and isinstance(high, int):
            return trial.suggest_int(self.name, low, high, log=self.log)
        return trial.suggest_float(self.name, low, high, log=self.log)


def ranges_of(tables: Tables) -> list[Range]:
    """Return the ranges of a study from the tables of a file, one for each parameter.

    Parameters
    ----------
    tables : Tables

    Returns
    -------
    list of Range

    Raises
    ------
    InputError
        If there is no table, or one is not a range.

    Examples
    --------
    >>> from cosmogan_k3.tuning.tables import read_tables
    >>> [r.name for r in ranges_of(read_tables())][:3]
    ['generator_learning_rate', 'discriminator_learning_rate', 'beta_1']
    """
    if not tables.ranges:
        raise InputError(
            f"{tables.path}: names no parameter; expected tables such as [generator_learning_rate] "
            "with low and high",
            parameter="ranges",
        )
    ranges = [_range(tables.path, name, table) for name, table in tables.ranges.items()]
    names = [each.name for each in ranges]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"{tables.path}: {', '.join(sorted(repeated))} has two tables, under its present and "
            "its former name; leave one out",
            parameter="ranges",
        )
    return ranges


def check_queue(queue: Sequence[Mapping[str, Any]], ranges: Sequence[Range]) -> None:
    """Refuse values to be tried first that no trial of the study can have.

    Parameters
    ----------
    queue : sequence of mapping of str to Any
    ranges : sequence of Range

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_queue([{"beta_1": 0.25}], [Range("beta_1", low=0.0, high=0.5)])
    """
    known = {each.name: each for each in ranges}
    for values in queue:
        for name, value in values.items():
            if name not in known or not known[name].contains(value):
                raise InputError(
                    f"{name} = {value!r} cannot be tried first: expected parameters that the study "
                    "varies, within their ranges",
                    parameter="ranges",
                )


def _range(path: Path, name: str, table: Any) -> Range:
    """Return the range that a table of the file describes."""
    if name in DEPRECATED:
        current = DEPRECATED[name]
        warnings.warn(f"{path}: [{name}] is now [{current}]", FutureWarning, stacklevel=4)
        name = current
    known = {field.name for field in fields(Range)} - {"name"}
    if not isinstance(table, dict) or not set(table) <= known:
        raise InputError(
            f"{path}: [{name}] may hold {', '.join(sorted(known))}. Received: {table}",
            parameter="ranges",
        )
    try:
        return Range(name, **(table | {"values": tuple(table.get("values", ()))}))
    except (InputError, TypeError) as error:
        raise InputError(f"{path}: [{name}] {one_line(error)}", parameter="ranges") from error
