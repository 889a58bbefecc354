"""Maps side by side."""

import numpy as np

from cosmogan_k3.evaluation.figures.style import new_figure


def map_gallery(real, generated, *, field_deg, columns=4):
    """Real maps above generated ones, on one colour scale.

    Args:
        real, generated: float arrays ``(n, N, N)``, κ; the first ``columns`` of each are shown; NaN is left blank.
        field_deg: float, side of a map.
    """
    columns = min(columns, len(real), len(generated))
    low, high = np.nanpercentile(real, [0.5, 99.5])
    figure, axes = new_figure(
        2.1 * columns + 0.8, 4.5, rows=2, columns=columns, squeeze=False, sharex=True, sharey=True
    )
    for row, (name, maps) in enumerate((("real", real), ("generated", generated))):
        for column in range(columns):
            axis = axes[row, column]
            image = axis.imshow(
                maps[column],
                vmin=low,
                vmax=high,
                cmap="inferno",
                origin="lower",
                extent=(0, field_deg, 0, field_deg),
            )
        axes[row, 0].set_ylabel(f"{name}\ndegrees")
    for axis in axes[1]:
        axis.set_xlabel("degrees")
    figure.colorbar(image, ax=axes, label="convergence κ", shrink=0.9)
    return figure
