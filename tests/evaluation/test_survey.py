"""Evaluations of maps as a survey sees them, and in units of its errors."""

import dataclasses

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation import scan as scan_module
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.files import summary, write_evaluation
from cosmogan_k3.maps import MapSet, read_maps, write_maps
from cosmogan_k3.parallel.executor import executor
from cosmogan_k3.survey import Survey, observe_set

PIXEL = 5.0
SURVEY = Survey(galaxy_density=30.0, smoothing_arcmin=8.0, seed=4)


def maps(seed, n=40, factor=1.0):
    rng = np.random.default_rng(seed)
    kappa = factor * 0.01 * (rng.lognormal(size=(n, 32, 32)) - 1.6)
    return MapSet(kappa.astype("float32"), PIXEL)


@pytest.fixture(scope="module")
def sets():
    return maps(0), maps(1)


@pytest.fixture(scope="module")
def evaluation(sets):
    return evaluate_maps(*sets, survey=SURVEY, survey_area_deg2=1000.0, permutations=19)


def test_both_sets_have_the_noise_of_their_own_stream(sets, evaluation):
    """The same numbers as from maps that were observed before."""
    observed = (
        observe_set(s, SURVEY, stream=name)
        for name, s in zip(("real", "generated"), sets, strict=True)
    )
    before = (MapSet(s.kappa[:], PIXEL) for s in observed)
    expected = evaluate_maps(*before, survey_area_deg2=1000.0, permutations=19)
    given = evaluate_maps(*sets, permutations=19)
    copies = ("duplicate_rate", "effective_share")
    for name, value in evaluation.metrics.items():
        source = given if name in copies else expected
        assert value == pytest.approx(source.metrics[name], rel=1e-9), name


def test_the_report_says_what_was_compared_and_with_which_survey(sets, evaluation, tmp_path):
    origin = evaluation.provenance
    assert origin["real_fingerprint"] == sets[0].fingerprint()
    assert (origin["galaxy_density"], origin["noise_seed"]) == (30.0, 4)
    write_evaluation(tmp_path, dataclasses.replace(evaluation, figures={}))
    summarized = " ".join(summary(evaluation).split())  # it is wrapped
    for text in ((tmp_path / "report.html").read_text(), summarized):
        assert "shape noise of 30 galaxies per arcmin²" in text
        assert "a survey of 1000 square degrees" in text
    assert "survey shift power spectrum" in (tmp_path / "report.html").read_text()
    assert "survey_shift_minkowski_v2" in summary(evaluation)


def test_shifts_in_units_of_the_errors_of_a_survey(sets):
    """Of P(ℓ) 2 % too high everywhere, whose scatter is measured here in another way."""
    real = maps(0)
    generated = dataclasses.replace(real, kappa=real.kappa * np.float32(np.sqrt(1.02)))
    metrics = evaluate_maps(real, generated, survey_area_deg2=500.0, permutations=19).metrics
    from cosmogan_k3.statistics import SummaryStatistics

    features = SummaryStatistics(real.kappa, pixel_arcmin=PIXEL).measure(real.kappa)
    power = next(f.rows for f in features if f.name == "power_spectrum")
    error = power.std(axis=0) / np.sqrt(500 / real.field_deg**2)
    expected = np.sqrt(np.mean((0.02 * power.mean(axis=0) / error) ** 2))
    assert metrics["survey_shift_power_spectrum"] == pytest.approx(expected, rel=1e-4)  # float32
    # Twice the area sees √2 more, and half of the pixels are half of the area of a map.
    options = {"permutations": 19, "survey_area_deg2": 1000.0}
    twice = evaluate_maps(real, generated, **options).metrics
    for name in ("pixels", "moments", "starlet"):
        ratio = twice[f"survey_shift_{name}"] / metrics[f"survey_shift_{name}"]
        assert ratio == pytest.approx(np.sqrt(2), rel=1e-9)


def test_noise_hides_what_a_survey_cannot_see():
    """Half the variance of pixels is seen without noise and not behind 400 times as much."""
    real, generated = maps(0), maps(1, factor=0.7)
    assert not evaluate_maps(real, generated, permutations=99).comparison.agrees
    noisy = Survey(galaxy_density=0.05)
    assert evaluate_maps(real, generated, survey=noisy, permutations=99).comparison.agrees


@pytest.mark.slow
def test_nothing_depends_on_memory_or_workers(sets, evaluation, monkeypatch, tmp_path):
    on_disk = []
    for name, each in zip(("real", "generated"), sets, strict=True):
        write_maps(tmp_path / f"{name}.h5", each)
        on_disk.append(read_maps(tmp_path / f"{name}.h5"))
    monkeypatch.setattr(scan_module, "MEMORY_PIXELS", 0)
    with executor(2, "", quiet=True) as map_calls:
        again = evaluate_maps(
            *on_disk,
            survey=SURVEY,
            survey_area_deg2=1000.0,
            permutations=19,
            map_calls=map_calls,
        )
    assert again.metrics == pytest.approx(dict(evaluation.metrics), rel=1e-9)
    assert again.provenance == evaluation.provenance


def test_a_mask_holds_for_the_smoothing_too(sets, rng):
    mask = rng.random((32, 32)) < 0.7
    holes = [MapSet(np.where(mask, s.kappa, np.nan), PIXEL) for s in sets]
    options = {"mask": mask, "survey": SURVEY, "survey_area_deg2": 500.0, "permutations": 19}
    assert evaluate_maps(*holes, **options).metrics == evaluate_maps(*sets, **options).metrics


def test_what_cannot_be_observed_is_refused(sets):
    noisy = observe_set(sets[0], SURVEY, stream="real")
    with pytest.raises(InputError, match="of a survey already") as caught:
        evaluate_maps(noisy, sets[1], survey=SURVEY)
    assert caught.value.parameter == "galaxy_density"
    broken = sets[0].kappa.copy()
    broken[3, 1, 1] = np.nan
    with pytest.raises(InputError, match="Map 3: 1 of 1024 pixels are NaN"):
        evaluate_maps(MapSet(broken, PIXEL), sets[1], survey=SURVEY)
