"""Colours of all figures, and the empty figure that they start from."""

from typing import Any

from matplotlib.figure import Figure

REAL = "#333333"
GENERATED = "#d1495b"
OTHER = "#00798c"


def new_figure(
    width: float,
    height: float,
    *,
    rows: int = 1,
    columns: int = 1,
    figure: Figure | None = None,
    **options: Any,
) -> tuple[Figure, Any]:
    """Return a figure and its axes, arranged so that labels do not overlap.

    By default ``Figure`` is used directly, without pyplot's global state and without a display.

    Parameters
    ----------
    width, height : float
        In inches.
    rows, columns : int, default 1
        Number of axes.
    figure : matplotlib.figure.Figure, optional
        An empty figure to use, such as one of pyplot.
    **options
        Passed to ``Figure.subplots``.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes or array of them

    Examples
    --------
    >>> figure, axes = new_figure(4, 3, columns=2)
    >>> axes.shape
    (2,)
    """
    figure = figure or Figure()
    figure.set_size_inches(width, height)
    figure.set_layout_engine("constrained")
    return figure, figure.subplots(rows, columns, **options)
