"""``cosmogan_k3.evaluate``: are generated maps right? The answer, in one line of Python."""

import functools
from typing import Any

from cosmogan_k3._typing import FloatMaps, Mask
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.measurable import statistics_as_input_errors
from cosmogan_k3.evaluation.shown import EvaluationReport
from cosmogan_k3.maps import MapSet
from cosmogan_k3.maps.mapset import as_map_set
from cosmogan_k3.parallel.executor import thread_map
from cosmogan_k3.survey import Survey


def evaluate(
    real: MapSet | FloatMaps,
    generated: MapSet | FloatMaps,
    *,
    training: MapSet | FloatMaps | None = None,
    pixel_arcmin: Any = None,
    mask: Mask | None = None,
    survey: Survey | None = None,
    survey_area_deg2: float = 0.0,
    betti: bool = False,
    permutations: int = 499,
    seed: int = 0,
    quiet: bool = False,
) -> EvaluationReport:
    """Compare generated maps with real ones that the generator has not seen.

    Each statistic gets a distance, its null (the same distance between real maps) and a p-value,
    corrected for the number of statistics.

    Parameters
    ----------
    real, generated : MapSet, or float array of shape (n, N, N)
        Of the same side, at least four each. An array has the pixels of the other set.
    training : MapSet or float array, optional
        Maps that the generator learned from, to search for copies of them. With as many as
        ``generated``, the nulls compare real maps with them.
    pixel_arcmin : float or astropy.units.Quantity, optional
        Side of a pixel, if both sets are arrays.
    mask : bool array, shape (N, N), optional
        True where observed; some statistics are left out.
    survey : cosmogan_k3.survey.Survey, optional
        Noise, smoothing and reconstruction of both sets.
    survey_area_deg2 : float, default 0
        Also give differences in units of the errors of a survey of this area.
    betti : bool, default False
        Compare Betti curves too; needs gudhi.
    permutations : int, default 499
        Exchanges of maps for each p-value.
    seed : int, default 0
        Seed of the exchanges.
    quiet : bool, default False
        Show no progress bar.

    Returns
    -------
    EvaluationReport
        ``report.show()``, ``report.save(folder)``, ``report["peaks"].plot()``.

    Raises
    ------
    InputError
        Sets that cannot be compared, or maps that cannot be measured.

    Examples
    --------
    >>> import numpy as np
    >>> real, generated = np.random.default_rng(0).lognormal(size=(2, 12, 16, 16))
    >>> report = evaluate(real, generated, pixel_arcmin=2.0, permutations=99, quiet=True)
    >>> report["peaks"].agrees
    True
    """
    size = pixel_arcmin
    for maps in (real, generated):
        size = getattr(maps, "pixel_arcmin", None) if size is None else size
    with statistics_as_input_errors():
        return EvaluationReport(
            evaluate_maps(
                as_map_set(real, size),
                as_map_set(generated, size),
                training=None if training is None else as_map_set(training, size),
                mask=mask,
                survey=survey,
                survey_area_deg2=survey_area_deg2,
                betti=betti,
                permutations=permutations,
                seed=seed,
                map_calls=functools.partial(thread_map, quiet=quiet),
            )
        )
