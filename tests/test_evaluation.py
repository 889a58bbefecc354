"""Both sets of maps to metrics, figures and files."""

import csv
import json

import numpy as np
import pytest

from cosmogan_k3.data import MapSet
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation import evaluate_maps, write_evaluation

COUNT = 40


def maps(seed, n=COUNT):
    return MapSet(np.random.default_rng(seed).lognormal(size=(n, 32, 32)).astype("float32"), 2.0)


@pytest.fixture(scope="module")
def real():
    return maps(0)


def test_maps_of_one_kind_agree_and_every_file_is_written(real, tmp_path):
    evaluation = evaluate_maps(real, maps(1), training=maps(2, 100), permutations=99)
    assert evaluation.comparison.agrees
    assert evaluation.metrics["duplicate_rate"] == 0
    assert evaluation.metrics["effective_share"] > 0.9
    assert evaluation.metrics["memorisation_pvalue"] > 0.01
    assert evaluation.metrics["correlation_distance"] < 2 * evaluation.metrics["correlation_distance_null"]
    write_evaluation(tmp_path, evaluation, provenance={"seed": 7})
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"report.html", "metrics.json", "statistics.csv"} | {
        f"{name}.{ending}" for name in evaluation.figures for ending in ("png", "pdf")
    }
    assert json.loads((tmp_path / "metrics.json").read_text())["seed"] == 7
    with (tmp_path / "statistics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["statistic"] for row in rows] == [result.name for result in evaluation.comparison.results]
    assert float(rows[0]["distance"]) == evaluation.comparison.results[0].distance
    assert (tmp_path / "peaks.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "report.html").read_text().count("data:image/png") == len(evaluation.figures)


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
    evaluation = evaluate_maps(real, MapSet(np.zeros((COUNT, 32, 32), "float32"), 2.0), permutations=99)
    assert not evaluation.comparison.agrees
    assert evaluation.metrics["constant_share"] == 1


def test_unusable_sets_are_refused(real):
    with pytest.raises(InputError, match="four maps of each kind"):
        evaluate_maps(real, maps(1, 3))
    with pytest.raises(InputError, match="same side and pixel size"):
        evaluate_maps(real, MapSet(real.kappa, 3.0))
