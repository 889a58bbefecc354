"""What a study may vary in a preset, and within which bounds."""

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty

DEFAULT_RANGES = Path(__file__).with_name("ranges.toml")

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
_PENALTIES = {"r1": R1, "r2": R2, "wasserstein_penalty": WassersteinPenalty}
_MARGINS = {
    "margin_real": ("margin_real", "margin"),
    "margin_fake": ("margin_fake",),
    "margin_final": (),
}
"""Fields of a loss that a knob sets; the margins' end has none of its own, and is for any loss with a margin."""
_MARGIN_STEPS = 4
"""A schedule of margins changes so often: every change is another loss, for which the step is traced anew."""

KNOBS = (*_FIELDS, "loss", *_MARGINS, *_PENALTIES)


@dataclass(frozen=True)
class Range:
    """The values that a study may give to one knob.

    Args:
        name: str, one of ``KNOBS``.
        low, high: bounds, both included; two ints make an int.
        log: bool, whether equal factors count as equal steps.
        values: tuple of choices, instead of bounds.

    Raises:
        InputError: an unknown knob, or neither bounds nor values that make sense.

    Example:
        >>> Range("beta_1", low=0.0, high=0.5).holds(0.25)
        True
    """

    name: str
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    values: tuple = ()

    def __post_init__(self):
        if self.name not in KNOBS:
            raise InputError(
                f"Unknown knob. Received: {self.name!r}; expected one of {', '.join(KNOBS)}"
            )
        for value in self.values if self.values else (self.low, self.high):
            self._check(value)
        if not self.values and not (self.low < self.high and (not self.log or self.low > 0)):
            raise InputError(
                f"{self.name}: expected low < high, and 0 < low on a logarithmic scale. "
                f"Received: low={self.low}, high={self.high}, log={self.log}"
            )

    def _check(self, value):
        expected = {"loss": str, "batch_size": int}.get(self.name, (int, float))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise InputError(
                f"{self.name}: expected bounds `low` and `high`, or `values`. Received: {value!r}"
            )
        if self.name == "loss":
            losses.get(value)
        elif value < 0:
            raise InputError(f"{self.name}: must not be negative. Received: {value}")

    def holds(self, value):
        return value in self.values if self.values else self.low <= value <= self.high

    def suggest(self, trial):
        """Ask an Optuna trial for a value."""
        if self.values:
            return trial.suggest_categorical(self.name, list(self.values))
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)


def read_ranges(path=None):
    """Read the ranges of a study from a TOML file, one table a knob.

    Args:
        path: of the file; the default ranges where none is given.

    Returns:
        list of ``Range``.

    Raises:
        InputError: no such file, no TOML, or a table that is not a range.

    Example:
        >>> [r.name for r in read_ranges()][:3]
        ['generator_learning_rate', 'discriminator_learning_rate', 'beta_1']
    """
    path = Path(path or DEFAULT_RANGES)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{path}: not a readable file of ranges ({one_line(error, 200)})"
        ) from error
    if not tables:
        raise InputError(
            f"{path}: names no knob; expected tables such as [generator_learning_rate] with low and high"
        )
    return [_range(path, name, table) for name, table in tables.items()]


def _range(path, name, table):
    known = {field.name for field in fields(Range)} - {"name"}
    if not isinstance(table, dict) or not set(table) <= known:
        raise InputError(f"{path}: [{name}] may hold {', '.join(sorted(known))}. Received: {table}")
    try:
        return Range(name, **(table | {"values": tuple(table.get("values", ()))}))
    except (InputError, TypeError) as error:
        raise InputError(f"{path}: [{name}] {one_line(error)}") from error


def suggest(trial, ranges, preset):
    """Ask a trial for values of all knobs that the preset has.

    Args:
        trial: ``optuna.Trial``.
        ranges: list of ``Range``.
        preset: ``Preset``.

    Returns:
        dict of knobs to values. The loss is asked for first: margins only where it has them.
    """
    ranges = sorted(ranges, key=lambda r: r.name != "loss")
    values = {}
    for knob in ranges:
        if knob.name not in _MARGINS or _has_margin(with_loss(preset, values), knob.name):
            values[knob.name] = knob.suggest(trial)
    return values


