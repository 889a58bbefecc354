"""Colours of all figures, and the empty figure that they start from."""

from typing import Any

from matplotlib.figure import Figure

# Of Okabe and Ito (2008), which the common forms of colour blindness tell apart. Each is legible on
# white and on black.
REAL = "#0072b2"  # blue
GENERATED = "#d55e00"  # vermillion
DISCRIMINATOR = "#009e73"  # bluish green
BEFORE = "#8c8c8c"  # grey: maps from before the training
# Lines that are neither real nor generated maps. Markers tell them apart too.
LINES = ((DISCRIMINATOR, "o"), ("#cc79a7", "s"), ("#e69f00", "^"), ("#56b4e9", "D"))
# Axes, text and lines of reference. A report replaces this colour by that of its text.
INK = "#000000"


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
