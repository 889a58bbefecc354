"""MLflow runs: new, resumed and nested ones, and what is logged to them."""

import contextlib
import json

import mlflow
import numpy as np
import pytest

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import get_preset
from cosmogan_k3.maps import MapSet, split_by_map
from cosmogan_k3.tracking import runs
from cosmogan_k3.tracking.datasets import describe_sets
from cosmogan_k3.tracking.system import SystemMonitor

pytestmark = pytest.mark.backend


def test_a_run_is_resumed_and_logs_only_parameters_that_it_lacks():
    with runs.training_run("first", {"seed": 1}) as run:
        number = run.run_id
    with runs.training_run("again", {"seed": 2, "epochs": 3}, run_id=number) as resumed:
        assert resumed.run_id == number
    # ``mlflow run`` logs what a command was given, before the command knows what it means.
    expected = {"seed": "1", "epochs": "3", "effective.seed": "2"}
    assert mlflow.get_run(number).data.params == expected


def test_the_run_of_an_interrupted_process_is_killed():
    for error in (KeyboardInterrupt, SystemExit):
        with contextlib.suppress(error), runs.training_run("interrupted", {}) as run:
            raise error
        assert mlflow.get_run(run.run_id).info.status == "KILLED"


def test_epochs_that_a_run_lacks_are_logged_once():
    epochs = [{"loss": 0.3}, {"loss": 0.2}, {"loss": 0.1}]
    with runs.training_run("run", {}) as run:
        runs.log_epoch(epochs[0], 1)
        for _ in range(2):
            runs.log_missing_epochs(epochs)
    history = mlflow.MlflowClient().get_metric_history(run.run_id, "by_epoch/loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.3), (2, 0.2), (3, 0.1)]


def test_a_deleted_run_is_replaced_by_a_new_one():
    with runs.training_run("first", {}) as run:
        number = run.run_id
    mlflow.delete_run(number)
    with runs.training_run("second", {}, run_id=number) as replacement:
        assert replacement.run_id != number


def test_a_run_inside_a_run_is_its_child():
    with runs.training_run("study", {}) as parent, runs.training_run("trial", {}) as child:
        tags = mlflow.get_run(child.run_id).data.tags
    assert tags["mlflow.parentRunId"] == parent.run_id


def test_a_run_records_versions_and_machine():
    with runs.training_run("run", {}) as run:
        pass
    tags = mlflow.get_run(run.run_id).data.tags
    assert tags["version.mlflow"] == mlflow.__version__
    assert {"cosmogan_k3", "python", "machine", "version.numpy"} <= set(tags)


def test_the_run_of_a_killed_process_is_marked():
    with runs.training_run("lost", {}) as run:
        runs.end_lost_run(run.run_id)
        assert mlflow.get_run(run.run_id).info.status == "KILLED"
    runs.end_lost_run("no such run")


def test_evidence_is_metrics_files_and_a_description(tmp_path):
    figure, table = tmp_path / "one.png", tmp_path / "metrics.json"
    figure.write_bytes(b"")
    table.write_text(json.dumps({}))
    with runs.training_run("run", {}) as run:
        numbers = {"a": 1, "a_null": 2, "validation_score": 3, "last_epoch": 4, "b": "text"}
        runs.log_evidence(numbers, [figure, table], description="**found**")
        runs.log_epoch({"loss": 0.5}, 3)
    found = mlflow.get_run(run.run_id).data
    load = {name for name in found.metrics if name.startswith("system/")}
    assert "system/cpu_utilization_percentage" in load
    assert {name: found.metrics[name] for name in found.metrics.keys() - load} == {
        **{"test/a": 1.0, "null/a": 2.0, "validation/score": 3.0, "training/last_epoch": 4.0},
        "by_epoch/loss": 0.5,
    }
    assert found.tags["mlflow.note.content"] == "**found**"
    client = mlflow.MlflowClient()
    (epoch,) = client.get_metric_history(run.run_id, "by_epoch/loss")
    assert epoch.step == 3
    artifacts = {file.path for file in client.list_artifacts(run.run_id, "results")}
    assert artifacts == {"results/figures", "results/metrics.json"}


def small_sets():
    maps = MapSet(np.zeros((20, 8, 8), "float32"), 2.0)
    made = {"data": "sky/maps.h5", "data_fingerprint": maps.fingerprint()}
    return describe_sets(split_by_map(maps, seed=1), made)


def test_a_run_lists_its_sets_of_maps_with_source_schema_and_digest():
    sets = small_sets()
    with runs.training_run("run", {}) as run:
        for _ in range(2):  # as a resumed training does
            runs.log_sets(sets)
    found = mlflow.get_run(run.run_id).inputs.dataset_inputs
    assert [each.tags[0].value for each in found] == ["training", "validation", "test"]
    assert len({each.dataset.digest for each in found}) == 3
    for each in found:
        assert each.dataset.name == "maps.h5"
        assert mlflow.data.get_source(each).uri.endswith("/sky/maps.h5")
        schema = json.loads(each.dataset.schema)["mlflow_tensorspec"]["features"]
        assert json.loads(schema)[0]["tensor-spec"]["shape"] == [-1, 8, 8]
    counts = [json.loads(each.dataset.profile)["num_rows"] for each in found]
    assert counts == [15, 2, 3]


def test_simulated_maps_name_their_settings():
    maps = MapSet(np.zeros((20, 8, 8), "float32"), 2.0)
    made = {"data": "", "data_fingerprint": "0", "simulation.method": "nbody"}
    (first, *_) = describe_sets(split_by_map(maps), made)
    assert first["name"] == "nbody"
    assert json.loads(first["source"]) == {"tags": {"simulation.method": "nbody"}}


def test_metrics_are_linked_to_the_model_and_to_its_sets():
    with runs.training_run("run", {}) as run:
        runs.log_sets(small_sets())
        model = mlflow.MlflowClient().create_logged_model("0", "model", run.run_id)
        numbers = {"peaks": 1.0, "validation_score": 2.0, "last_epoch": 3}
        runs.log_evidence(numbers, [], model_id=model.model_id)
    (_, held_out, test) = small_sets()
    logged = mlflow.MlflowClient().get_logged_model(model.model_id).metrics
    found = {metric.key: metric.dataset_digest for metric in logged}
    assert found == {"test/peaks": test["digest"], "validation/score": held_out["digest"]}


def test_runs_stand_in_the_experiment_that_mlflow_run_would_choose(monkeypatch):
    with runs.training_run("plain", {}) as plain:
        pass
    client = mlflow.MlflowClient()
    experiment = client.get_experiment(mlflow.get_run(plain.run_id).info.experiment_id)
    assert experiment.name == "Default"
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", client.create_experiment("chosen"))
    with runs.training_run("chosen", {}) as chosen, runs.training_run("trial", {}) as child:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "named")
        with runs.training_run("elsewhere", {}, parent=chosen.run_id) as other:
            pass
    for run in (chosen, child, other):
        number = mlflow.get_run(run.run_id).info.experiment_id
        assert client.get_experiment(number).name == "chosen"
    with runs.training_run("named", {}) as named:
        number = mlflow.get_run(named.run_id).info.experiment_id
        assert client.get_experiment(number).name == "named"


