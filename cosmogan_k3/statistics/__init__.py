"""Statistics of convergence maps: arrays in, arrays out; no Keras, no figures, no files.

Conventions, stated here once:

- κ is dimensionless. A set of maps is a float array ``(n, N, N)``. ``pixel_arcmin`` is the side of
  a pixel.
- The flat-sky spectrum is P(ℓ) = |FFT κ|² (L/N²)² in steradian, with L the side of the field in
  radian. Mode n of a field of side θ degrees lies at ℓ = 360 n/θ. Bins are (lo, hi], averaged over
  the whole Fourier plane.
- Pixels and modes of one map are correlated. Whole maps are the independent unit of every p-value,
  or the larger maps and simulations that they were cut from.
- Each distance between generated and real maps is reported beside its null: the same distance
  between disjoint halves of the real maps.
"""

from typing import TYPE_CHECKING

from cosmogan_k3._imports.lazy import on_first_use

if TYPE_CHECKING:
    from cosmogan_k3.statistics.estimators.betti import betti_curves
    from cosmogan_k3.statistics.estimators.bispectrum import bispectrum
    from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
    from cosmogan_k3.statistics.estimators.minkowski import minkowski_functionals
    from cosmogan_k3.statistics.estimators.moments import smoothed_moments
    from cosmogan_k3.statistics.estimators.peaks import minima_counts, peak_counts
    from cosmogan_k3.statistics.estimators.power_spectrum import (
        integer_mode_edges,
        power_spectrum,
        published_mode_edges,
    )
    from cosmogan_k3.statistics.estimators.scattering import (
        scattering_coefficients,
        scattering_labels,
    )
    from cosmogan_k3.statistics.estimators.starlet import starlet_l1_norm, starlet_transform
    from cosmogan_k3.statistics.inference.credibility import coverage_error, tarp_credibility
    from cosmogan_k3.statistics.inference.posterior import MapPosterior
    from cosmogan_k3.statistics.memorization.diversity import (
        Duplicates,
        duplicate_rate,
        effective_number,
    )
    from cosmogan_k3.statistics.memorization.held_out_comparison import (
        Memorisation,
        memorisation_test,
    )
    from cosmogan_k3.statistics.memorization.interpolation import interpolation_smoothness
    from cosmogan_k3.statistics.memorization.nearest_neighbours import nearest_neighbours
    from cosmogan_k3.statistics.summary import Features, SummaryStatistics, join_features
    from cosmogan_k3.statistics.topology import betti_features
    from cosmogan_k3.statistics.two_sample.auc import auc_test
    from cosmogan_k3.statistics.two_sample.comparison import compare, compare_features
    from cosmogan_k3.statistics.two_sample.correlations import (
        CorrelationComparison,
        compare_correlations,
        correlation_matrix,
        covariance,
    )
    from cosmogan_k3.statistics.two_sample.covariances import (
        contour_ratio,
        covariance_errors,
        covariance_rows,
    )
    from cosmogan_k3.statistics.two_sample.coverage import density_coverage
    from cosmogan_k3.statistics.two_sample.distances import (
        relative_error,
        summary_distances,
        wasserstein_distances,
    )
    from cosmogan_k3.statistics.two_sample.frechet import frechet_distance
    from cosmogan_k3.statistics.two_sample.halves import null_halves
    from cosmogan_k3.statistics.two_sample.joint import joint_rows
    from cosmogan_k3.statistics.two_sample.kolmogorov_smirnov import (
        KSResult,
        ks_histogram_counts,
        ks_pixels,
    )
    from cosmogan_k3.statistics.two_sample.pca import pca_merit, pca_projection
    from cosmogan_k3.statistics.two_sample.results import Comparison, Result
    from cosmogan_k3.statistics.two_sample.stopping import StoppingAdvice, stopping_advice
    from cosmogan_k3.statistics.two_sample.survey_errors import shift_in_survey_errors
    from cosmogan_k3.statistics.two_sample.validation import (
        Validation,
        relative_diversity,
        validation_score,
    )
    from cosmogan_k3.statistics.two_sample.wasserstein import (
        wasserstein_1,
        wasserstein_from_histograms,
        wasserstein_rows,
    )
else:
    __getattr__, __dir__ = on_first_use(__name__)

__all__ = [
    "Comparison",
    "CorrelationComparison",
    "Duplicates",
    "Features",
    "KSResult",
    "MapPosterior",
    "Memorisation",
    "Result",
    "StoppingAdvice",
    "SummaryStatistics",
    "Validation",
    "auc_test",
    "betti_curves",
    "betti_features",
    "bispectrum",
    "compare",
    "compare_correlations",
    "compare_features",
    "contour_ratio",
    "correlation_matrix",
    "covariance",
    "covariance_errors",
    "covariance_rows",
    "coverage_error",
    "density_coverage",
    "duplicate_rate",
    "effective_number",
    "frechet_distance",
    "integer_mode_edges",
    "interpolation_smoothness",
    "join_features",
    "joint_rows",
    "ks_histogram_counts",
    "ks_pixels",
    "memorisation_test",
    "minima_counts",
    "minkowski_functionals",
    "nearest_neighbours",
    "null_halves",
    "pca_merit",
    "pca_projection",
    "peak_counts",
    "pixel_histogram",
    "power_spectrum",
    "published_mode_edges",
    "relative_diversity",
    "relative_error",
    "scattering_coefficients",
    "scattering_labels",
    "shift_in_survey_errors",
    "smoothed_moments",
    "starlet_l1_norm",
    "starlet_transform",
    "stopping_advice",
    "summary_distances",
    "tarp_credibility",
    "validation_score",
    "wasserstein_1",
    "wasserstein_distances",
    "wasserstein_from_histograms",
    "wasserstein_rows",
]
