"""All figures of an evaluation."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import Maps, Metrics
from cosmogan_k3.evaluation.figures.distances import distance_bars
from cosmogan_k3.evaluation.figures.maps import map_gallery
from cosmogan_k3.evaluation.figures.pixels import pixel_distribution
from cosmogan_k3.evaluation.figures.spectrum import power_spectrum_comparison
from cosmogan_k3.evaluation.figures.statistic import statistic_panel
from cosmogan_k3.evaluation.measure import MeasuredPair
from cosmogan_k3.statistics import Comparison


def evaluation_figures(
    maps: Sequence[Maps],
    pair: MeasuredPair,
    metrics: Metrics,
    comparison: Comparison,
    *,
    field_deg: float,
) -> dict[str, Figure]:
    """Draw maps, pixels, P(ℓ) and a panel for every other statistic that is a curve.

    Parameters
    ----------
    maps : two float32 arrays (n, N, N)
        The first real and generated maps; the colour scale is that of the real ones.
    pair : MeasuredPair
        Measurements of both sets; pixels outside their mask are left blank.
    metrics : mapping of str to float
        The distances that the titles quote.
    comparison : Comparison
        The test of each statistic.
    field_deg : float
        Side of a map in degrees.

    Returns
    -------
    dict of matplotlib.figure.Figure
    """
    real, generated = pair.real, pair.generated
    mask = pair.bins.statistics.mask
    observed = True if mask is None else mask
    shown = [np.where(observed, of_set, np.nan) for of_set in maps]
    first, second = (pair.null.power[rows].mean(axis=0) for rows in pair.null_sets)
    figures = {
        "distances": distance_bars(comparison.results),
        "maps": map_gallery(shown[0], shown[1], field_deg=field_deg),
        "pixel_histogram": pixel_distribution(
            pair.bins.histogram,
            real.histogram,
            generated.histogram,
            title=f"KS distance {metrics['ks_pixels_distance']:.2g} "
            f"(real against real {metrics['ks_pixels_distance_null']:.2g})",
        ),
        "power_spectrum": power_spectrum_comparison(
            real.ell,
            real.power,
            generated.power,
            null_ratio=second / first,
            title=f"mean |ΔP/P| {100 * metrics['power_spectrum_error_mean']:.1f} % "
            f"(real against real {100 * metrics['power_spectrum_error_mean_null']:.1f} %)",
        ),
    }
    panels = {
        result.name: statistic_panel(result, pixel_arcmin=60 * field_deg / maps[0].shape[1])
        for result in comparison.tests
        if result.axis.size and result.name not in figures
    }
    return figures | panels
