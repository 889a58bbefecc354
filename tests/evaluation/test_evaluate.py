"""Both sets of maps to metrics, figures and files."""

import csv
import io
import json

import numpy as np
import pytest
from scipy import ndimage

from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.files import summary, write_evaluation
from cosmogan_k3.evaluation.nulls import choose_nulls
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import SummaryStatistics, ks_pixels, power_spectrum, relative_error

COUNT = 40


def maps(seed, n=COUNT):
    return MapSet(np.random.default_rng(seed).lognormal(size=(n, 32, 32)).astype("float32"), 2.0)


@pytest.fixture(scope="module")
def real():
    return maps(0)


def test_maps_of_one_kind_agree_and_every_file_is_written(real, tmp_path):
    evaluation = evaluate_maps(
        real, maps(1), training=maps(2, 100), permutations=99, provenance={"seed": 7}
    )
    assert evaluation.comparison.agrees
    assert evaluation.metrics["duplicate_rate"] == 0
    assert evaluation.metrics["effective_share"] > 0.9
    assert evaluation.metrics["memorisation_pvalue"] > 0.01
    assert (
        evaluation.metrics["correlation_distance"]
        < 2 * evaluation.metrics["correlation_distance_null"]
    )
    write_evaluation(tmp_path, evaluation)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"report.html", "metrics.json", "statistics.csv", "table.tex", "numbers"} | {
        f"{name}.{ending}" for name in evaluation.figures for ending in ("png", "pdf")
    }
    tables = {path.stem for path in (tmp_path / "numbers").iterdir()}
    assert tables == evaluation.numbers.keys() == evaluation.figures.keys() - {"maps"}
    assert json.loads((tmp_path / "metrics.json").read_text())["seed"] == 7
    with (tmp_path / "statistics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["statistic"] for row in rows] == [
        result.name for result in evaluation.comparison.tests
    ]
    same = (tmp_path / "numbers" / "distances.csv", tmp_path / "statistics.csv")
    assert len({path.read_bytes() for path in same}) == 1
    # Of 40 against 40 maps coverage is 1 − 35·…·39/(75·…·79) = 0.97.
    for name, expected in (("density", 1), ("coverage", 0.97)):
        for found in (evaluation.metrics[name], evaluation.metrics[f"{name}_null"]):
            assert found == pytest.approx(expected, abs=0.35 if name == "density" else 0.12)
    # Written to the twelve digits that do not depend on how many threads there are.
    assert float(rows[0]["distance"]) == pytest.approx(
        evaluation.comparison.results[0].distance, rel=1e-11
    )
    assert (tmp_path / "peaks.pdf").read_bytes().startswith(b"%PDF")
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/svg+xml") >= len(evaluation.figures)


def test_the_error_of_peaks_is_that_of_the_fullest_bins(real):
    """Count peaks with scipy, in bins of σ/2, of 60 copies of maps, so that bins hold 1,000."""
    many, other = (np.repeat(maps(seed).kappa[:20], 60, axis=0) for seed in (0, 1))
    metrics = evaluate_maps(MapSet(many, 2.0), MapSet(other, 2.0), permutations=9).metrics
    edges = many[:256].mean() + many[:256].std() * np.linspace(-1, 5, 13)
    ring = np.ones((3, 3))
    ring[1, 1] = 0

    def counts(kappa):
        peaks = [
            m[1:-1, 1:-1][(m > ndimage.maximum_filter(m, footprint=ring))[1:-1, 1:-1]]
            for m in kappa[::60]
        ]
        return 60 * np.histogram(np.concatenate(peaks), edges)[0]

    expected, found = counts(many), counts(other)
    filled = expected >= 1000
    assert filled.sum() > 2
    error = np.abs(found[filled] / expected[filled] - 1).max()
    assert metrics["peak_counts_error_max"] == pytest.approx(error, rel=1e-6)
    assert metrics["peak_counts_error_max_null"] > 0


def test_copies_of_training_maps_are_found(real):
    training = maps(2, 100)
    copies = MapSet(np.rot90(training.kappa[:COUNT], axes=(1, 2)).copy(), 2.0)
    metrics = evaluate_maps(real, copies, training=training, permutations=9).metrics
    assert metrics["memorisation_pvalue"] < 1e-9
    assert metrics["memorisation_fraction_closer"] == 1


