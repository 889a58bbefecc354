"""Figures: each function takes results and returns a ``matplotlib.figure.Figure``."""

from cosmogan_k3.evaluation.figures.distances import distance_bars
from cosmogan_k3.evaluation.figures.loss_curves import loss_curves
from cosmogan_k3.evaluation.figures.maps import map_gallery
from cosmogan_k3.evaluation.figures.pca import pca_by_epoch
from cosmogan_k3.evaluation.figures.pixels import pixel_distribution
from cosmogan_k3.evaluation.figures.spectrum import power_spectrum_comparison
from cosmogan_k3.evaluation.figures.statistic import statistic_panel
from cosmogan_k3.evaluation.figures.validation import validation_curves

__all__ = [
    "distance_bars",
    "loss_curves",
    "map_gallery",
    "pca_by_epoch",
    "pixel_distribution",
    "power_spectrum_comparison",
    "statistic_panel",
    "validation_curves",
]
