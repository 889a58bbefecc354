"""Samplers and importances do not depend on the defaults of Optuna's version."""

import importlib.util

import numpy as np
import optuna
import pytest
from matplotlib import pyplot as plt

from cosmogan_k3.errors import InputError
from cosmogan_k3.tuning import plots, samplers, tune
from cosmogan_k3.tuning.storage import open_storage
from cosmogan_k3.tuning.study import open_study
from tests.tuning.small_study import config

# 1,000 x of trials 10 to 13, with Optuna 4.9.0 and with 5.0.0. The first ten are random.
EXPECTED = {
    "tpe": [2.203671, 0.665508, 0.810963, 0.561034],
    "nsga": [2.807146, 3.624871, 0.170499, 2.136058],
    "random": [2.807146, 3.624871, 0.170499, 2.136058],
}


def objective(trial):
    loss = trial.suggest_categorical("loss", ["a", "b"])
    x = trial.suggest_float("x", 1e-4, 1e-2, log=True)
    margin = trial.suggest_float("m", 0.25, 4.0) if loss == "a" else 1.0
    return abs(x - 1e-3) * 100 + margin


def study_of(sampler, trials=14):
    study = optuna.create_study(sampler=samplers.make_sampler(config(sampler=sampler), [0, 0]))
    study.optimize(objective, n_trials=trials)
    return study


@pytest.mark.parametrize("sampler", EXPECTED)
def test_a_study_is_the_same_with_each_version_of_optuna(sampler):
    found = [1000 * trial.params["x"] for trial in study_of(sampler).trials[10:]]
    assert found == pytest.approx(EXPECTED[sampler], abs=1e-6)  # as many digits are quoted


def test_gaussian_processes_search_beside_the_best_values():
    pytest.importorskip("torch")
    study = study_of("gp", 13)
    found = [trial.params["x"] for trial in study.trials[10:]]
    assert all(3e-4 < x < 3e-3 for x in found), "the middle half of the decades: 1e-3 is best"


def test_gaussian_processes_without_pytorch_are_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install torch") as caught:
        tune.prepare(config(sampler="gp"))
    assert caught.value.parameter == "sampler"


def test_the_figure_of_importances_shows_the_numbers_that_are_logged(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(plots, "_save", lambda axes, path: drawn.update({path.stem: axes[0]}))
    study = study_of("random", 20)
    plots.draw(study, tmp_path)
    bars = [bar.get_width() for bar in drawn["importances"].patches]
    assert sorted(bars) == pytest.approx(sorted(plots.importances(study).values()))
    assert len(bars) == 2  # loss and x; not every trial has m
    assert np.sum(bars) == pytest.approx(1.0)
    plt.close("all")


@pytest.mark.parametrize(("objective", "count"), [("score", 1), ("pareto", 3)])
def test_the_values_of_a_study_have_names_also_if_an_earlier_version_began_it(
    tmp_path, objective, count
):
    url = f"journal:///{tmp_path}/study.journal"
    earlier = open_storage(url, heartbeat=30)
    optuna.create_study(study_name="cosmogan", storage=earlier, directions=["minimize"] * count)
    chosen = config(storage=url, objective=objective)
    study = open_study(chosen, {"epochs": 1}, single_worker=True)
    assert len(study.metric_names) == count
    assert study.metric_names[0] in ("score", "power_spectrum_error_mean")
