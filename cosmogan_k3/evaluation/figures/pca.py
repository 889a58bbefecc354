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
    columns = len(projections)
    figure, axes = new_figure(
        3.1 * columns + 0.4, 3.5, columns=columns, squeeze=False, sharex=True, sharey=True
    )
    for axis, (label, real, generated) in zip(axes[0], projections, strict=True):
        axis.scatter(*real.T, s=5, color=REAL, alpha=0.4, lw=0, label="real")
        axis.scatter(*generated.T, s=5, color=GENERATED, alpha=0.4, lw=0, label="generated")
        axis.set(title=label, xlabel="first component")
    axes[0, 0].set_ylabel("second component")
    axes[0, 0].legend(frameon=False, markerscale=2)
    return figure
