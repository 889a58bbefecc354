"""One statistic of real and generated maps."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.evaluation.figures.groups import Group, groups_of
from cosmogan_k3.evaluation.figures.style import GENERATED, INK, REAL, new_figure
from cosmogan_k3.statistics import Result

_BAND_ALPHA = 0.3

# A ratio is drawn if every real mean is so many times its null band: nearer to zero it would be
# noise.
_CLEARANCE = 2

# No ratio is drawn if a curve on a linear scale falls below this fraction of its largest value.
_TAIL = 0.05

# Statistics whose values span powers of ten and whose noise does too: a ratio would leave its axes
# in one map set and not in the next, and a plain difference would show the largest values only.
_IN_NULLS = ("bispectrum", "moments", "starlet", "scattering")


def statistic_panel(
    result: Result, *, pixel_arcmin: float = 0.0, figure: Figure | None = None
) -> Figure:
    """Draw the means of one statistic, and their contrast beside that of real maps alone.

    The contrast in the lower panel is the ratio if the real means are far from zero. Otherwise it
    is the difference. For bispectra and lists of coefficients the difference is in units of half
    the width of the null band.

    Parameters
    ----------
    result : Result
        Of a statistic that is a curve or a list of coefficients.
    pixel_arcmin : float, default 0
        Side of a pixel, for scales in arcmin; without it they are in pixels.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        A result without a curve.

    Examples
    --------
    >>> import numpy as np
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(40, 32, 32)).astype("float32")
    >>> comparison = compare(maps, maps, pixel_arcmin=2.0, permutations=9, splits=5)
    >>> [axis.get_ylabel() for axis in statistic_panel(comparison["power_spectrum"]).axes]
    ['P(ℓ) [sr]', 'generated / real']
    """
    if not result.axis.size:
        raise ValueError(f"A panel needs a curve. Received: {result.name}, which has none")
    groups = groups_of(result, pixel_arcmin)
    figure, axes = new_figure(
        5 if len(groups) < 4 else 5.8,
        3.7,
        rows=2,
        columns=len(groups),
        figure=figure,
        squeeze=False,
        sharex="col",
        height_ratios=(3, 1.8),
        width_ratios=[1.0 if len(groups) != 2 else max(len(g.rows), 8) for g in groups],
    )
    for group, (top, bottom) in zip(groups, axes.T, strict=True):
        _draw_group(top, bottom, result, group)
    if len(groups) > 2 or groups[0].title:
        _name_columns(figure, axes, groups)
    band = Patch(color=REAL, alpha=_BAND_ALPHA, lw=0, label="95 % of real against real")
    figure.legend(
        handles=[*axes[0, 0].lines, band],
        frameon=False,
        loc="outside upper left",
        ncols=3,
        fontsize="small",
    )
    figure.align_ylabels()
    return figure


def _name_columns(figure: Figure, axes: Any, groups: list[Group]) -> None:
    """Name many columns by titles: labels beside their axes would not fit."""
    for axis, group in zip(axes[0], groups, strict=True):
        axis.set_title(group.title or group.label, fontsize="small")
        axis.set_ylabel(group.label if group.title and group is groups[0] else "")
    for axis in axes.flat:
        axis.tick_params(labelsize="small")
    for axis in axes[1]:
        axis.set_xlabel("")
    for axis in axes[1, 1:]:
        axis.set_ylabel("")
    figure.supxlabel(groups[0].axis_label, fontsize="medium")


def _draw_group(top: Axes, bottom: Axes, result: Result, group: Group) -> None:
    """Draw the means of a group of features, and below them their contrast."""
    over_multipoles = result.axis_label.startswith(("ℓ", "multipole"))
    _draw_means(top, result, group)
    _draw_contrast(bottom, result, group, over_multipoles)
    if over_multipoles:
        top.set(xscale="log")
        bottom.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bottom.xaxis.set_major_formatter("{x:g}")
        bottom.xaxis.set_minor_formatter(NullFormatter())
        scale, options = _wide_scale(result)
        top.set_yscale(scale, **options)
    else:
        top.ticklabel_format(axis="y", scilimits=(-3, 4), useMathText=True)
    if group.names:
        _name_features(bottom, group)


def _name_features(axis: Axes, group: Group) -> None:
    """Name the features on the horizontal axis; angles that stand together have one name."""
    if len(group.names) <= 8:
        axis.set_xticks(group.position, group.names, fontsize="small")
        return
    pairs = [name.partition(";")[0] for name in group.names[1::3]]
    axis.set_xticks(group.position[1::3], pairs, rotation=90, fontsize="small")


def _line(group: Group) -> dict[str, Any]:
    """Return how to draw a group: coefficients are points, curves are lines."""
    return {"marker": "o", "ms": 3.5, "ls": ""} if group.names else {"lw": 1.5}


def _draw_means(axis: Axes, result: Result, group: Group) -> None:
    """Draw the means of both sets, in different colours and markers or dashes."""
    line = _line(group)
    other = line | ({"marker": "x", "ms": 5} if group.names else {"ls": "--"})
    axis.plot(group.position, result.real[group.rows], color=REAL, label="real", **line)
    axis.plot(
        group.position, result.generated[group.rows], color=GENERATED, label="generated", **other
    )
    axis.set(ylabel=group.label)


def _draw_contrast(axis: Axes, result: Result, group: Group, wide: bool) -> None:
    """Draw the contrast of the means over its null band."""
    label, centre, band, values = _contrast(result, wide)
    low, high = band[:, group.rows]
    if group.names:
        axis.vlines(group.position, low, high, color=REAL, alpha=_BAND_ALPHA, lw=7)
    else:
        axis.fill_between(group.position, low, high, color=REAL, alpha=_BAND_ALPHA, lw=0)
    axis.axhline(centre, color=INK, lw=0.8)
    axis.plot(group.position, values[group.rows], color=GENERATED, **_line(group))
    axis.set_xlabel(group.axis_label)
    axis.set_ylabel(label)
    axis.ticklabel_format(axis="y", scilimits=(-3, 4), useMathText=True)
    axis.yaxis.set_major_locator(MaxNLocator(4))


def _wide_scale(result: Result) -> tuple[str, dict[str, float]]:
    """Choose a scale for means over many powers of ten: logarithmic as far as their signs allow."""
    means = np.concatenate([result.real, result.generated])
    if (means > 0).all():
        return "log", {}
    sizes = np.abs(means[np.isfinite(means) & (means != 0)])  # a constant map has no skewness
    return "symlog", {"linthresh": float(np.percentile(sizes, 25)) if sizes.size else 1.0}


def _contrast(result: Result, wide: bool) -> tuple[str, float, FloatArray, FloatArray]:
    """Return label, centre, band and values of the lower panel."""
    difference, half_width = result.generated - result.real, np.abs(result.null_band).max(axis=0)
    if result.name.startswith(_IN_NULLS):
        scale = np.where(half_width > 0, half_width, np.nan)
        return "difference / null", 0, result.null_band / scale, difference / scale
    least = 0 if wide else _TAIL * result.real.max()
    if (result.real > np.maximum(_CLEARANCE * half_width, least)).all():
        band, ratio = 1 + result.null_band / result.real, 1 + difference / result.real
        return "generated / real", 1, band, ratio
    return "generated − real", 0, result.null_band, difference
