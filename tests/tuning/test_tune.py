"""`cosmogan tune` from maps to a champion: trials in MLflow, pruned, diverged, gone on with, and beaten."""

import json
from dataclasses import replace

import mlflow
import numpy as np
import optuna
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.config import TuneConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, build_gan, get_preset
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import validation_score
from cosmogan_k3.training import results, setup
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.tuning import champion, objective, trials, tune
from cosmogan_k3.tuning.study import CAUSE, open_study, work

EPOCHS = 4


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def maps():
    return MapSet(
        np.random.default_rng(0).lognormal(sigma=0.3, size=(40, 16, 16)).astype("float32"), 3.0
    )


def config(**options):
    given = {
        "preset": "tiny",
        "data": "maps",
        "trials": 2,
        "epochs": EPOCHS,
        "retrain": 0,
        "quiet": True,
    }
    return TuneConfig(**(given | options))


def run(maps, **options):
    chosen = config(**options)
    return tune.tune(chosen, tune.prepare(chosen), maps)


def scripted(*scores):
    """Trials that train nothing: the n-th has these scores, epoch by epoch, and diverges where they end with None."""
    remaining = iter(scores)

    def epochs_of(self, preset, seeds):
        for score in next(remaining):
            if score is None:
                raise objective.DivergedError("epoch 2: generator_loss is nan")
            yield objective.Epoch(score, dict.fromkeys(objective.PARETO, score))

    return epochs_of


def test_a_study_trains_retrains_and_crowns(maps, monkeypatch):
    original = results.evaluate_maps
    monkeypatch.setattr(
        results,
        "evaluate_maps",
        lambda *a, **k: replace(original(*a, **k, permutations=9), figures={}),
    )
    ranges = "[generator_learning_rate]\nvalues = [1e-3]\n[beta_1]\nvalues = [0.0]\n"  # one step to compile
    tune.Path("ranges.toml").write_text(ranges)
    study = run(maps, retrain=1, epochs=1, ranges="ranges.toml", pruner="none")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    parent = study.user_attrs[tune.PARENT]
    children = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent]
    assert len(runs) == 4
    assert len(children) == 3
    for trial in study.trials:
        (child,) = (r for r in children if r.info.run_id == trial.user_attrs[trials.RUN])
        assert child.data.metrics["best_score"] == trial.value
        assert float(child.data.params["generator_learning_rate"]) == 1e-3
    artifacts = {a.path for a in mlflow.MlflowClient().list_artifacts(parent, "figures")}
    assert {
        "figures/history.png",
        "figures/slices.png",
        "figures/parallel_coordinates.png",
    } <= artifacts
    crowned = Emulator.load("models:/cosmogan@champion")
    kept = json.loads(tune.Path("study/seed-1/metrics.json").read_text())
    splits = setup.split(maps, 0)
    judge = EpochJudge(splits.validation)
    found = validation_score(judge.validation.distances(judge.draw(crowned.gan)))
    assert found == pytest.approx(
        kept["validation_score"], rel=1e-3
    )  # other batches, so other roundings


def test_the_score_is_the_mean_over_seeds_of_the_best_epoch(maps, monkeypatch):
    judged = objective.Objective(setup.split(maps, 0))
    shape = judged.judge.validation.real.shape
    drawn = iter(np.random.default_rng(1).lognormal(sigma=0.5, size=(4, *shape)))
    expected, found = [], []

    class Untrained:
        def __init__(self, preset, objective, seed):
            self.validation = objective.judge.validation

        def train_epoch(self):
            distances = self.validation.distances(next(drawn))
            expected.append(validation_score(distances))
            return distances

    monkeypatch.setattr(objective, "Candidate", Untrained)
    preset = replace(get_preset("tiny"), epochs=2)
    found = [epoch.score for epoch in judged.epochs_of(preset, [0, 1])]
    np.testing.assert_allclose(found, np.mean(np.reshape(expected, (2, 2)), axis=1))


def test_hopeless_trials_are_pruned_and_diverged_ones_recorded(maps, monkeypatch):
    good, bad = [0.9, 0.8, 0.5, 0.6], [2.0, 2.0, 2.0, 2.0]
    monkeypatch.setattr(objective.Objective, "epochs_of", scripted(good, bad, [0.9, None], good))
    study = run(maps, trials=4)
    assert [trial.state.name for trial in study.trials] == [
        "COMPLETE",
        "PRUNED",
        "FAIL",
        "COMPLETE",
    ]
    assert study.best_value == 0.5
    assert study.trials[1].user_attrs["epochs"] < EPOCHS
    assert study.trials[2].user_attrs[CAUSE] == "epoch 2: generator_loss is nan"
    outcome = [
        mlflow.get_run(trial.user_attrs[trials.RUN]).data.tags["outcome"] for trial in study.trials
    ]
    assert outcome[0] == "complete"
    assert "pruned after epoch" in outcome[1]
    assert "nan" in outcome[2]