def test_a_collapsed_generator_is_called_one(real):
    one = MapSet(np.repeat(real.kappa[:1], COUNT, axis=0), 2.0)
    evaluation = evaluate_maps(real, one, permutations=99)
    assert not evaluation.comparison.agrees
    assert evaluation.metrics["duplicate_rate"] == 1
    assert evaluation.metrics["effective_share"] == pytest.approx(1 / COUNT)


def test_blank_maps_are_evaluated_too(real):
    evaluation = evaluate_maps(
        real, MapSet(np.zeros((COUNT, 32, 32), "float32"), 2.0), permutations=99
    )
    assert not evaluation.comparison.agrees
    assert evaluation.metrics["constant_share"] == 1
    # Their skewness is not defined. A warning of matplotlib would be an error here.
    evaluation.figures["moments"].savefig(io.BytesIO())


@pytest.fixture(scope="module")
def mask():
    mask = np.ones((32, 32), bool)
    mask[5:12, 20:27] = False
    return mask


def test_nothing_under_a_mask_is_read_and_what_needs_whole_maps_is_named(real, mask, tmp_path):
    spoilt, other = (
        MapSet(np.where(mask, m.kappa, hidden), 2.0)
        for m, hidden in ((real, np.nan), (maps(1), np.inf))
    )
    evaluation = evaluate_maps(spoilt, other, mask=mask, permutations=99)
    filled = evaluate_maps(
        MapSet(np.where(mask, real.kappa, 7), 2.0), maps(1), mask=mask, permutations=99
    )
    assert evaluation.metrics == filled.metrics
    assert evaluation.comparison.agrees
    assert evaluation.metrics["observed_share"] == pytest.approx(1 - 49 / 1024)
    assert "duplicate_rate" not in evaluation.metrics
    names = [r.name for r in evaluation.comparison.results]
    assert names[:4] == [
        "pixels",
        "power_spectrum",
        "power_spectrum_correlations",
        "power_spectrum_scatter",
    ]
    assert names[4:] == ["peaks", "peaks_correlations", "peaks_scatter", "minima"]
    edges = SummaryStatistics(real.kappa, pixel_arcmin=2.0, mask=mask).ell_edges
    direct = [
        power_spectrum(m.kappa, pixel_arcmin=2.0, ell_edges=edges, mask=mask)[1]
        for m in (spoilt, other)
    ]
    result = evaluation.comparison["power_spectrum"]
    np.testing.assert_array_equal(
        [result.real, result.generated], [power.mean(axis=0) for power in direct]
    )
    write_evaluation(tmp_path, evaluation)
    assert "Wavelet scattering; Search for copies." in (tmp_path / "report.html").read_text()
    summarized = summary(evaluation)
    assert "Wavelet scattering; Search for copies" in " ".join(summarized.split())
    assert max(map(len, summarized.splitlines())) <= 80


def test_a_full_mask_leaves_the_shared_tests_as_they_are(real):
    # The exchanges are the same, so all but the correction for the number of tests is.
    whole, masked = (
        evaluate_maps(real, maps(1), mask=m, permutations=19)
        for m in (None, np.ones((32, 32), bool))
    )
    for result in masked.comparison.results:
        assert (result.distance, result.pvalue) == (
            pytest.approx(whole.comparison[result.name].distance, rel=1e-5),
            whole.comparison[result.name].pvalue,
        )
    for name in (
        "ks_pixels_distance",
        "wasserstein_pixels",
        "wasserstein_peaks",
        "wasserstein_log_power",
    ):
        assert masked.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-5)


def test_masks_that_cannot_be_used_are_refused(real, mask):
    spoilt = np.where(mask, real.kappa, np.nan)
    spoilt[3, 0, 0] = np.nan
    with pytest.raises(ValueError, match="Map 3"):
        evaluate_maps(real, MapSet(spoilt, 2.0), mask=mask)
    with pytest.raises(InputError, match="Map 3: 1 of 1024 pixels are NaN"):
        MapSet(spoilt, 2.0).fingerprint(mask)
    with pytest.raises(InputError, match="is not for maps of"):
        real.fingerprint(mask[1:, 1:])
    one_pixel = np.zeros((32, 32), bool)
    one_pixel[0, 0] = True
    with pytest.raises(InputError, match="nothing to compare"):
        evaluate_maps(real, real, mask=one_pixel)


