"""How a set of maps shows itself: in words, in a notebook, and as pictures."""

import base64
import io
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from cosmogan_k3.maps.mapset import MapSet

_INCHES = 2.1  # side of a map in a figure
_NOTEBOOK_DPI = 72
# The extreme pixels would take most of the colours.
_SHOWN_PER_CENT = (0.5, 99.5)


def rows_of(maps: "MapSet") -> dict[str, str]:
    """Return what there is to know of a set of maps, by name.

    Parameters
    ----------
    maps : MapSet

    Returns
    -------
    dict of str

    Examples
    --------
    >>> from cosmogan_k3.maps import MapSet
    >>> rows_of(MapSet(np.zeros((4, 8, 8), "float32"), 2.0, np.array([0, 0, 1, 1])))["cut from"]
    '2 larger maps or boxes'
    """
    rows = {
        "maps": f"{len(maps)} of {maps.pixels} x {maps.pixels} pixels of {maps.pixel_arcmin:.4g} "
        "arcmin",
        "field": f"{maps.field_deg:.3g} degrees",
    }
    if maps.quantity != "kappa":
        rows["quantity"] = maps.quantity
    if (units := len(np.unique(maps.map_id))) < len(maps):
        rows["cut from"] = f"{units} larger maps or boxes"
    rows |= {name: _range(values) for name, values in maps.parameters.items()}
    return rows | ({"read from": maps.origin} if maps.origin else {})


def _range(values: Any) -> str:
    low, high = np.min(values), np.max(values)
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def html_table(title: str, rows: Mapping[str, str], image: str = "") -> str:
    """Return names and values as a table for a notebook.

    Parameters
    ----------
    title : str
        Shown in bold; HTML in it is escaped.
    rows : mapping of str to str
        Escaped too.
    image : str
        HTML that is shown below the table.

    Returns
    -------
    str

    Examples
    --------
    >>> html_table("Emulator", {"pixels": "64"})
    '<strong>Emulator</strong><table><tr><th>pixels</th><td>64</td></tr></table>'
    """
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )
    return f"<strong>{escape(title)}</strong><table>{cells}</table>{image}"


def maps_as_html(maps: "MapSet") -> str:
    """Return a table of the set, and a picture of its first maps.

    Parameters
    ----------
    maps : MapSet

    Returns
    -------
    str
    """
    figure = Figure()
    draw_maps(maps, figure)
    return html_table("MapSet", rows_of(maps), as_image(figure, "the first maps"))


def as_image(figure: Figure, description: str) -> str:
    """Return a figure as an HTML image that needs no file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    description : str
        For readers who do not see it.

    Returns
    -------
    str
    """
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=_NOTEBOOK_DPI)
    return f'<img alt="{escape(description)}" src="{data_address("image/png", png.getvalue())}">'


def data_address(kind: str, content: bytes) -> str:
    """Return an address that holds the content of a file.

    Parameters
    ----------
    kind : str
        Media type of the content.
    content : bytes

    Returns
    -------
    str

    Examples
    --------
    >>> data_address("text/csv", b"ell")
    'data:text/csv;base64,ZWxs'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def draw_maps(maps: "MapSet", figure: Figure, count: int = 4) -> list[Axes]:
    """Draw the first maps of a set in a row, on one colour scale.

    Parameters
    ----------
    maps : MapSet
    figure : matplotlib.figure.Figure
        Empty; its size is set.
    count : int, default 4
        Largest number of maps.

    Returns
    -------
    list of matplotlib.axes.Axes
        One a map.

    Examples
    --------
    >>> from cosmogan_k3.maps import MapSet
    >>> axes = draw_maps(MapSet(np.ones((3, 8, 8), "float32"), 30.0), Figure())
    >>> len(axes), axes[0].get_ylabel()
    (3, 'degrees')
    """
    shown = np.asarray(maps.kappa[: min(count, len(maps))])
    low, high = np.nanpercentile(shown, _SHOWN_PER_CENT)
    figure.set_size_inches(_INCHES * len(shown) + 1.2, _INCHES + 0.6)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(1, len(shown), squeeze=False, sharex=True, sharey=True)[0]
    for axis, kappa in zip(axes, shown, strict=True):
        image = axis.imshow(
            kappa,
            vmin=low,
            vmax=high,
            cmap="inferno",
            origin="lower",
            extent=(0, maps.field_deg, 0, maps.field_deg),
        )
        axis.set_xlabel("degrees")
    axes[0].set_ylabel("degrees")
    label = "convergence κ" if maps.quantity == "kappa" else f"shear {maps.quantity}"
    figure.colorbar(image, ax=axes, label=label)
    return list(axes)
