"""The storage of a study: a database or a file that many workers share; one may be unreachable."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import optuna
import sqlalchemy
import tenacity

from cosmogan_k3.errors import InputError, masked, one_line
from cosmogan_k3.maps.io.atomic import check_writable
from cosmogan_k3.tuning.journal_storage import JournalStorage

# Environment variable of the URL, which may hold a password: command lines are visible to all.
STORAGE = "COSMOGAN_STORAGE"
_DEFAULT_STORAGE = "sqlite:///study.db"
_JOURNAL = "journal:///"

# Seconds for which a worker waits for a database that it has reached before.
PATIENCE = 300.0

# Seconds between two attempts.
_PAUSE = 1.0

# A trial is stale after this many heartbeats are missing.
_MISSED_HEARTBEATS = 3

Result = TypeVar("Result")
HeartbeatCallback = optuna.storages.RetryHeartbeatStaleTrialCallback


def storage_url(url: str) -> str:
    """Return the URL of a study's storage.

    Parameters
    ----------
    url : str
        As given; if empty, that of COSMOGAN_STORAGE or else a file in the current folder.

    Raises
    ------
    InputError
        If ``mlflow run`` has been given a password, which it has recorded.

    Examples
    --------
    >>> storage_url("sqlite:///trials.db")
    'sqlite:///trials.db'
    """
    if os.environ.get("MLFLOW_RUN_ID") and masked(url) != url:
        raise InputError(
            "MLflow has recorded this parameter with its password: delete the run, change the "
            f"password, and give the URL in the environment, as {STORAGE}",
            parameter="storage",
        )
    return url or os.environ.get(STORAGE) or _DEFAULT_STORAGE


def dashboard_address(url: str) -> str:
    """Return what ``optuna-dashboard`` calls the storage of a study.

    Parameters
    ----------
    url : str
        As in ``storage_url``.

    Examples
    --------
    >>> dashboard_address("journal:///study.journal"), dashboard_address("sqlite:///trials.db")
    ('study.journal', 'sqlite:///trials.db')
    """
    url = storage_url(url)
    return url.removeprefix(_JOURNAL) if url.startswith(_JOURNAL) else _escaped(url)


def _escaped(url: str) -> str:
    """Return a URL as Optuna takes it, which fills in what stands in braces."""
    return url.replace("{", "{{").replace("}", "}}")


def open_storage(url: str, heartbeat: int) -> optuna.storages.BaseStorage:
    """Open the storage of a study, with heartbeats of the workers.

    Parameters
    ----------
    url : str
        A SQLAlchemy URL of SQLite, PostgreSQL or MySQL, or "journal:///" and a file; see
        ``storage_url`` if it is empty.
    heartbeat : int
        Seconds between two heartbeats. A trial whose worker misses three is run once more.

    Raises
    ------
    InputError
        If the URL is none, its driver is not installed, or the database cannot be reached.

    Examples
    --------
    >>> open_storage("sqlite://", heartbeat=30).get_all_studies()
    []
    """
    url = storage_url(url)
    opened = _open_journal if url.startswith(_JOURNAL) else _open_database
    try:
        with ignore_experimental_warnings():
            return opened(url, heartbeat, HeartbeatCallback(max_retry=1))
    except (
        sqlalchemy.exc.SQLAlchemyError,
        optuna.exceptions.StorageInternalError,
        ImportError,
        OSError,
        ValueError,
    ) as error:
        raise InputError(
            f"{url}: no study can be kept there ({one_line(error, 200)}); expected a URL such as "
            "sqlite:///study.db, journal:///study.journal, postgresql://user@host/database or "
            "mysql+pymysql://user@host/database",
            parameter="storage",
        ) from error


def _open_journal(url: str, heartbeat: int, callback: HeartbeatCallback) -> JournalStorage:
    """Open a file, whose path after the three slashes is relative, as in URLs of SQLite."""
    path = Path(url.removeprefix(_JOURNAL))
    check_writable(path.parent)
    if path.exists():
        with path.open("rb") as file:
            if file.read(1) not in (b"", b"{"):  # Optuna would add lines to it
                raise ValueError("the file is no journal of a study")
    return JournalStorage(path, heartbeat, _MISSED_HEARTBEATS * heartbeat, callback)


def _open_database(
    url: str, heartbeat: int, callback: HeartbeatCallback
) -> optuna.storages.RDBStorage:
    storage = optuna.storages.RDBStorage(
        _escaped(url),
        engine_kwargs={"pool_pre_ping": True},
        heartbeat_interval=heartbeat,
        grace_period=_MISSED_HEARTBEATS * heartbeat,
        heartbeat_stale_trial_callback=callback,
    )
    # The thread of heartbeats would end silently when the database is unreachable.
    record = functools.partial(retry_on_disconnect, storage.record_heartbeat)
    storage.record_heartbeat = record  # type: ignore[method-assign]
    return storage


@contextlib.contextmanager
def ignore_experimental_warnings() -> Iterator[None]:
    """Ignore Optuna's warnings about heartbeats and names of objectives, experimental for years."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def fail_stale_trials(study: optuna.Study) -> None:
    """Mark trials without heartbeats as failed, and queue them once more."""
    with ignore_experimental_warnings():
        optuna.storages.fail_stale_trials(study)


def repeated_trials(trial: optuna.trial.FrozenTrial) -> list[int]:
    """Return the numbers of the lost trials that this one repeats, the original first."""
    with ignore_experimental_warnings():
        return HeartbeatCallback.retry_history(trial)


def wait_for_databases() -> None:
    """Let every database connection of this process wait for a server that restarts.

    This includes Optuna's and MLflow's. Engines test a pooled connection before they use it, and
    open another one if it is dead; this function makes them keep trying. ``retry_on_disconnect``
    is for statements that were running when the server stopped.
    """
    if not sqlalchemy.event.contains(sqlalchemy.Engine, "do_connect", _connect):
        sqlalchemy.event.listen(sqlalchemy.Engine, "do_connect", _connect)


def _retrying(is_disconnect: Callable[[BaseException], bool]) -> tenacity.Retrying:
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_disconnect),
        wait=tenacity.wait_fixed(_PAUSE),
        stop=tenacity.stop_after_delay(PATIENCE),
        reraise=True,
    )


def _connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
    if dialect.name == "sqlite":  # a file that cannot be opened now cannot be opened later
        return None
    retrying = _retrying(lambda error: isinstance(error, dialect.loaded_dbapi.OperationalError))
    return retrying(dialect.connect, *arguments, **options)


def retry_on_disconnect(call: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
    """Make a call, again and again if the database was unreachable.

    The call must be idempotent.

    Parameters
    ----------
    call : callable
    *arguments, **options
        Of the call.

    Returns
    -------
    Any
        What the call returns.

    Examples
    --------
    >>> retry_on_disconnect(max, 1, 2)
    2
    """
    return _retrying(_is_disconnect)(call, *arguments, **options)


def _is_disconnect(error: BaseException | None) -> bool:
    """Return whether the database was unreachable; Optuna and MLflow wrap SQLAlchemy's errors."""
    while error is not None:
        if isinstance(error, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)):
            return True
        error = error.__cause__ or error.__context__
    return False
