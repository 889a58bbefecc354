"""One training, one MLflow run."""

import contextlib
import os
import platform
import subprocess
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path

import mlflow
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cosmogan_k3._version import __version__
from cosmogan_k3.errors import InputError, one_line

EXPERIMENT = "cosmogan"
DEFAULT_STORE = "sqlite:///mlflow.db"
_FIGURES = (".png", ".pdf")
_PACKAGES = ("keras", "jax", "tensorflow", "torch", "numpy", "scipy", "mlflow")


_OF_THE_JOB = ("quiet", "resume", "minutes", "devices")
"""Options that may change from one job to the next of the same training."""


def use_store():
    """Honour MLFLOW_TRACKING_URI; without it, keep runs in ``mlflow.db`` in the current folder."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(DEFAULT_STORE)


@contextlib.contextmanager
def training_run(name, parameters, *, run_id="", parent=""):
    """Open a run (or go on with the one that ``mlflow run`` opened), and log what it stands on.

    Args:
        name: str.
        parameters: mapping; every value is logged that the run does not hold yet.
        run_id: str, of a run to go on with, where it still exists.
        parent: str, of the run that this one is to stand under.

    Raises:
        InputError: the tracking store cannot be reached.
    """
    use_store()
    try:
        run = mlflow.start_run(run_id=run_id) if _exists(run_id) else _new_run(name, parent)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise InputError(
            f"{mlflow.get_tracking_uri()}: the MLflow store cannot be used ({one_line(error, 300)})"
        ) from error
    with run:
        already = mlflow.get_run(run.info.run_id).data.params
        mlflow.log_params({key: value for key, value in parameters.items() if key not in already})
        mlflow.set_tags(_provenance())
        yield run


def _exists(run_id):
    with contextlib.suppress(mlflow.exceptions.MlflowException):
        return bool(run_id) and mlflow.get_run(run_id).info.lifecycle_stage == "active"
    return False


def end_lost_run(run_id):
    """Mark the run of a process that was killed."""
    if _exists(run_id):
        mlflow.MlflowClient().set_terminated(run_id, "KILLED")


def _new_run(name, parent):
    if not os.environ.get("MLFLOW_RUN_ID") and not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        mlflow.set_experiment(EXPERIMENT)
    parent = parent or getattr(getattr(mlflow.active_run(), "info", None), "run_id", "")
    tags = {MLFLOW_PARENT_RUN_ID: parent} if parent else None
    return mlflow.start_run(run_name=name, nested=bool(parent), tags=tags)


def _provenance():
    tags = {
        "cosmogan_k3": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            tags[f"version.{package}"] = metadata.version(package)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        folder = Path(__file__).parent
        command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        tags["git_commit"] = subprocess.run(
            command, capture_output=True, check=True, text=True
        ).stdout.strip()
    return tags


def flat_parameters(config, preset):
    """The command's and the preset's parameters as one flat mapping of names to values."""
    flat = {key: value for key, value in asdict(config).items() if key not in _OF_THE_JOB}
    flat["architecture"] = type(preset.architecture).__name__
    flat |= {f"architecture.{key}": value for key, value in asdict(preset.architecture).items()}
    # Not asdict, which would turn a penalty into numbers without its name.
    values = {field.name: getattr(preset, field.name) for field in fields(preset)}
    values["penalties"] = [str(penalty) for penalty in preset.penalties]
    return flat | {f"preset.{key}": value for key, value in values.items() if key != "architecture"}


def log_evidence(metrics, files, *, description=""):
    """Log numbers as metrics, files as artifacts (figures in a folder of theirs), and what the run's page says first.

    Args:
        metrics: mapping of names to values; what is no number is left out.
        files: paths.
        description: str, Markdown.
    """
    mlflow.log_metrics(
        {key: value for key, value in metrics.items() if isinstance(value, (int, float))}
    )
    for path in files:
        mlflow.log_artifact(
            str(path), artifact_path="figures" if Path(path).suffix in _FIGURES else None
        )
    mlflow.set_tag("mlflow.note.content", description)


def log_epoch(values, epoch):
    mlflow.log_metrics({key: float(value) for key, value in values.items()}, step=epoch)


def log_tags(tags):
    mlflow.set_tags(tags)
