"""The storage of a study: a database that many workers share and that may be unreachable."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import optuna
import sqlalchemy
import tenacity

from cosmogan_k3.errors import InputError, masked, one_line

# Environment variable of the URL, which may hold a password: command lines are visible to all.
STORAGE = "COSMOGAN_STORAGE"
_DEFAULT_STORAGE = "sqlite:///study.db"

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


def open_storage(url: str, heartbeat: int) -> optuna.storages.RDBStorage:
    """Open Optuna's storage behind a SQLAlchemy URL, with heartbeats of the workers.

    Parameters
    ----------
    url : str
        Of SQLite, PostgreSQL or MySQL; see ``storage_url`` if it is empty.
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
    try:
        with ignore_experimental_warnings():
            storage = optuna.storages.RDBStorage(
                url,
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=heartbeat,
                grace_period=_MISSED_HEARTBEATS * heartbeat,
                heartbeat_stale_trial_callback=HeartbeatCallback(max_retry=1),
            )
    except (
        sqlalchemy.exc.SQLAlchemyError,
        optuna.exceptions.StorageInternalError,
        ImportError,
        ValueError,
    ) as error:
        raise InputError(
            f"{url}: no study can be kept there ({one_line(error, 200)}); "
            "expected a URL such as sqlite:///study.db, postgresql://user@host/database or "
            "mysql+pymysql://user@host/database",
            parameter="storage",
        ) from error
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
