"""One statistic of real and generated maps."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from cosmogan_k3.evaluation.figures.style import GENERATED, REAL, new_figure

_CLEARANCE = 2
"""A ratio is drawn where every real mean is this many times its null band: nearer to zero it would be noise."""

_TAIL = 0.05
"""Nor is one drawn where a curve falls below this share of its largest value, unless it is shown over powers of ten."""


def statistic_panel(result):
    """Means of real and generated maps, and their ratio or difference beside that of halves of the real maps.

    The lower panel is the ratio where the real means stand clear of zero. Elsewhere it is the difference, for a list of
    coefficients of unlike sizes in units of the null band's half width.

    Args:
        result: ``statistics.Result`` with a curve.

    Raises:
        ValueError: a result without a curve.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.statistics import compare
        >>> maps = np.random.default_rng(0).lognormal(size=(40, 32, 32)).astype("float32")
        >>> result = compare(maps, maps, pixel_arcmin=2.0, permutations=9, splits=5)["power_spectrum"]
        >>> [axis.get_ylabel() for axis in statistic_panel(result).axes]
        ['Power spectrum P(ℓ)', 'generated / real']
    """
    if not result.axis.size:
        raise ValueError(f"A panel needs a curve. Received: {result.name}, which has none")
    figure, (top, bottom) = new_figure(6, 4.8, rows=2, sharex=True, height_ratios=(3, 1.6))
    coefficients = np.array_equal(result.axis, np.arange(result.axis.size))
    line = {"marker": "o", "ms": 3, "ls": ""} if coefficients else {"lw": 1.5}
    handles = top.plot(result.axis, result.real, color=REAL, label="real", **line)
    handles += top.plot(
        result.axis, result.generated, color=GENERATED, label="generated", **_apart(line)
    )
    top.set(ylabel=result.label)
    if result.axis_label.startswith("ℓ"):
        top.set(xscale="log")
        bottom.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bottom.xaxis.set_major_formatter("{x:g}")
        bottom.xaxis.set_minor_formatter(NullFormatter())
    wide = coefficients or result.axis_label.startswith("ℓ")
    if wide:
        scale, options = _wide_scale(result)
        top.set_yscale(scale, **options)
    label, centre, band, values = _contrast(result, coefficients, wide)
    step = "mid" if coefficients else None
    grey = bottom.fill_between(
        result.axis, *band, color=REAL, alpha=0.2, lw=0, step=step, label="95 % of real halves"
    )
    bottom.axhline(centre, color=REAL, lw=0.8)
    bottom.plot(result.axis, values, color=GENERATED, **line)
    bottom.set(xlabel=result.axis_label, ylabel=label)
    # Above the axes: no corner is free for every statistic.
    top.legend(
        handles=[*handles, grey], frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3
    )
    figure.align_ylabels()
    return figure


def _apart(line):
    """The second line, told from the first without its colour."""
    return line | ({"marker": "x", "ms": 4} if "marker" in line else {"ls": "--"})


def _wide_scale(result):
    """A scale for means over many powers of ten: logarithmic as far as their signs allow."""
    means = np.concatenate([result.real, result.generated])
    if (means > 0).all():
        return "log", {}
    sizes = np.abs(means[means != 0])
    return "symlog", {"linthresh": float(np.percentile(sizes, 25)) if sizes.size else 1.0}


def _contrast(result, coefficients, wide):
    """Label, centre, band and values of the lower panel."""
    difference, half_width = result.generated - result.real, np.abs(result.null_band).max(axis=0)
    least = 0 if wide else _TAIL * result.real.max()
    if (result.real > np.maximum(_CLEARANCE * half_width, least)).all():
        return (
            "generated / real",
            1,
            1 + result.null_band / result.real,
            1 + difference / result.real,
        )
    if not coefficients:
        return "generated − real", 0, result.null_band, difference
    scale = np.where(half_width > 0, half_width, np.nan)
    return "difference / null", 0, result.null_band / scale, difference / scale
