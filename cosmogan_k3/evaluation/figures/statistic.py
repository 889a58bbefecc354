"""One statistic of real and generated maps."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.evaluation.figures.style import GENERATED, REAL, new_figure
from cosmogan_k3.statistics import Result

# A ratio is drawn if every real mean is so many times its null band: nearer to zero it would be
# noise.
_CLEARANCE = 2

# No ratio is drawn if a curve on a linear scale falls below this fraction of its largest value.
_TAIL = 0.05


def statistic_panel(result: Result, *, figure: Figure | None = None) -> Figure:
    """Draw the means of one statistic, and their contrast beside that of real maps alone.

    The contrast in the lower panel is the ratio if the real means are far from zero. Otherwise it
    is the difference. For a list of coefficients of different sizes the difference is in units of
    half the width of the null band.

    Parameters
    ----------
    result : Result
        Of a statistic that is a curve or a list of coefficients.
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
    ['Power spectrum P(ℓ)', 'generated / real']
    """
    if not result.axis.size:
        raise ValueError(f"A panel needs a curve. Received: {result.name}, which has none")
    figure, (top, bottom) = new_figure(
        6, 4.8, rows=2, figure=figure, sharex=True, height_ratios=(3, 1.6)
    )
    coefficients = np.array_equal(result.axis, np.arange(result.axis.size))
    over_multipoles = result.axis_label.startswith("ℓ")
    handles = _draw_means(top, result, coefficients)
    if over_multipoles:
        top.set(xscale="log")
        bottom.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bottom.xaxis.set_major_formatter("{x:g}")
        bottom.xaxis.set_minor_formatter(NullFormatter())
    if coefficients or over_multipoles:
        scale, options = _wide_scale(result)
        top.set_yscale(scale, **options)
    handles.append(_draw_contrast(bottom, result, coefficients, coefficients or over_multipoles))
    # Above the axes: no corner is free for every statistic.
    top.legend(handles=handles, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    figure.align_ylabels()
    return figure


def _line(coefficients: bool) -> dict[str, Any]:
    """Return how to draw a curve."""
    return {"marker": "o", "ms": 3, "ls": ""} if coefficients else {"lw": 1.5}


def _draw_means(axes: Axes, result: Result, coefficients: bool) -> list[Any]:
    """Draw the means of both sets, in different colours and markers or dashes; return the lines."""
    line = _line(coefficients)
    other = line | ({"marker": "x", "ms": 4} if coefficients else {"ls": "--"})
    axes.set(ylabel=result.label)
    return [
        *axes.plot(result.axis, result.real, color=REAL, label="real", **line),
        *axes.plot(result.axis, result.generated, color=GENERATED, label="generated", **other),
    ]


def _draw_contrast(axes: Axes, result: Result, coefficients: bool, wide: bool) -> Any:
    """Draw the contrast of the means over its null band; return the band."""
    label, centre, band, values = _contrast(result, coefficients, wide)
    grey = axes.fill_between(
        result.axis,
        band[0],
        band[1],
        color=REAL,
        alpha=0.2,
        lw=0,
        step="mid" if coefficients else None,
        label="95 % of real vs real",
    )
    axes.axhline(centre, color=REAL, lw=0.8)
    axes.plot(result.axis, values, color=GENERATED, **_line(coefficients))
    axes.set(xlabel=result.axis_label, ylabel=label)
    return grey


def _wide_scale(result: Result) -> tuple[str, dict[str, float]]:
    """Choose a scale for means over many powers of ten: logarithmic as far as their signs allow."""
    means = np.concatenate([result.real, result.generated])
    if (means > 0).all():
        return "log", {}
    sizes = np.abs(means[np.isfinite(means) & (means != 0)])  # a constant map has no skewness
    return "symlog", {"linthresh": float(np.percentile(sizes, 25)) if sizes.size else 1.0}


def _contrast(
    result: Result, coefficients: bool, wide: bool
) -> tuple[str, float, FloatArray, FloatArray]:
    """Return label, centre, band and values of the lower panel."""
    difference, half_width = result.generated - result.real, np.abs(result.null_band).max(axis=0)
    least = 0 if wide else _TAIL * result.real.max()
    if (result.real > np.maximum(_CLEARANCE * half_width, least)).all():
        band, ratio = 1 + result.null_band / result.real, 1 + difference / result.real
        return "generated / real", 1, band, ratio
    if not coefficients:
        return "generated − real", 0, result.null_band, difference
    scale = np.where(half_width > 0, half_width, np.nan)
    return "difference / null", 0, result.null_band / scale, difference / scale