def test_unusable_sets_are_refused(real):
    with pytest.raises(InputError, match="four maps of each kind"):
        evaluate_maps(real, maps(1, 3))
    with pytest.raises(InputError, match="same side and pixel size"):
        evaluate_maps(real, MapSet(real.kappa, 3.0))
    with pytest.raises(InputError, match="Real and training maps must have the same side"):
        evaluate_maps(real, real, training=MapSet(real.kappa, 3.0))


def test_nulls_do_not_compare_maps_with_themselves(real):
    whole = choose_nulls(real, MapSet(real.kappa.copy(), 2.0), 8, 0)
    assert [len(rows) for rows in whole.sets] == [COUNT / 2, COUNT / 2]
    assert whole.reference is None


def test_nulls_compare_as_many_maps_as_the_distances(real):
    """With training maps: all real maps, and as many training maps as there are generated ones."""
    generated, training = maps(1, 24), maps(2, 100)
    evaluation = evaluate_maps(real, generated, training=training, permutations=9)
    nulls = choose_nulls(real, training, len(generated), 0)
    assert [len(rows) for rows in nulls.sets] == [COUNT, len(generated)]
    pooled = np.concatenate([real.kappa, nulls.reference.kappa])
    first, second = (pooled[rows] for rows in nulls.sets)
    np.testing.assert_array_equal(first, real.kappa)
    error, _ = relative_error(*(power_spectrum(x, pixel_arcmin=2.0)[1] for x in (first, second)))
    assert evaluation.metrics["power_spectrum_error_mean_null"] == pytest.approx(error, rel=1e-12)
    direct = ks_pixels(first, second, permutations=1).distance
    assert evaluation.metrics["ks_pixels_distance_null"] == pytest.approx(direct, rel=1e-12)
    assert "40 real maps and 24 of 96 other real maps" in evaluation.comparison.null_sets
    few = evaluate_maps(real, maps(1), training=maps(2, COUNT - 1), permutations=9)
    assert few.comparison.null_sets == "random halves of the real maps"


def test_training_maps_are_the_nulls_under_a_mask_too(real, mask):
    """Pixels that are not observed are never read, and copies are not searched for."""
    generated, training = maps(1, 24), maps(2, 100)
    blind = MapSet(np.where(mask, training.kappa, np.nan), 2.0)
    evaluation = evaluate_maps(real, generated, training=blind, mask=mask, permutations=9)
    nulls = choose_nulls(real, training, len(generated), 0)
    second = nulls.reference.kappa[nulls.rows_of_reference]
    spectra = (power_spectrum(x, pixel_arcmin=2.0, mask=mask)[1] for x in (real.kappa, second))
    error, _ = relative_error(*spectra)
    assert evaluation.metrics["power_spectrum_error_mean_null"] == pytest.approx(error, rel=1e-9)
    assert "24 of 96 other real maps" in evaluation.comparison.null_sets
    assert "Search for copies" in evaluation.left_out
    assert not any("are training maps too" in line for line in evaluation.warnings)
    masked = MapSet(np.where(mask, real.kappa, np.nan), 2.0)
    assert choose_nulls(masked, MapSet(masked.kappa.copy(), 2.0), 8, 0).reference is None


@pytest.mark.parametrize("masked", [False, True])
def test_real_maps_among_the_training_maps_are_counted(real, mask, masked):
    options = {"mask": mask if masked else None, "permutations": 9}
    training = np.concatenate([maps(2, 60).kappa, real.kappa[[30, 7, 11]]])
    evaluation = evaluate_maps(real, maps(1), training=MapSet(training, 2.0), **options)
    found = [line for line in evaluation.warnings if "are training maps too" in line]
    assert [line.partition(" are")[0] for line in found] == ["real maps: 3 of 40"]
