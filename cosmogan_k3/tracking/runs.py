"""MLflow runs: one for each training."""

import contextlib
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.tracking.context.registry import resolve_tags

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.lock import exclusive
from cosmogan_k3.tracking.datasets import DatasetRecord
from cosmogan_k3.tracking.journal import Journal, journals
from cosmogan_k3.tracking.names import epoch_metric, final_metric, part_of
from cosmogan_k3.tracking.recorder import Recorder
from cosmogan_k3.tracking.sender import UNAVAILABLE, exists, send
from cosmogan_k3.tracking.store import check_store as check_store
from cosmogan_k3.tracking.store import use_store
from cosmogan_k3.tracking.system import SystemMonitor
from cosmogan_k3.tracking.versions import version_tags

if TYPE_CHECKING:
    from cosmogan_k3.gan import Preset

# MLflow's own: a run that `mlflow run` begins stands there before this package can choose.
EXPERIMENT = "Default"
_FIGURES = (".png", ".pdf", ".gif")
# MLflow lists artifacts by name: the report stands before the folder of all that is behind it.
_REPORT, _BEHIND = "report.html", "results"

# Options that may change from one job of a training to the next, and are not logged.
_JOB_OPTIONS = ("quiet", "overwrite", "tracking", "resume", "minutes", "devices")


_recorders: list[Recorder] = []  # the run that is open, and those that it stands in


@contextlib.contextmanager
def training_run(
    name: str,
    parameters: Mapping[str, Any],
    *,
    folder: PathLike | None = None,
    resume: bool = False,
    run_id: str = "",
    parent: str = "",
    tracking: str = "buffered",
) -> Iterator[Recorder]:
    """Open a run, or resume one, and record its parameters.

    Parameters
    ----------
    name : str
    parameters : mapping of str to Any
        Those that the run does not hold yet are logged.
    folder : str or Path, optional
        Where records are kept until the store has them. Without one, a store that does not answer
        is an error.
    resume : bool, default False
        Continue the run of the folder, if there is one.
    run_id : str
        Of a run to resume, if it still exists. Default: that of ``mlflow run``.
    parent : str
        Of the run under which this one stands.
    tracking : {"buffered", "required", "off"}
        "off" records nothing.

    Yields
    ------
    Recorder

    Raises
    ------
    InputError
        If the tracking store cannot be used, and there is no folder.
    """
    parent = parent or (_recorders[-1].run_id if _recorders else "")
    with contextlib.ExitStack() as stack:
        if folder and tracking != "off":
            stack.enter_context(exclusive(folder, folder=True))  # against ``sync``
        recorder = Recorder(None if tracking == "off" else Journal(folder))
        stack.enter_context(_active(recorder))
        _begin(recorder, name, run_id, parent, resume=resume)
        if tracking != "off":
            recorder.system = SystemMonitor()
            stack.enter_context(recorder.system.sampling())
        recorder.add("parameters", parameters={k: str(v) for k, v in parameters.items()})
        recorder.add("tags", tags=version_tags())
        with _ended(recorder):
            yield recorder


@contextlib.contextmanager
def _active(recorder: Recorder) -> Iterator[None]:
    _recorders.append(recorder)
    try:
        yield
    finally:
        _recorders.pop()


def _begin(recorder: Recorder, name: str, run_id: str, parent: str, *, resume: bool) -> None:
    """Record that a run begins, or goes on."""
    journal = recorder.journal
    if journal is None:
        return
    use_store()
    if not resume:
        journal.clear()
    elif journal.records and not journal.run_id:
        return  # it still waits to be made
    active = mlflow.active_run()  # of a program that calls this package
    given = "" if len(_recorders) > 1 or active else os.environ.pop("MLFLOW_RUN_ID", "")
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    recorder.add(
        "run",
        name=name,
        experiment=experiment or EXPERIMENT,
        experiment_id="" if experiment else os.environ.get("MLFLOW_EXPERIMENT_ID", ""),
        run_id=journal.run_id or run_id or given,
        parent=parent or (active.info.run_id if active else ""),
        journal=uuid.uuid4().hex,
        tags=resolve_tags(),
    )


@contextlib.contextmanager
def _ended(recorder: Recorder) -> Iterator[None]:
    """Record how a run ends: FINISHED, FAILED, or KILLED by a signal."""
    status = "FINISHED"
    try:
        yield
    except BaseException as error:
        status = "KILLED" if isinstance(error, (KeyboardInterrupt, SystemExit)) else "FAILED"
        raise
    finally:
        recorder.add("end", status=status)
        if recorder.journal and not recorder.flush(at_once=True):
            print(
                "tracking: not all is sent; `cosmogan sync` with the folder "
                f"{recorder.journal.folder} sends the rest",
                file=sys.stderr,
            )


