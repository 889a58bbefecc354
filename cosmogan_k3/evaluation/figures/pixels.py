"""The distribution of pixel values."""

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import FloatArray, IntArray
from cosmogan_k3.evaluation.figures.style import GENERATED, INK, REAL, new_figure


def pixel_distribution(
    edges: FloatArray, real_counts: IntArray, generated_counts: IntArray, *, title: str = ""
) -> Figure:
    """Draw mean pixel histograms with two standard errors, and their ratio.

    Parameters
    ----------
    edges : float array (bins + 1,)
        Edges of the bins in κ.
    real_counts, generated_counts : int array (n, bins)
        Pixels of each map in the bins, as ``pixel_histogram`` returns them.
    title : str, default ""
        Text above the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> counts = np.ones((4, 2), int)
    >>> [a.get_ylabel() for a in pixel_distribution(np.arange(3.0), counts, counts).axes]
    ['pixels per map and bin', 'gen. / real']
    """
    figure, (top, bottom) = new_figure(5, 3.7, rows=2, sharex=True, height_ratios=(3, 1.2))
    centre = (edges[1:] + edges[:-1]) / 2
    for name, counts, colour in (
        ("real", real_counts, REAL),
        ("generated", generated_counts, GENERATED),
    ):
        mean, error = counts.mean(axis=0), counts.std(axis=0) / np.sqrt(len(counts))
        top.fill_between(
            centre,
            np.maximum(mean - 2 * error, 1e-6),
            mean + 2 * error,
            color=colour,
            alpha=0.25,
            lw=0,
        )
        top.step(
            centre,
            np.where(mean > 0, mean, np.nan),
            where="mid",
            color=colour,
            label=name,
        )
    real, generated = real_counts.mean(axis=0), generated_counts.mean(axis=0)
    error = real_counts.std(axis=0) / np.sqrt(len(real_counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        bottom.fill_between(
            centre, 1 - 2 * error / real, 1 + 2 * error / real, color=REAL, alpha=0.25, lw=0
        )
        bottom.plot(centre, generated / real, color=GENERATED)
    bottom.axhline(1, color=INK, lw=0.8)
    bottom.set(xlabel="convergence κ", ylabel="gen. / real", ylim=(0.5, 1.5))
    top.set(yscale="log", ylabel="pixels per map and bin")
    # Bands of rare pixels reach to 0, which would fill the axis.
    seen = np.concatenate([real[real > 0], generated[generated > 0]])
    top.set_ylim(bottom=seen.min() / 3)
    top.set_title(title, fontsize="medium")
    top.legend(frameon=False, fontsize="small")
    return figure
