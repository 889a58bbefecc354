"""The distances of all statistics in units of their nulls."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3.evaluation.figures.style import GENERATED, OTHER, REAL, new_figure
from cosmogan_k3.statistics import Result

_BAR = 0.38  # of the height of a row


def distance_bars(results: Sequence[Result]) -> Figure:
    """Draw each distance over the median of its null, before and after the training.

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
    'distance / its null (median of real against real)'
    """
    figure, axis = new_figure(7, 1 + 0.34 * len(results))
    rows, distances = np.arange(len(results)), [r.in_nulls for r in results]
    started = [(row, r.start_in_nulls) for row, r in zip(rows, results, strict=True) if r.start]
    label = "after training" if started else "generated"
    axis.barh(rows - _BAR / 2, distances, _BAR, color=GENERATED, label=label)
    if started:
        at, values = zip(*started, strict=True)
        axis.barh(np.add(at, _BAR / 2), values, _BAR, color=OTHER, label="before training")
    axis.axvline(1, color=REAL, lw=1, ls="--", label="real against real")
    axis.set_yticks(rows, [result.label for result in results])
    axis.set(xlabel="distance / its null (median of real against real)")
    axis.invert_yaxis()
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    return figure