def active_run_id() -> str:
    """Return the identifier of the open run in the store; empty if the store does not answer."""
    if _recorders and _recorders[-1].flush(at_once=True):
        return _recorders[-1].run_id
    return ""


def is_withheld() -> bool:
    """Return whether the store lacks records of the open run: it is off, or does not answer."""
    return bool(_recorders) and not _recorders[-1].flush(at_once=True)


def end_lost_run(run_id: str) -> None:
    """Mark the run of a process that was killed, if the store answers."""
    with contextlib.suppress(*UNAVAILABLE):
        if exists(run_id):
            mlflow.MlflowClient().set_terminated(run_id, "KILLED")


def sync(folder: PathLike) -> int:
    """Send what the runs in a folder, and below it, have recorded and not sent.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    int
        Number of records that were sent.

    Raises
    ------
    InputError
        If there are no records, a run still writes them, or the store does not answer.
    """
    found = journals(folder)
    if not found:
        raise InputError(f"{folder}: holds no records of runs", parameter="folder")
    sent = 0
    for journal in found:
        with exclusive(journal.folder or folder, folder=True):
            before = journal.sent
            try:
                send(journal)
            except UNAVAILABLE as error:
                raise InputError(
                    f"{mlflow.get_tracking_uri()}: the MLflow store cannot be used "
                    f"({one_line(error, 300)}); repeat the command when it can"
                ) from error
            sent += journal.sent - before
    return sent


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


def log_sets(sets: Sequence[DatasetRecord]) -> None:
    """Log the sets of maps that the open run uses, once.

    Parameters
    ----------
    sets : sequence of dict
        As ``datasets.describe_sets`` returns them.
    """
    recorder = _recorders[-1]
    if list(sets) != _sets(recorder):
        recorder.add("inputs", datasets=list(sets))


def _sets(recorder: Recorder) -> list[DatasetRecord]:
    """Return the sets that a run has recorded."""
    records = recorder.journal.records if recorder.journal else []
    logged = [record["datasets"] for record in records if record["kind"] == "inputs"]
    return logged[-1] if logged else []


def log_evidence(
    metrics: Mapping[str, Any],
    files: Iterable[PathLike],
    *,
    description: str = "",
    model_id: str = "",
) -> None:
    """Log metrics, artifacts and the description that the run's page shows first.

    Parameters
    ----------
    metrics : mapping of str to Any
        Values that are no numbers are left out. ``names.final_metric`` gives the others groups.
    files : iterable of path
        The report is the first artifact; all others go to the folder ``results``, figures to one
        of their own in it.
    description : str
        Markdown.
    model_id : str
        Of the logged model that was measured, which the metrics are linked to.
    """
    recorder = _recorders[-1]
    numbers = {
        final_metric(key): float(value)
        for key, value in metrics.items()
        if isinstance(value, (int, float))
    }
    sets = {each["context"]: [each["name"], each["digest"]] for each in _sets(recorder)}
    for part in sorted({part_of(name) for name in numbers}):
        values = {name: value for name, value in numbers.items() if part_of(name) == part}
        model = model_id if part else ""
        recorder.add("metrics", values=values, step=0, model_id=model, dataset=sets.get(part))
    for path in files:
        where = recorder.journal.folder if recorder.journal else None
        recorder.add(
            "file",
            path=os.path.relpath(path, where or "."),
            folder=_artifact_folder(Path(path)),
        )
    recorder.add("tags", tags={"mlflow.note.content": description})


def _artifact_folder(path: Path) -> str | None:
    """Return the folder of an artifact in its run."""
    if path.name == _REPORT:
        return None
    return f"{_BEHIND}/figures" if path.suffix in _FIGURES else _BEHIND


def log_epoch(values: Mapping[str, float], epoch: int) -> None:
    """Log the numbers of an epoch, and the load of the machine during it."""
    recorder = _recorders[-1]
    named = {epoch_metric(name): float(value) for name, value in values.items()}
    load = recorder.system.averages() if recorder.system else {}
    recorder.add("metrics", values=named | load, step=epoch)


def log_missing_epochs(epochs: Sequence[Mapping[str, float]]) -> None:
    """Log the numbers of the epochs, from the first on, that the open run has not recorded.

    A process can be killed between an epoch's checkpoint and its record.
    """
    journal = _recorders[-1].journal
    records = journal.records if journal else []
    recorded = {record["step"] for record in records if record["kind"] == "metrics"}
    for number, values in enumerate(epochs, 1):
        if number not in recorded:
            log_epoch(values, number)


def log_tags(tags: Mapping[str, Any]) -> None:
    """Set tags of the open run."""
    _recorders[-1].add("tags", tags={key: str(value) for key, value in tags.items()})
