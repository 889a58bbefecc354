"""From a journal to MLflow: each record once, in order."""

import contextlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import mlflow
import sqlalchemy
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID

from cosmogan_k3.errors import one_line
from cosmogan_k3.tracking.journal import Journal, Record
from cosmogan_k3.tracking.store import is_new_database, problem_of_store, store_address, use_store

Entity = TypeVar("Entity", Metric, Param)

_log = logging.getLogger(__name__)

# Tag by which a run is found again whose creation was not noted.
_JOURNAL = "cosmogan.journal"

# Tag of an experiment by which MLflow's pages choose between trainings and language models.
_KIND = "mlflow.experimentKind"

# Longest batch that MLflow takes.
_BATCH = 100

# What a store raises that is not there, is locked, is full, or does not answer.
UNAVAILABLE = (mlflow.exceptions.MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError)

# What MLflow answers to a record that it will never take.
_REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST")

# MLflow's own patience is minutes for each request. The journal has more.
_IMPATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


def send(journal: Journal) -> None:
    """Send the pending records of a journal.

    A record that MLflow refuses for good is named on standard error and left out.

    Parameters
    ----------
    journal : Journal

    Raises
    ------
    OSError
        If the store does not answer, or another of ``UNAVAILABLE``; the rest is still pending.
    """
    if journal.sent == len(journal.records):
        return
    use_store()
    if problem := problem_of_store():
        raise OSError(problem)
    if is_new_database():
        _log.info("creating MLflow's database, %s", store_address())
    for name, value in _IMPATIENCE.items():
        os.environ.setdefault(name, value)
    client = mlflow.MlflowClient()
    for record in journal.pending():
        run_id = journal.run_id
        try:
            run_id = _SENDERS[record["kind"]](client, run_id, record, journal.folder) or run_id
        except mlflow.exceptions.MlflowException as error:
            if error.error_code not in _REFUSED:
                raise
            print(
                f"MLflow refuses {record['kind']} of the run {run_id} ({one_line(error, 200)})",
                file=sys.stderr,
            )
        except FileNotFoundError as error:
            print(f"not sent: {one_line(error)}", file=sys.stderr)
        journal.acknowledge(run_id)


def _send_run(client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None) -> str:
    """Create a run or continue one, and return its identifier."""
    run_id = record["run_id"]
    if exists(run_id):
        run = client.get_run(run_id)
        client.update_run(run_id, "RUNNING", _name(run.info.run_name, record["name"]))
        _mark(client, run.info.experiment_id)
        return run_id
    experiment = _experiment(client, record)
    _mark(client, experiment)
    query = f"tags.`{_JOURNAL}` = '{record['journal']}'"
    for found in client.search_runs([experiment], query, max_results=1):
        return found.info.run_id  # made before, by a process that died before it could note it
    tags = {**record["tags"], _JOURNAL: record["journal"]}
    if record["parent"]:
        tags[MLFLOW_PARENT_RUN_ID] = record["parent"]
    run = client.create_run(experiment, record["time"], tags, record["name"])
    return run.info.run_id


def _name(present: str | None, name: str) -> str:
    """Return the name of a run: the present one, unless MLflow drew it at random."""
    is_drawn = not present or re.fullmatch(r"[a-z]+-[a-z]+-\d+", present)
    return name if is_drawn else str(present)


def _experiment(client: mlflow.MlflowClient, record: Record) -> str:
    """Return the identifier of the experiment of a new run, which is made if there is none."""
    if record["parent"] and exists(record["parent"]):
        return client.get_run(record["parent"]).info.experiment_id
    if given := record.get("experiment_id"):
        with contextlib.suppress(mlflow.exceptions.MlflowException):
            return client.get_experiment(given).experiment_id
    name = record["experiment"]
    if found := client.get_experiment_by_name(name):
        return found.experiment_id
    with contextlib.suppress(mlflow.exceptions.MlflowException):
        return client.create_experiment(name)
    found = client.get_experiment_by_name(name)  # another process was faster
    if found is None:
        raise OSError(f"no experiment {name!r}")
    return found.experiment_id


def _mark(client: mlflow.MlflowClient, experiment: str) -> None:
    """Let MLflow's page of the experiment open on trainings, unless it says otherwise."""
    with contextlib.suppress(mlflow.exceptions.MlflowException):
        if _KIND not in client.get_experiment(experiment).tags:
            client.set_experiment_tag(experiment, _KIND, "custom_model_development")


def exists(run_id: str) -> bool:
    """Return whether there is a run that is not deleted.

    Parameters
    ----------
    run_id : str
    """
    try:
        return bool(run_id) and mlflow.get_run(run_id).info.lifecycle_stage == "active"
    except mlflow.exceptions.MlflowException as error:
        if error.error_code in _REFUSED:
            return False
        raise


def _send_parameters(
    client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None
) -> None:
    logged = client.get_run(run_id).data.params
    values = new_parameters(record["parameters"], logged)
    for batch in _batches([Param(key, str(value)) for key, value in values.items()]):
        client.log_batch(run_id, params=batch)


def new_parameters(parameters: Mapping[str, Any], logged: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters that a run lacks.

    ``mlflow run`` has logged what its command was given, such as 0 for a default. A value that it
    stands for then gets a name of its own.

    Parameters
    ----------
    parameters : mapping of str to Any
    logged : mapping of str to str
        What the run holds.

    Examples
    --------
    >>> new_parameters({"epochs": 8, "seed": 1}, {"epochs": "0", "seed": "1"})
    {'effective.epochs': 8}
    """
    names = {
        key: key if logged.get(key, str(value)) == str(value) else f"effective.{key}"
        for key, value in parameters.items()
    }
    return {names[key]: value for key, value in parameters.items() if names[key] not in logged}


def _send_metrics(
    client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None
) -> None:
    name, digest = record.get("dataset") or (None, None)
    link = {"model_id": record.get("model_id") or None}
    link |= {"dataset_name": name, "dataset_digest": digest}
    metrics = [
        Metric(key, value, record["time"], record["step"], **link)
        for key, value in record["values"].items()
    ]
    for batch in _batches(metrics):
        client.log_batch(run_id, metrics=batch)


def _batches(entities: list[Entity]) -> Iterator[list[Entity]]:
    """Yield lists that MLflow takes at once."""
    for first in range(0, len(entities), _BATCH):
        yield entities[first : first + _BATCH]


def _send_tags(
    client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None
) -> None:
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in record["tags"].items()])


def _send_inputs(
    client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None
) -> None:
    inputs = []
    for described in record["datasets"]:
        fields = {name: value for name, value in described.items() if name != "context"}
        tag = InputTag(MLFLOW_DATASET_CONTEXT, described["context"])
        inputs.append(DatasetInput(Dataset(**fields), [tag]))
    client.log_inputs(run_id, inputs)


def _send_file(
    client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None
) -> None:
    path = (folder or Path()) / record["path"]
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file any more")
    client.log_artifact(run_id, str(path), record["folder"])


def _send_end(
    client: mlflow.MlflowClient, run_id: str, record: Record, folder: Path | None
) -> None:
    client.set_terminated(run_id, record["status"], record["time"])


_SENDERS: Mapping[str, Callable[[mlflow.MlflowClient, str, Record, Path | None], str | None]] = {
    "run": _send_run,
    "parameters": _send_parameters,
    "metrics": _send_metrics,
    "tags": _send_tags,
    "inputs": _send_inputs,
    "file": _send_file,
    "end": _send_end,
}


def now() -> int:
    """Return the time in milliseconds, as MLflow counts it."""
    return int(time.time() * 1000)
