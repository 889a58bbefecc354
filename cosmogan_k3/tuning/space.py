"""What the parameters of a study do to a preset, and which of them a preset has."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import optuna

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Preset
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.losses import AdversarialLoss
from cosmogan_k3.nn.penalties import GradientPenalty
from cosmogan_k3.tuning.ranges import PENALTIES, Range
from cosmogan_k3.tuning.tables import ARCHITECTURE, MARGINS, PRESET_FIELDS

Values = Mapping[str, Any]


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
        if each.name not in MARGINS or _has_margin(with_loss(preset, values), each.name):
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
    preset = replace(preset, architecture=_architecture(preset, values))
    preset = replace(preset, **{name: values[name] for name in PRESET_FIELDS if name in values})
    preset = with_loss(preset, values)
    schedule = {epoch: _with_margins(loss, values) for epoch, loss in preset.loss_schedule.items()}
    preset = replace(preset, loss_schedule=schedule)
    for name, penalty in PENALTIES.items():
        if name in values:
            preset = _with_penalty(preset, penalty, values[name])
    return preset


def _architecture(preset: Preset, values: Values) -> Any:
    """Return the architecture with its fields among the values, and other numbers of channels."""
    named = {k: v for k, v in values.items() if k.startswith(ARCHITECTURE)}
    changes = {name.removeprefix(ARCHITECTURE): value for name, value in named.items()}
    changed: Any = replace(preset.architecture, **changes)  # type: ignore[type-var]  # subclasses
    return changed.widened(values["width"]) if "width" in values else changed


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
    >>> from cosmogan_k3.tuning.ranges import ranges_of
    >>> from cosmogan_k3.tuning.tables import read_tables
    >>> check(ranges_of(read_tables()), get_preset("quick"))
    """
    named = next((r.values for r in ranges if r.name == "loss"), ())
    candidates = [with_loss(preset, {"loss": name}) for name in named] or [preset]
    steps = preset.discriminator_steps
    for each in ranges:
        _check_architecture(each, preset)
        if each.name in MARGINS and not any(_has_margin(c, each.name) for c in candidates):
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


def _check_architecture(each: Range, preset: Preset) -> None:
    """Refuse a field that the architecture does not have, and values of another type."""
    if each.name == "width" and not min(each.values or (each.low,)) > 0:
        raise InputError("width: expected positive factors", parameter="ranges")
    if not each.name.startswith(ARCHITECTURE):
        return
    architecture: Any = preset.architecture
    plain = {
        field.name: value
        for field in fields(architecture)
        if isinstance(value := getattr(architecture, field.name), (bool, int, float, str))
    }
    name = each.name.removeprefix(ARCHITECTURE)
    if name not in plain:
        raise InputError(
            f"{each.name}: the preset's {type(architecture).__name__} has no such field of one "
            f"value; expected one of {', '.join(plain)}",
            parameter="ranges",
        )
    present = type(plain[name])
    given = each.values or (each.low, each.high)
    if not all(type(value) is present or (present, type(value)) == (float, int) for value in given):
        raise InputError(
            f"{each.name}: expected values of type {present.__name__}. Received: {list(given)}",
            parameter="ranges",
        )
    for value in given:
        _ = apply(preset, {each.name: value})  # the architecture refuses what it cannot be


def _all_split(sizes: Sequence[int], steps: int) -> bool:
    """Return whether there are batch sizes, and each is a multiple of the steps."""
    return bool(sizes) and all(size and size % steps == 0 for size in sizes)


def _has_margin(preset: Preset, parameter: str) -> bool:
    return any(_margins(loss, parameter) for loss in preset.loss_schedule.values())


def _margins(loss: AdversarialLoss, parameter: str) -> list[str]:
    """Return the fields of a loss that the parameter sets."""
    return [name for name in MARGINS[parameter] if hasattr(loss, name)]


def _with_margins(loss: AdversarialLoss, values: Values) -> Any:
    """Return the loss with its margins among the values."""
    changes = {
        name: values[parameter]
        for parameter in MARGINS
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
