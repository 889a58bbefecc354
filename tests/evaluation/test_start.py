"""Distances of the maps that a generator drew before its training."""

import csv

import numpy as np
import pytest

from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.files import write_evaluation
from cosmogan_k3.evaluation.report import markdown_summary
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import compare


def maps(seed, n=40, sigma=1.0):
    rng = np.random.default_rng(seed)
    return MapSet(rng.lognormal(sigma=sigma, size=(n, 32, 32)).astype("float32"), 2.0)


@pytest.fixture(scope="module")
def evaluation():
    return evaluate_maps(
        maps(0), maps(1), training=maps(2, 100), start=maps(3, sigma=0.8), permutations=9
    )


def test_they_are_those_of_a_comparison_with_these_maps(evaluation):
    direct = compare(maps(0).kappa, maps(3, sigma=0.8).kappa, pixel_arcmin=2.0, permutations=1)
    for result, other in zip(evaluation.comparison.tests, direct.tests, strict=True):
        assert result.start == pytest.approx(other.distance, rel=1e-9)
        null = np.median(result.null)
        assert evaluation.metrics[f"in_nulls_{result.name}"] == result.distance / null
        assert evaluation.metrics[f"start_in_nulls_{result.name}"] == result.start / null
    assert evaluation.metrics["start_in_nulls_pixels"] > 5 > evaluation.metrics["in_nulls_pixels"]


def test_report_table_and_figure_have_them(evaluation, tmp_path):
    write_evaluation(tmp_path, evaluation)
    with (tmp_path / "statistics.csv").open() as file:
        rows = list(csv.DictReader(file))
    starts = [result.start for result in evaluation.comparison.tests]
    assert [float(row["start_distance"]) for row in rows] == pytest.approx(starts)
    assert "before training" in (tmp_path / "report.html").read_text()
    assert "| before training |" in markdown_summary(evaluation.comparison, evaluation.metrics)
    axis, results = evaluation.figures["distances"].axes[0], evaluation.comparison.results
    bars = axis.patches[len(results) :]  # after the bands of the nulls
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    np.testing.assert_allclose(ends, [(r.start_in_nulls, r.in_nulls) for r in results])
    marks = {y: x for line in axis.lines[-2:] for x, y in zip(*line.get_data(), strict=True)}
    assert [marks[row] for row in range(len(results))] == [r.in_nulls for r in results]


def test_without_them_nothing_is_said_of_a_start(tmp_path):
    write_evaluation(tmp_path, evaluate_maps(maps(0), maps(1), permutations=9))
    assert "before training" not in (tmp_path / "report.html").read_text()
    assert "start" not in (tmp_path / "statistics.csv").read_text()