def test_a_study_goes_on_with_the_same_settings_only(maps, monkeypatch):
    monkeypatch.setattr(objective.Objective, "epochs_of", scripted(*[[1.0]] * 3))
    run(maps, trials=2)
    study = run(maps, trials=3)
    assert len(study.trials) == 3
    with pytest.raises(InputError, match=r"begun with other settings \(repeats\)"):
        run(maps, trials=3, repeats=2)


def test_one_worker_and_one_seed_make_one_study(maps, monkeypatch):
    monkeypatch.setattr(objective.Objective, "epochs_of", scripted(*[[1.0]] * 6))
    first, second = (run(maps, trials=3, storage=f"sqlite:///{name}.db") for name in "ab")
    assert [trial.params for trial in first.trials] == [trial.params for trial in second.trials]
    assert len({str(trial.params) for trial in first.trials}) == 3


def test_objectives_are_weighed_against_each_other(maps, monkeypatch):
    def epochs_of(self, preset, seeds):
        scores = next(values)
        yield objective.Epoch(sum(scores), dict(zip(objective.PARETO, scores, strict=True)))

    values = iter([(1.0, 3.0, 1.0), (3.0, 1.0, 1.0), (2.0, 0.5, 0.2), (4.0, 4.0, 4.0)])
    monkeypatch.setattr(objective.Objective, "epochs_of", epochs_of)
    study = run(maps, trials=4, objective="pareto", sampler="nsga")
    assert sorted(trial.number for trial in study.best_trials) == [0, 2]
    assert champion.best_trial(study).number == 2
    assert tune.Path("study/pareto_front.png").stat().st_size > 5000


def test_an_interrupted_trial_makes_room_for_another(monkeypatch):
    study = open_study(config(storage="sqlite:///study.db"), {"epochs": 1}, single_worker=True)

    def interrupted(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(study, 2, interrupted)
    work(study, 2, lambda trial: trial.suggest_float("x", 0.0, 1.0))
    states = [trial.state for trial in study.trials]
    assert states == [optuna.trial.TrialState.FAIL, *[optuna.trial.TrialState.COMPLETE] * 2]


def test_the_champion_stays_unless_beaten(maps):
    splits = setup.split(maps, 0)
    gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    present = champion._score(gan, splits)
    with tune.runs.training_run("study", {}):
        assert "there was none before" in champion.promote(
            config(), [(Emulator(gan), {"validation_score": 9.0})], splits
        )
        worse = champion.promote(config(), [(Emulator(gan), {"validation_score": present})], splits)
        better = champion.promote(
            config(), [(Emulator(gan), {"validation_score": present - 0.1})], splits
        )
        smaller = MapSet(maps.kappa[:, :8, :8], 3.0)
        other = champion.promote(
            config(), [(Emulator(gan), {"validation_score": 0.0})], setup.split(smaller, 0)
        )
    assert worse.startswith("Not registered")
    assert f"{present:.4f}" in worse
    assert better.startswith("cosmogan version 2 is the champion")
    assert "draws other maps" in other


def test_a_conditional_study_tells_its_candidates_the_parameters(maps, monkeypatch):
    """A trial draws validation maps for their own parameters; its champion is compared on the same."""
    told = MapSet(maps.kappa, 3.0, parameters={"sigma_8": np.linspace(0.6, 1.0, len(maps))})
    splits = setup.split(told, 0)
    chosen = config(condition="sigma_8", epochs=1)
    judged = objective.Objective(splits, *setup.conditioning_of(chosen, splits.train, told))
    candidate = objective.Candidate(replace(get_preset("tiny"), epochs=1), judged, 0)
    given = Sampler(candidate.gan).parameters_of(splits.validation)
    np.testing.assert_array_equal(given["sigma_8"], splits.validation.parameters["sigma_8"])
    assert np.isfinite(validation_score(candidate.train_epoch()))
    assert champion._score(candidate.gan, splits) == pytest.approx(
        validation_score(
            judged.judge.validation.distances(Sampler(candidate.gan).sample(4, parameters=given))
        )
    )
    assert (
        champion._score(candidate.gan, setup.split(maps, 0)) is None
    )  # maps that carry no parameters
    monkeypatch.setattr(objective.Objective, "epochs_of", scripted([1.0]))
    assert len(run(told, condition="sigma_8", trials=1).trials) == 1
    with pytest.raises(InputError, match=r"begun with other settings \(condition\)"):
        run(told, trials=2)
    with pytest.raises(InputError, match="only fully convolutional presets"):
        tune.prepare(config(condition="sigma_8", preset="dcgan"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--storage", "study.db"], "study.db: no study can be kept there"),
        (["--storage", "sqlite:////nowhere/at/all.db"], "no study can be kept there"),
        (["--ranges", "nowhere.toml"], "nowhere.toml: not a readable file of ranges"),
        (["--preset", "nothing"], "Unknown preset"),
        (["--trials", "0"], "must be at least 1"),
        (["--data", "nowhere.npz"], "nowhere.npz"),
    ],
)
def test_bad_input_ends_in_one_line(capsys, options, message):
    try:
        code = cli.main(["tune", "--preset", "tiny", *options])
    except SystemExit as error:  # of argparse
        code = error.code
    assert code == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert message in said[-1]