def apply(preset, values):
    """The preset with these values.

    Args:
        preset: ``Preset``.
        values: mapping of knobs to values, as ``suggest`` returns it.

    Example:
        >>> from cosmogan_k3.gan.presets import get_preset
        >>> preset = apply(get_preset("quick"), {"loss": "hinge", "margin_real": 0.5, "margin_final": 0.4, "r1": 0.1})
        >>> preset.penalties
        (R1(weight=0.1, fraction=0.25),)
        >>> {epoch: round(loss["margin_real"], 3) for epoch, loss in preset.losses.items()}
        {0: 0.5, 1: 0.4, 2: 0.3, 3: 0.2}
    """
    preset = replace(preset, **{name: values[name] for name in _FIELDS if name in values})
    preset = _with_margins(with_loss(preset, values), values)
    for name, penalty in _PENALTIES.items():
        if name in values:
            preset = _with_penalty(preset, penalty, values[name])
    return preset


def with_loss(preset, values):
    """The preset with the loss that is named among the values, from the first epoch on, if one is."""
    return replace(preset, losses={0: {"name": values["loss"]}}) if "loss" in values else preset


def _has_margin(preset, knob):
    return any(_margins(loss, knob) for loss in preset.losses.values())


def _margins(loss, knob):
    """Fields of a loss that the knob sets."""
    wanted = _MARGINS[knob] or sum(_MARGINS.values(), ())
    return [field.name for field in fields(losses.LOSSES[loss["name"]]) if field.name in wanted]


def _with_margins(preset, values):
    stages = {
        epoch: loss
        | {
            name: values[knob]
            for knob in _MARGINS
            if knob in values
            for name in _margins(loss, knob)
            if _MARGINS[knob]
        }
        for epoch, loss in preset.losses.items()
    }
    if "margin_final" in values:
        stages = _falling(stages, values["margin_final"], preset.epochs)
    return replace(preset, losses=stages)


def _falling(stages, final, epochs):
    """Margins that go from what they are to ``final`` times that, in equal steps over the training."""
    count = min(_MARGIN_STEPS, epochs)
    starts = {round(step * epochs / count): step / max(count - 1, 1) for step in range(count)}
    found = {}
    for epoch in sorted({*starts, *stages}):
        share = starts[max(start for start in starts if start <= epoch)]
        loss = stages[max(stage for stage in stages if stage <= epoch)]
        defaults = {f.name: f.default for f in fields(losses.LOSSES[loss["name"]])}
        factor = 1 + share * (final - 1)
        scaled = {
            name: factor * loss.get(name, defaults[name]) for name in _margins(loss, "margin_final")
        }
        found[epoch] = loss | scaled
    return found


def _with_penalty(preset, penalty, weight):
    """The penalty of this kind with another weight, or one more on the whole batch; 0 leaves it out."""
    others = [p for p in preset.penalties if not isinstance(p, penalty)]
    present = [p for p in preset.penalties if isinstance(p, penalty)] or [penalty(weight)]
    return replace(
        preset, penalties=(*others, *(replace(p, weight=weight) for p in present if weight))
    )


def check(ranges, preset):
    """Refuse what no trial could train: a knob without effect, or a batch that cannot be split.

    Raises:
        InputError
    """
    named = next((r.values for r in ranges if r.name == "loss"), ())
    candidates = [with_loss(preset, {"loss": name}) for name in named] or [preset]
    steps = preset.discriminator_steps
    for knob in ranges:
        if knob.name in _MARGINS and not any(
            _has_margin(candidate, knob.name) for candidate in candidates
        ):
            raise InputError(
                f"{knob.name}: none of the study's losses has such a margin; leave the knob out"
            )
        if knob.name == "batch_size" and not (
            knob.values and all(size and size % steps == 0 for size in knob.values)
        ):
            raise InputError(
                f"batch_size: expected a list of `values`, multiples of {steps} (the preset's steps of the "
                f"discriminator). Received: {list(knob.values) or 'bounds'}"
            )
