"""Real and generated maps side by side."""

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import FloatMaps
from cosmogan_k3.evaluation.figures.style import new_figure

# Larger maps are resampled for a figure, where their pixels are smaller than those of a screen.
_SMALL = 128


def map_gallery(
    real: FloatMaps, generated: FloatMaps, *, field_deg: float, columns: int = 5
) -> Figure:
    r"""Draw real maps above generated maps, on the colour scale of the real ones.

    Parameters
    ----------
    real, generated : float array (n, N, N)
        Convergence. The first maps are shown; all real maps fix the colour scale; NaN is left
        blank.
    field_deg : float
        Side of a map in degrees.
    columns : int, default 5
        Largest number of maps of each set to show.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(2, 3, 16, 16))
    >>> map_gallery(*maps, field_deg=1.0).axes[0].get_ylabel()
    'real\ny [deg]'
    """
    columns = min(columns, len(real), len(generated))
    low, high = np.nanpercentile(real, [0.5, 99.5])
    figure, axes = new_figure(
        1.5 * columns + 1.1, 3.1, rows=2, columns=columns, squeeze=False, sharex=True, sharey=True
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
                interpolation="none" if maps.shape[1] <= _SMALL else None,
                extent=(0, field_deg, 0, field_deg),
            )
        axes[row, 0].set_ylabel(f"{name}\ny [deg]")
    for axis in axes[1]:
        axis.set_xlabel("x [deg]")
    figure.colorbar(image, ax=axes, label="convergence κ", aspect=30, pad=0.01)
    return figure
