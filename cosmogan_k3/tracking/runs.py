"""MLflow runs: one for each training."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cosmogan_k3._typing import PathLike
from cosmogan_k3._version import __version__
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.tracking.store import check_store as check_store
from cosmogan_k3.tracking.store import use_store

if TYPE_CHECKING:
    from cosmogan_k3.gan import Preset

EXPERIMENT = "cosmogan"
_FIGURES = (".png", ".pdf")
_PACKAGES = ("keras", "jax", "tensorflow", "torch", "numpy", "scipy", "mlflow")

# Options that may change from one job of a training to the next, and are not logged.
_JOB_OPTIONS = ("quiet", "overwrite", "resume", "minutes", "devices")


@contextlib.contextmanager
def training_run(
    name: str, parameters: Mapping[str, Any], *, run_id: str = "", parent: str = ""
) -> Iterator[mlflow.ActiveRun]:
    """Open a run, or resume the one that ``mlflow run`` opened, and log its parameters.

    Parameters
    ----------
    name : str
    parameters : mapping of str to Any
        Those that the run does not hold yet are logged.
    run_id : str
        Of a run to resume, if it still exists.
    parent : str
        Of the run under which this one stands.

    Yields
    ------
    mlflow.ActiveRun

    Raises
    ------
    InputError
        If the tracking store cannot be reached.
    """
    use_store()
    try:
        run = mlflow.start_run(run_id=run_id) if _exists(run_id) else _new_run(name, parent)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise InputError(
            f"{mlflow.get_tracking_uri()}: the MLflow store cannot be used ({one_line(error, 300)})"
        ) from error
    with run, _killed_by_signals():
        logged = mlflow.get_run(run.info.run_id).data.params
        mlflow.log_params(_new_parameters(parameters, logged))
        mlflow.set_tags(_provenance())
        yield run


@contextlib.contextmanager
def _killed_by_signals() -> Iterator[None]:
    """Give the active run the status KILLED if a signal ends the process."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        mlflow.end_run("KILLED")
        raise


def _new_parameters(parameters: Mapping[str, Any], logged: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters that a run lacks.

    ``mlflow run`` has logged what its command was given, such as 0 for a default. A value that it
    stands for then gets a name of its own.
    """
    names = {
        key: key if logged.get(key, str(value)) == str(value) else f"effective.{key}"
        for key, value in parameters.items()
    }
    return {names[key]: value for key, value in parameters.items() if names[key] not in logged}


def _exists(run_id: str) -> bool:
    with contextlib.suppress(mlflow.exceptions.MlflowException):
        return bool(run_id) and mlflow.get_run(run_id).info.lifecycle_stage == "active"
    return False


def end_lost_run(run_id: str) -> None:
    """Mark the run of a process that was killed."""
    if _exists(run_id):
        mlflow.MlflowClient().set_terminated(run_id, "KILLED")


def _new_run(name: str, parent: str) -> mlflow.ActiveRun:
    if not os.environ.get("MLFLOW_RUN_ID") and not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        mlflow.set_experiment(EXPERIMENT)
    active = mlflow.active_run()
    parent = parent or (active.info.run_id if active else "")
    tags = {MLFLOW_PARENT_RUN_ID: parent} if parent else None
    return mlflow.start_run(run_name=name, nested=bool(parent), tags=tags)


def _provenance() -> dict[str, str]:
    """Return the versions of packages and code, and the machine."""
    tags = {
        "cosmogan_k3": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            tags[f"version.{package}"] = metadata.version(package)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        tags["git_commit"] = done.stdout.strip()
    return tags


def flat_parameters(config: Any, preset: "Preset") -> dict[str, Any]:
    """Return the parameters of a command and its preset as one flat mapping.

    Parameters
    ----------
    config : TrainConfig or another dataclass of ``config``
    preset : Preset

    Examples
    --------
    >>> from cosmogan_k3.config import TrainConfig
    >>> from cosmogan_k3.gan import get_preset
    >>> flat = flat_parameters(TrainConfig(), get_preset("tiny"))
    >>> flat["architecture"], flat["architecture.latent"], flat["preset.batch_size"]
    ('FullyConvolutional', 4, 8)
    """
    flat = {key: value for key, value in asdict(config).items() if key not in _JOB_OPTIONS}
    architecture = preset.architecture
    flat["architecture"] = type(architecture).__name__
    own = asdict(architecture)  # type: ignore[call-overload]  # subclasses are dataclasses
    flat |= {f"architecture.{key}": value for key, value in own.items()}
    # Not asdict, which would turn a loss or a penalty into numbers without its name.
    values = {field.name: getattr(preset, field.name) for field in fields(preset)}
    values["loss_schedule"] = {epoch: str(loss) for epoch, loss in preset.loss_schedule.items()}
    values["penalties"] = [str(penalty) for penalty in preset.penalties]
    return flat | {f"preset.{key}": value for key, value in values.items() if key != "architecture"}


def log_evidence(
    metrics: Mapping[str, Any], files: Iterable[PathLike], *, description: str = ""
) -> None:
    """Log metrics, artifacts and the description that the run's page shows first.

    Parameters
    ----------
    metrics : mapping of str to Any
        Values that are no numbers are left out.
    files : iterable of path
        Figures go to a folder of their own.
    description : str
        Markdown.
    """
    numbers = {key: value for key, value in metrics.items() if isinstance(value, (int, float))}
    mlflow.log_metrics(numbers)
    for path in files:
        folder = "figures" if Path(path).suffix in _FIGURES else None
        mlflow.log_artifact(str(path), artifact_path=folder)
    mlflow.set_tag("mlflow.note.content", description)


def log_epoch(values: Mapping[str, float], epoch: int) -> None:
    """Log the numbers of an epoch."""
    mlflow.log_metrics({key: float(value) for key, value in values.items()}, step=epoch)


def log_missing_epochs(epochs: Sequence[Mapping[str, float]]) -> None:
    """Log the numbers of the epochs, from the first on, that the active run does not hold.

    A process can be killed between an epoch's checkpoint and its entry here.
    """
    active = mlflow.active_run()
    if not epochs or active is None:
        return
    name = next(iter(epochs[0]))
    history = mlflow.MlflowClient().get_metric_history(active.info.run_id, name)
    logged = {metric.step for metric in history}
    for number, values in enumerate(epochs, 1):
        if number not in logged:
            log_epoch(values, number)


def log_tags(tags: Mapping[str, Any]) -> None:
    """Set tags of the active run."""
    mlflow.set_tags(dict(tags))
