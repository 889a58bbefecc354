"""The validation distances and the score over the epochs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.evaluation.figures.style import GENERATED, INK, LINES, REAL, new_figure
from cosmogan_k3.statistics.two_sample.validation import SCORED

# Names of the scored distances for people.
SHORT_NAMES = {
    "power_spectrum_error_mean": "P(ℓ)",
    "ks_pixels_distance": "pixels",
    "peak_counts_error": "peaks",
    "pca_distance": "PCA",
}


def in_nulls(distances: Mapping[str, Sequence[float]]) -> dict[str, FloatArray]:
    """Return the scored distances in units of their nulls.

    Parameters
    ----------
    distances : mapping of str to sequence of float
        One value an epoch of each distance and of ``…_null``.

    Returns
    -------
    dict of float64 array
        By the names for people; distances that are missing are left out.

    Examples
    --------
    >>> in_nulls({"pca_distance": [3.0, 1.5], "pca_distance_null": [1.0, 1.0]})
    {'PCA': array([3. , 1.5])}
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            SHORT_NAMES[name]: np.divide(distances[name], distances[f"{name}_null"])
            for name in SCORED
            if name in distances
        }


def validation_curves(
    distances: Mapping[str, Sequence[float]], score: Sequence[float], chosen: int
) -> Figure:
    """Draw the distances in units of their nulls and the score, and mark the chosen epoch.

    Parameters
    ----------
    distances : mapping of str to sequence of float
        As for ``in_nulls``.
    score : sequence of float
        One value an epoch; smaller is better.
    chosen : int
        Number of the chosen epoch, from 1.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> distances = {"pca_distance": [3.0, 1.5], "pca_distance_null": [1.0, 1.0]}
    >>> [axis.get_ylabel() for axis in validation_curves(distances, [0.7, 0.2], 2).axes]
    ['distance / null', 'validation score']
    """
    figure, (top, bottom) = new_figure(5, 4.6, rows=2, sharex=True)
    epochs = np.arange(1, len(score) + 1)
    for (name, values), (colour, marker) in zip(in_nulls(distances).items(), LINES, strict=False):
        top.plot(epochs, values, color=colour, marker=marker, ms=4, label=name)
    top.axhline(1, color=REAL, lw=1, label="real against real")
    top.set(ylabel="distance / null", yscale="log")
    top.yaxis.set_major_formatter("{x:g}")
    top.yaxis.set_minor_formatter("{x:g}" if _narrow(top.get_ylim()) else NullFormatter())
    bottom.plot(epochs, score, color=INK, marker=".")
    bottom.plot(chosen, score[chosen - 1], "*", color=GENERATED, ms=13, label=f"epoch {chosen}")
    bottom.axhline(0, color=REAL, lw=1, label="each distance is its null")
    bottom.set(ylabel="validation score")
    for axis in (top, bottom):
        axis.axvline(chosen, color=GENERATED, lw=0.8, ls="--")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    # Lines fill the upper panel: its legend stands above it.
    top.legend(
        frameon=False, fontsize="small", ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1)
    )
    bottom.legend(frameon=False, fontsize="small")
    bottom.set_xlabel("epoch")
    return figure


def _narrow(limits: tuple[float, float]) -> bool:
    """Whether a logarithmic axis is so short that powers of ten leave it without numbers."""
    return limits[1] < 10 * limits[0]
