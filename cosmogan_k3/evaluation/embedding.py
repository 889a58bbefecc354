"""Figures and tables as addresses that hold them, for a report of one file."""

import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

from cosmogan_k3.evaluation.figures.style import INK
from cosmogan_k3.evaluation.numbers import Table, csv_of
from cosmogan_k3.maps.display import data_address

# The browser sets the colour of axes and text by its light or dark mode, and prints in light mode.
_THEME = (
    "<style>:root{color:#1d1f23;fill:currentColor}"
    "@media (prefers-color-scheme:dark){:root{color:#e4e6ea}}</style>"
)
# Dots per inch of the parts of a figure that are drawn as an image.
_RASTER_DPI = 150


def svg_of(figure: Figure) -> str:
    """Return a figure as SVG without background, whose ink follows light and dark mode.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str

    Examples
    --------
    >>> from cosmogan_k3.evaluation.figures.style import new_figure
    >>> text = svg_of(new_figure(2, 1)[0])
    >>> "currentColor" in text, "#000000" in text
    (True, False)
    """
    buffer = io.StringIO()
    # Without a date and with a fixed salt of identifiers, equal figures are equal files.
    with mpl.rc_context({"svg.hashsalt": "cosmogan_k3"}):
        figure.savefig(
            buffer, format="svg", transparent=True, dpi=_RASTER_DPI, metadata={"Date": None}
        )
    # Only the element: XML declaration, document type and metadata name addresses.
    svg = buffer.getvalue()[buffer.getvalue().index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\n\s*", "\n", svg.replace(INK, "currentColor"))
    return re.sub(r"(<svg[^>]*>)", rf"\1{_THEME}", svg, count=1)


def image_address(figure: Figure) -> str:
    """Return a figure as the address of an image.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
    """
    return data_address("image/svg+xml", svg_of(figure).encode())


def table_address(table: Table) -> str:
    """Return a table as the address of a CSV file.

    Parameters
    ----------
    table : Table

    Returns
    -------
    str

    Examples
    --------
    >>> table_address({"ell": [1.0]})
    'data:text/csv;charset=utf-8;base64,ZWxsCjEK'
    """
    return data_address("text/csv;charset=utf-8", csv_of(table).encode())
