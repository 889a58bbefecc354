"""One figure a function: results in, a ``matplotlib.figure.Figure`` out. Nothing is computed or saved here."""

from cosmogan_k3.figures.loss_curves import loss_curves
from cosmogan_k3.figures.maps import map_gallery
from cosmogan_k3.figures.pca import pca_by_epoch
from cosmogan_k3.figures.pixels import pixel_distribution
from cosmogan_k3.figures.spectrum import power_spectrum_comparison
from cosmogan_k3.figures.statistic import statistic_panel

__all__ = [
    "loss_curves",
    "map_gallery",
    "pca_by_epoch",
    "pixel_distribution",
    "power_spectrum_comparison",
    "statistic_panel",
]
