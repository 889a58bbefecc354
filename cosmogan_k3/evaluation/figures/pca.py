"""Principal components, epoch by epoch."""

from cosmogan_k3.evaluation.figures.style import GENERATED, REAL, new_figure


def pca_by_epoch(projections):
    """Scatter of the first two principal components of real and generated maps, one panel for each epoch shown.

    Args:
        projections: list of ``(label, real, generated)``, float ``(n, 2)`` each, as ``pca_projection`` returns them.
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
