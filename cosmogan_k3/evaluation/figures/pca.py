"""Principal components of real and generated maps, epoch by epoch."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.evaluation.figures.style import GENERATED, REAL, new_figure


def pca_by_epoch(projections: Sequence[tuple[str, FloatArray, FloatArray]]) -> Figure:
    """Draw the first two principal components of real and generated maps, one panel for each epoch.

    Parameters
    ----------
    projections : sequence of (label, real, generated)
        Label of the panel, and two float arrays (n, 2) from ``pca_projection``.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> points = np.zeros((5, 2))
    >>> len(pca_by_epoch([("epoch 1", points, points), ("epoch 2", points, points)]).axes)
    2
    """
    columns = min(2, len(projections))
    rows = -(-len(projections) // columns)
    figure, axes = new_figure(
        2.5 * columns + 0.3,
        2.2 * rows + 0.5,
        rows=rows,
        columns=columns,
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for axis, (label, *sets) in zip(axes.flat, projections, strict=False):
        for name, points, colour in zip(
            ("real", "generated"), sets, (REAL, GENERATED), strict=True
        ):
            # As an image: thousands of marks would make a large file.
            axis.scatter(*points.T, s=6, color=colour, alpha=0.5, lw=0, label=name, rasterized=True)
        axis.set_title(label, fontsize="medium")
    for axis in axes.flat[len(projections) :]:
        axis.remove()
    figure.supxlabel("first component", fontsize="medium")
    figure.supylabel("second component", fontsize="medium")
    axes[0, 0].legend(frameon=False, markerscale=2, fontsize="small")
    return figure
