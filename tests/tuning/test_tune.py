"""The command ``cosmogan tune``, from maps to a champion, and studies that are resumed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import mlflow
import numpy as np
import optuna
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.cli.endings import study_written
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.files import RESULTS
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import validation_score
from cosmogan_k3.training import results, setup
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.tuning import artifacts, champion, tune
from cosmogan_k3.tuning.objective import PARETO, Epoch, Objective
from cosmogan_k3.tuning.ranges import Range
from cosmogan_k3.tuning.study import CAUSE
from cosmogan_k3.tuning.tables import read_tables
from cosmogan_k3.tuning.trials import RUN
from tests.tuning.small_study import EPOCHS, config, run_study, scripted

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def study_of_two_trials(store, maps, monkeypatch):
    """A study that trained two candidates, retrained the better one and registered it."""
    original = results.evaluate_maps

    def evaluate(*arguments, **options):
        return replace(original(*arguments, **options, permutations=9), figures={})

    monkeypatch.setattr(results, "evaluate_maps", evaluate)
    # Single values: there is one training step to compile.
    ranges = "[generator_learning_rate]\nvalues = [1e-3]\n[beta_1]\nvalues = [0.0]\n"
    Path("ranges.toml").write_text(ranges)
    return run_study(maps, retrain=1, epochs=1, ranges="ranges.toml", pruner="none")


@pytest.mark.every_backend
def test_a_study_logs_its_trials_retrains_the_best_and_registers_it(maps, study_of_two_trials):
    study = study_of_two_trials
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    parent = study.user_attrs[tune.PARENT]
    children = {
        run.info.run_id: run.data
        for run in runs
        if run.data.tags.get("mlflow.parentRunId") == parent
    }
    assert len(runs) == 4
    assert len(children) == 3
    for trial in study.trials:
        child = children[trial.user_attrs[RUN]]
        assert child.metrics["by_epoch/best_score"] == trial.value
        assert float(child.params["generator_learning_rate"]) == 1e-3
    figures = {a.path for a in mlflow.MlflowClient().list_artifacts(parent, "results/figures")}
    names = ("history", "slices", "parallel_coordinates")
    assert figures >= {f"results/figures/{name}.png" for name in names}
    kept = optuna.artifacts.get_all_artifact_meta(study)
    stored = {each.filename: Path("study/artifacts", each.artifact_id) for each in kept}
    assert set(stored) == {"model.keras", *RESULTS}
    for name, path in stored.items():
        assert path.read_bytes() == Path("study/seed-1", name).read_bytes()
    assert artifacts.keep(study, "study", [Path("study/seed-1/model.keras")]) == []
    used = mlflow.get_run(parent).inputs.dataset_inputs
    assert [each.tags[0].value for each in used] == ["training", "validation", "test"]
    version = mlflow.MlflowClient().get_model_version_by_alias("cosmogan", "champion")
    assert version.tags["study"] == "cosmogan"
    assert "Retrained on 1 seeds" in version.description
    registered = Emulator.load("models:/cosmogan@champion")
    metrics = json.loads(Path("study/seed-1/metrics.json").read_text())
    judge = EpochJudge(setup.split(maps, 0).validation)
    found = validation_score(judge.validation.distances(judge.draw(registered.gan)))
    # Other batch sizes round differently.
    assert found == pytest.approx(metrics["validation_score"], rel=1e-3)


def test_a_study_says_what_it_does_while_it_runs_without_a_terminal(maps, monkeypatch, capsys):
    good, bad = [0.9, 0.8, 0.5, 0.6], [2.0, 2.0, 2.0, 2.0]
    monkeypatch.setattr(Objective, "epochs_of", scripted(good, bad, [0.9, None], [-0.1] * 4))
    run_study(maps, trials=4, quiet=False)
    shown = capsys.readouterr().out
    assert "study 'cosmogan': 4 trials (0 done) of up to 4 epochs on 28 maps" in shown
    lines = [line for line in shown.splitlines() if line.startswith("trial ")]
    assert lines == [
        "trial 1 of 4: score 0.5 after 4 epochs; best so far: trial 1, score 0.5",
        "trial 2 of 4: pruned after epoch 1, score 2; best so far: trial 1, score 0.5",
        "trial 3 of 4: failed (epoch 2: generator_loss is nan); best so far: trial 1, score 0.5",
        "trial 4 of 4: score -0.1 after 4 epochs; best so far: trial 4, score -0.1",
    ]
    assert "A score of 0 or less" in shown
    assert "Best: trial 4 (3 in Optuna), score -0.1; loss" in shown


def test_a_file_of_ranges_is_read_once():
    Path("ranges.toml").write_text("[beta_1]\nlow = 0.0\nhigh = 0.5\n[[enqueue]]\nbeta_1 = 0.125\n")
    tables = read_tables("ranges.toml")
    Path("ranges.toml").unlink()
    plan = tune.prepare(config(ranges="ranges.toml"), tables=tables)
    assert plan.ranges == (Range("beta_1", 0.0, 0.5),)
    assert plan.enqueued == ({"beta_1": 0.125},)


def test_a_study_says_where_to_look():
    study = optuna.create_study()
    assert champion.winner_of(study) is None
    study.set_user_attr(champion.WINNER, "my study/seed-1/model.keras")
    options = config(out="my study", storage="journal:///trials.log", tracking="off")
    assert study_written(options, champion.winner_of(study)) == {
        "study": "optuna-dashboard trials.log --artifact-dir 'my study/artifacts'",
        "next": "",
        "figures": "",
        "model": "my study/seed-1/model.keras",
        "report": "my study/seed-1/report.html",
        "maps": (
            "cosmogan generate --model 'my study/seed-1/model.keras' --maps 1000 --out new.npz"
        ),
        "MLflow": "",
    }
    worker = study_written(replace(options, finish=0, tracking="buffered"), None)
    assert "--finish 1" in worker["next"]
    assert worker["MLflow"].startswith("mlflow ui --backend-store-uri sqlite:///")


def test_values_in_the_queue_are_tried_first_and_once(maps, monkeypatch):
    monkeypatch.setattr(Objective, "epochs_of", scripted(*[[1.0]] * 3))
    text = "[beta_1]\nlow = 0.0\nhigh = 0.5\n[[enqueue]]\nbeta_1 = 0.125\n"
    Path("ranges.toml").write_text(text)
    for trials in (2, 3):
        study = run_study(maps, trials=trials, ranges="ranges.toml")
    values = [trial.params["beta_1"] for trial in study.trials]
    assert values[0] == 0.125
    assert len(set(values)) == 3


def pixel_scatter(real, generated):
    """An objective of a user: the error of the standard deviation of κ."""
    return abs(np.std(generated) / np.std(real) - 1)


def test_a_study_has_the_objective_and_the_ranges_of_a_user(maps, monkeypatch):
    drawn = iter([1.5, 1.25])
    judge = EpochJudge(setup.split(maps, 0).validation)
    monkeypatch.setattr(EpochJudge, "draw", lambda self, gan: next(drawn) * judge.validation.real)
    monkeypatch.setattr("cosmogan_k3.gan.GAN.fit", lambda *_, **options: History())
    monkeypatch.setattr("cosmogan_k3.training.epoch_judge.diagnose", lambda *_: None)
    chosen = config(trials=2, epochs=1, pruner="none")
    plan = tune.prepare(
        chosen,
        ranges=[Range("beta_1", 0.0, 0.5)],
        enqueue=[{"beta_1": 0.25}],
        objective=pixel_scatter,
    )
    study = tune.tune(chosen, plan, maps)
    assert study.metric_names == ["pixel_scatter"]
    assert [trial.value for trial in study.trials] == pytest.approx([0.5, 0.25], rel=1e-5)
    assert study.trials[0].params == {"beta_1": 0.25}
    with pytest.raises(InputError, match=r"other settings \(objective, ranges\)"):
        run_study(maps, epochs=1, pruner="none")


class History:
    """What a training that does nothing returns."""

    history: ClassVar = {}


@pytest.mark.parametrize(
    ("options", "named"), [({"workers": 2}, "workers"), ({"objective": "pareto"}, "objective")]
)
def test_an_objective_of_a_user_needs_one_process_and_stands_alone(options, named):
    with pytest.raises(InputError) as caught:
        tune.prepare(config(**options), objective=pixel_scatter)
    assert caught.value.parameter == named


def test_poor_trials_are_pruned_and_diverged_ones_recorded(maps, monkeypatch):
    good, bad = [0.9, 0.8, 0.5, 0.6], [2.0, 2.0, 2.0, 2.0]
    monkeypatch.setattr(Objective, "epochs_of", scripted(good, bad, [0.9, None], good))
    study = run_study(maps, trials=4)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED", "FAIL", "COMPLETE"]
    assert study.best_value == 0.5
    assert study.trials[1].user_attrs["epochs"] < EPOCHS
    assert study.trials[2].user_attrs[CAUSE] == "epoch 2: generator_loss is nan"
    runs = [mlflow.get_run(trial.user_attrs[RUN]) for trial in study.trials]
    complete, pruned, diverged, _ = (run.data.tags["outcome"] for run in runs)
    assert complete == "complete"
    assert "pruned after epoch" in pruned
    assert "nan" in diverged


def test_a_study_is_resumed_with_the_same_settings_only(maps, monkeypatch):
    monkeypatch.setattr(Objective, "epochs_of", scripted(*[[1.0]] * 3))
    run_study(maps, trials=2)
    assert len(run_study(maps, trials=3).trials) == 3
    with pytest.raises(InputError, match=r"begun with other settings \(repeats\)"):
        run_study(maps, trials=3, repeats=2)


def test_a_study_of_one_worker_depends_on_the_seed_alone(maps, monkeypatch):
    monkeypatch.setattr(Objective, "epochs_of", scripted(*[[1.0]] * 6))
    first, second = (run_study(maps, trials=3, storage=f"sqlite:///{name}.db") for name in "ab")
    assert [trial.params for trial in first.trials] == [trial.params for trial in second.trials]
    assert len({str(trial.params) for trial in first.trials}) == 3


def test_a_study_of_several_objectives_finds_the_pareto_front(maps, monkeypatch):
    values = iter([(1.0, 3.0, 1.0), (3.0, 1.0, 1.0), (2.0, 0.5, 0.2), (4.0, 4.0, 4.0)])

    def epochs_of(self, preset, seeds):
        distances = next(values)
        yield Epoch(sum(distances), dict(zip(PARETO, distances, strict=True)))

    monkeypatch.setattr(Objective, "epochs_of", epochs_of)
    study = run_study(maps, trials=4, objective="pareto", sampler="nsga")
    assert sorted(trial.number for trial in study.best_trials) == [0, 2]
    assert champion.best_trial(study).number == 2
    assert Path("study/pareto_front.png").stat().st_size > 5000


def test_a_conditional_study_is_resumed_with_the_same_parameters_only(maps, monkeypatch):
    sigma_8 = np.linspace(0.6, 1.0, len(maps))
    conditional = MapSet(maps.kappa, 3.0, parameters={"sigma_8": sigma_8})
    monkeypatch.setattr(Objective, "epochs_of", scripted([1.0]))
    assert len(run_study(conditional, condition="sigma_8", trials=1).trials) == 1
    with pytest.raises(InputError, match=r"begun with other settings \(condition\)"):
        run_study(conditional, trials=2)


def test_presets_that_cannot_be_conditional_are_refused():
    with pytest.raises(InputError, match="only fully convolutional presets"):
        tune.prepare(config(condition="sigma_8", preset="dcgan"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--storage", "study.db"], "study.db: no study can be kept there"),
        (["--storage", "sqlite:////nowhere/at/all.db"], "no study can be kept there"),
        (["--ranges", "nowhere.toml"], "nowhere.toml: not a readable file of ranges"),
        (["--preset", "nothing"], "argument --preset: expected one of"),
        (["--trials", "0"], "must be at least 1"),
        (["--data", "nowhere.npz"], "nowhere.npz"),
    ],
)
def test_bad_input_is_reported_in_one_line(capsys, options, message):
    try:
        code = cli.main(["tune", "--preset", "tiny", *options])
    except SystemExit as stop:  # of argparse
        code = stop.code
    assert code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]
