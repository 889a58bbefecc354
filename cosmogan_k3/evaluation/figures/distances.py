"""The distances of all statistics in units of their nulls."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from cosmogan_k3.evaluation.figures.style import BEFORE, GENERATED, REAL, new_figure
from cosmogan_k3.statistics import Result

_BAR = 0.3  # of the height of a row


def distance_bars(results: Sequence[Result]) -> Figure:
    """Draw how far each distance has come from before the training towards its null.

    Distances are in units of the median of their null, on a logarithmic axis. A bar leads from the
    distance before the training to that of the generated maps. A band holds 90 % of the null. The
    mark of a statistic that differs is filled.

    Parameters
    ----------
    results : sequence of Result
        With ``start`` for bars from before the training.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).normal(size=(2, 20, 32, 32)).astype("float32")
    >>> results = compare(*maps, pixel_arcmin=2.0, permutations=1).results
    >>> distance_bars(results).axes[0].get_xlabel()
    'distance / median of real against real'
    """
    figure, axis = new_figure(4.7, 1.1 + 0.34 * len(results))
    _draw_null(axis, results)
    _draw_starts(axis, results)
    _draw_marks(axis, results)
    axis.set_yticks(range(len(results)), [result.label for result in results], fontsize="small")
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("distance / median of real against real", fontsize="small")
    axis.grid(axis="x", alpha=0.25, lw=0.6)
    axis.set(ylim=(len(results) - 0.4, -0.6))
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, fontsize="small")
    return figure


def _draw_null(axis: Axes, results: Sequence[Result]) -> None:
    bands = np.array([np.percentile(r.null, [5, 95]) / r.null_median for r in results])
    axis.barh(
        range(len(results)),
        np.ptp(bands, axis=1),
        2 * _BAR,
        left=bands[:, 0],
        color=REAL,
        alpha=0.3,
        label="real against real, 90 %",
    )
    axis.axvline(1, color=REAL, lw=1)


def _draw_starts(axis: Axes, results: Sequence[Result]) -> None:
    """Draw a bar from the distance before the training to that of the generated maps."""
    bars = [
        (row, r.start_in_nulls, r.in_nulls) for row, r in enumerate(results) if r.start_in_nulls
    ]
    if not bars:
        return
    rows, starts, ends = (np.array(column) for column in zip(*bars, strict=True))
    axis.barh(rows, ends - starts, _BAR, left=starts, color=BEFORE, alpha=0.6)
    axis.plot(starts, rows, "|", color=BEFORE, ms=9, mew=2, label="before training")


def _draw_marks(axis: Axes, results: Sequence[Result]) -> None:
    """Draw the distances of the generated maps; filled if the statistic differs."""
    started = any(r.start is not None for r in results)
    name = "after training" if started else "generated"
    for differs, filled in ((False, "none"), (True, GENERATED)):
        marks = [(r.in_nulls, row) for row, r in enumerate(results) if r.differs == differs]
        if marks:
            axis.plot(
                *zip(*marks, strict=True),
                "o",
                color=GENERATED,
                mfc=filled,
                mew=1.6,
                ms=6.5,
                label=f"{name}, {'differs' if differs else 'no difference seen'}",
            )
