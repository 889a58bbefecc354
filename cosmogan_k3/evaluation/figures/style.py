"""What all figures share. ``Figure`` is used directly: no global pyplot state, no display."""

from matplotlib.figure import Figure

REAL = "#333333"
GENERATED = "#d1495b"
OTHER = "#00798c"


def new_figure(width, height, *, rows=1, columns=1, **options):
    """A figure and its axes, laid out so that labels do not overlap."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)
