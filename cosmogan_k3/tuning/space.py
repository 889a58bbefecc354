"""The search space of a study: which parameters of a preset it varies, and within which ranges."""

import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import optuna

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan import Preset
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.losses import AdversarialLoss
from cosmogan_k3.nn.penalties import R1, R2, GradientPenalty, WassersteinPenalty

DEFAULT_RANGES = Path(__file__).with_name("ranges.toml")

# Parameters that are fields of ``Preset``.
_FIELDS = (
    "generator_learning_rate",
    "discriminator_learning_rate",
    "final_learning_rate_factor",
    "beta_1",
    "beta_2",
    "batch_size",
    "average_decay",
    "spectral_weight",
)
_PENALTIES: dict[str, type[GradientPenalty]] = {
    "r1": R1,
    "r2": R2,
    "wasserstein_penalty": WassersteinPenalty,
}
# Fields of a loss that a parameter sets.
_MARGINS = {"margin_real": ("margin_real", "margin"), "margin_fake": ("margin_fake",)}

PARAMETERS = (*_FIELDS, "loss", *_MARGINS, *_PENALTIES)

_DEPRECATED = {
    "generator_rate": "generator_learning_rate",
    "discriminator_rate": "discriminator_learning_rate",
    "final_rate": "final_learning_rate_factor",
}

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Range:
    """The values that a study may give to one parameter.

    Parameters
    ----------
    name : str
        One of ``PARAMETERS``.
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
        if self.name not in PARAMETERS:
            raise InputError(
                f"Unknown parameter. Received: {self.name!r}; expected one of "
                f"{', '.join(PARAMETERS)}",
                parameter="ranges",
            )
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
        return self.low <= value <= self.high

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


def read_ranges(path: PathLike | None = None) -> list[Range]:
    """Read the ranges of a study from a TOML file with one table for each parameter.

    Parameters
    ----------
    path : path, optional
        The default ranges if none is given.

    Returns
    -------
    list of Range

    Raises
    ------
    InputError
        If there is no such file, it is no TOML, or a table is not a range.

    Examples
    --------
    >>> [r.name for r in read_ranges()][:3]
    ['generator_learning_rate', 'discriminator_learning_rate', 'beta_1']
    """
    path = Path(path or DEFAULT_RANGES)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{path}: not a readable file of ranges ({one_line(error, 200)})", parameter="ranges"
        ) from error
    if not tables:
        raise InputError(
            f"{path}: names no parameter; expected tables such as [generator_learning_rate] with "
            "low and high",
            parameter="ranges",
        )
    ranges = [_range(path, name, table) for name, table in tables.items()]
    names = [each.name for each in ranges]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"{path}: {', '.join(sorted(repeated))} has two tables, under its present and its "
            "former name; leave one out",
            parameter="ranges",
        )
    return ranges


def _range(path: Path, name: str, table: Any) -> Range:
    """Return the range that a table of the file describes."""
    if name in _DEPRECATED:
        current = _DEPRECATED[name]
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


def suggest(
    trial: optuna.trial.BaseTrial, ranges: Sequence[Range], preset: Preset
) -> dict[str, Any]:
    """Ask a trial for values of all parameters that the preset has.

    Parameters
    ----------
    trial : optuna.Trial
    ranges : sequence of Range
    preset : Preset

    Returns
    -------
    dict of str to Any
        The loss is asked for first, because margins are asked for only if the loss has them.

    Examples
    --------
    >>> from cosmogan_k3.gan import get_preset
    >>> trial = optuna.trial.FixedTrial({"beta_1": 0.25})
    >>> suggest(trial, [Range("beta_1", low=0.0, high=0.5)], get_preset("quick"))
    {'beta_1': 0.25}
    """
    values: dict[str, Any] = {}
    for each in sorted(ranges, key=lambda r: r.name != "loss"):
        if each.name not in _MARGINS or _has_margin(with_loss(preset, values), each.name):
            values[each.name] = each.suggest(trial)
    return values


def apply(preset: Preset, values: Values) -> Preset:
    """Return the preset with these values.

    Parameters
    ----------
    preset : Preset
    values : mapping of str to Any
        As ``suggest`` returns it.

    Examples
    --------
    >>> from cosmogan_k3.gan import get_preset
    >>> preset = apply(get_preset("quick"), {"loss": "hinge", "margin_real": 0.5, "r1": 0.1})
    >>> preset.penalties
    (R1(weight=0.1, fraction=0.25),)
    >>> preset.loss_schedule
    {0: GeometricHinge(margin_real=0.5, margin_fake=1.0)}
    """
    preset = replace(preset, **{name: values[name] for name in _FIELDS if name in values})
    preset = with_loss(preset, values)
    schedule = {epoch: _with_margins(loss, values) for epoch, loss in preset.loss_schedule.items()}
    preset = replace(preset, loss_schedule=schedule)
    for name, penalty in _PENALTIES.items():
        if name in values:
            preset = _with_penalty(preset, penalty, values[name])
    return preset


def with_loss(preset: Preset, values: Values) -> Preset:
    """Return the preset with the loss among the values, if there is one, from the first epoch."""
    if "loss" not in values:
        return preset
    return replace(preset, loss_schedule={0: losses.get(values["loss"])})


def check(ranges: Sequence[Range], preset: Preset) -> None:
    """Refuse ranges that no trial could use: without effect, or with batches that do not split.

    Parameters
    ----------
    ranges : sequence of Range
    preset : Preset

    Raises
    ------
    InputError

    Examples
    --------
    >>> from cosmogan_k3.gan import get_preset
    >>> check(read_ranges(), get_preset("quick"))
    """
    named = next((r.values for r in ranges if r.name == "loss"), ())
    candidates = [with_loss(preset, {"loss": name}) for name in named] or [preset]
    steps = preset.discriminator_steps
    for each in ranges:
        if each.name in _MARGINS and not any(_has_margin(c, each.name) for c in candidates):
            raise InputError(
                f"{each.name}: none of the study's losses has such a margin; leave it out",
                parameter="ranges",
            )
        if each.name == "batch_size" and not _all_split(each.values, steps):
            raise InputError(
                f"batch_size: expected a list of `values`, multiples of {steps} (the preset's "
                f"steps of the discriminator). Received: {list(each.values) or 'bounds'}",
                parameter="ranges",
            )


def _all_split(sizes: Sequence[int], steps: int) -> bool:
    """Return whether there are batch sizes, and each is a multiple of the steps."""
    return bool(sizes) and all(size and size % steps == 0 for size in sizes)


def _has_margin(preset: Preset, parameter: str) -> bool:
    return any(_margins(loss, parameter) for loss in preset.loss_schedule.values())


def _margins(loss: AdversarialLoss, parameter: str) -> list[str]:
    """Return the fields of a loss that the parameter sets."""
    return [name for name in _MARGINS[parameter] if hasattr(loss, name)]


def _with_margins(loss: AdversarialLoss, values: Values) -> Any:
    """Return the loss with its margins among the values."""
    changes = {
        name: values[parameter]
        for parameter in _MARGINS
        if parameter in values
        for name in _margins(loss, parameter)
    }
    return replace(loss, **changes) if changes else loss


def _with_penalty(preset: Preset, penalty: type[GradientPenalty], weight: float) -> Preset:
    """Return the preset with another weight of a penalty.

    A penalty that the preset lacks is added, on the whole batch; weight 0 removes it.
    """
    others = [p for p in preset.penalties if not isinstance(p, penalty)]
    present = [p for p in preset.penalties if isinstance(p, penalty)] or [penalty(weight)]
    changed = [replace(p, weight=weight) for p in present if weight]
    return replace(preset, penalties=(*others, *changed))
