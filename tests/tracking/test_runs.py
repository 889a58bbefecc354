"""MLflow runs: new, resumed and nested ones, and what is logged to them."""

import contextlib
import json

import mlflow
import pytest

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import get_preset
from cosmogan_k3.tracking import runs

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
    history = mlflow.MlflowClient().get_metric_history(run.run_id, "loss")
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
        runs.log_evidence({"a": 1, "b": "text"}, [figure, table], description="**found**")
        runs.log_epoch({"loss": 0.5}, 3)
    found = mlflow.get_run(run.run_id).data
    assert found.metrics == {"a": 1.0, "loss": 0.5}
    assert found.tags["mlflow.note.content"] == "**found**"
    client = mlflow.MlflowClient()
    (epoch,) = client.get_metric_history(run.run_id, "loss")
    assert epoch.step == 3
    artifacts = {file.path for file in client.list_artifacts(run.run_id)}
    assert artifacts == {"figures", "metrics.json"}


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
