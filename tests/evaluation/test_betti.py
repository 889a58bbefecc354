"""Betti curves beside the sixteen tests: what they add, and that they change nothing else."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.files import write_evaluation
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import betti_features, compare_features
from tests.harness import run_command
from tests.statistics.gaussian_maps import gaussian_maps


@pytest.fixture(scope="module")
def sets():
    """Real maps; a Gaussian field made sparse, whose components are fewer; and maps to learn."""
    rng = np.random.default_rng(0)
    real, other, training = (0.02 * gaussian_maps(rng, n, 24, 1.5) for n in (12, 12, 14))
    return [MapSet(m.astype("float32"), 2.0) for m in (real, np.abs(other), training)]


def test_they_add_two_rows_and_change_no_other(sets, tmp_path):
    real, generated, training = sets
    off, on = (
        evaluate_maps(real, generated, training=training, betti=betti, permutations=99)
        for betti in (False, True)
    )
    added = on.comparison.table()[len(off.comparison.table()) :]
    assert on.comparison.table() == off.comparison.table() + added
    assert [row["statistic"] for row in added] == ["betti_0", "betti_1"]
    assert on.comparison["betti_0"].differs
    assert {name: on.metrics[name] for name in off.metrics} == off.metrics
    names = {f"{of}_betti_{k}" for of in ("pvalue", "in_nulls") for k in (0, 1)}
    assert on.metrics.keys() - off.metrics.keys() == names
    assert on.figures.keys() - off.figures.keys() == {"betti_0", "betti_1"}
    curve = on.figures["betti_0"].axes[0]
    assert (curve.get_ylabel(), len(curve.lines)) == ("β₀(κ), components per map", 2)
    # Of all figures, write one: each takes a second.
    write_evaluation(tmp_path, replace(on, figures={"betti_0": on.figures["betti_0"]}))
    report = (tmp_path / "report.html").read_text()
    assert report.count("Betti curve β₀ (components) <span") == 1  # one panel
    assert report.count("data:image/svg+xml") == 1


def test_they_are_tested_as_compare_features_tests_them(sets):
    real, generated, training = sets
    found = evaluate_maps(
        real, generated, training=training, start=training.take(np.arange(12)), betti=True
    ).comparison
    assert found.overall[0].name == "joint"
    measured = [betti_features(maps.kappa[:], found["betti_0"].axis) for maps in sets[:2]]
    expected = compare_features(*measured)
    for result in expected.results:
        assert found[result.name].pvalue == result.pvalue
        assert found[result.name].corrected_pvalue == result.corrected_pvalue
        np.testing.assert_array_equal(found[result.name].generated, result.generated)
        assert found[result.name].null_median > 0
        # Maps that were learned from are of the real kind.
        assert found[result.name].start_in_nulls < found[result.name].in_nulls


def test_masks_and_missing_gudhi_are_refused_before_any_work(sets, capsys, tmp_path, monkeypatch):
    real, generated, _ = sets
    with pytest.raises(InputError, match="need whole maps") as caught:
        evaluate_maps(real, generated, betti=True, mask=np.ones((24, 24), bool))
    assert caught.value.parameter == "mask, betti"
    monkeypatch.setitem(sys.modules, "gudhi", None)
    for name, maps in (("real", real), ("generated", generated)):
        np.save(tmp_path / f"{name}.npy", maps.kappa[:])
    sources = [f"--{n}={tmp_path / n}.npy" for n in ("real", "generated")]
    command = ("evaluate", *sources, "--pixel-arcmin", "2", "--out", tmp_path / "out", "--betti")
    code, _, error = run_command(capsys, *command)
    assert code == 2
    assert error.count("\n") == 1
    assert "--betti" in error
    assert "pip install 'cosmogan_k3[topology]'" in error
    assert not (tmp_path / "out" / "report.html").exists()


@pytest.mark.backend
def test_a_training_needs_gudhi_before_it_starts(tmp_path, monkeypatch):
    from cosmogan_k3.training.setup import prepare

    config = TrainConfig(preset="tiny", out=str(tmp_path / "run"), tracking="off", betti=1)
    assert prepare(config).batch_size
    monkeypatch.setitem(sys.modules, "gudhi", None)
    with pytest.raises(InputError, match="topology"):
        prepare(config)