@pytest.mark.parametrize(("given", "shown"), [("bold-cow-12", "quick-jax"), ("mine", "mine")])
def test_a_run_of_mlflow_run_gets_a_name_unless_the_user_chose_one(monkeypatch, given, shown):
    begun = mlflow.MlflowClient().create_run("0", run_name=given)
    monkeypatch.setenv("MLFLOW_RUN_ID", begun.info.run_id)
    with runs.training_run("quick-jax", {}) as run:
        assert run.run_id == begun.info.run_id
    assert mlflow.get_run(run.run_id).info.run_name == shown


def test_the_load_of_the_machine_is_measured_unless_it_is_switched_off(monkeypatch):
    monitor = SystemMonitor()
    with monitor.sampling(seconds=0.01):
        found = monitor.averages()
    assert 0 <= found["system/cpu_utilization_percentage"] <= 100
    assert 0 < found["system/system_memory_usage_percentage"] <= 100
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
    assert SystemMonitor().averages() == {}


def test_flat_parameters_name_losses_and_penalties_and_leave_out_options_of_the_job():
    flat = runs.flat_parameters(TrainConfig(preset="tiny", seed=3), get_preset("tiny"))
    assert flat["seed"] == 3
    assert flat["architecture.latent"] == 4
    assert flat["preset.batch_size"] == 8
    assert "CrossEntropy" in str(flat["preset.loss_schedule"])
    assert "R1" in str(flat["preset.penalties"])
    assert not {"quiet", "resume", "minutes", "devices"} & set(flat)
    json.dumps(flat)


def test_a_store_that_cannot_be_used_is_reported_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file and not a folder")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/file/mlflow.db")
    message = "the MLflow store cannot be used"
    with pytest.raises(InputError, match=message) as caught, runs.training_run("run", {}):
        pass
    assert "\n" not in str(caught.value)
