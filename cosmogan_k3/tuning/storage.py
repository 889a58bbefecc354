"""Where a study lives: a database that many workers share, and that may be away for a while."""

import contextlib
import functools
import time
import warnings

import optuna
import sqlalchemy
from sqlalchemy.engine import make_url

from cosmogan_k3.errors import InputError, one_line

PATIENCE = 300.0
"""Seconds for which a worker waits for a database that it has reached before."""

_PAUSE = 1.0


def open_storage(url, heartbeat):
    """Optuna's storage behind a SQLAlchemy URL, whose workers give signs of life.

    Args:
        url: str: sqlite, postgresql or mysql.
        heartbeat: int, seconds between two signs. A trial whose worker gave none for three such times is tried once
            more.

    Raises:
        InputError: a URL that is none, a driver that is not installed, or a database that cannot be reached.
    """
    try:
        with _quietly():
            storage = optuna.storages.RDBStorage(
                url,
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=heartbeat,
                grace_period=3 * heartbeat,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(
                    max_retry=1
                ),
            )
    except (
        sqlalchemy.exc.SQLAlchemyError,
        optuna.exceptions.StorageInternalError,
        ImportError,
        ValueError,
    ) as error:
        raise InputError(
            f"{without_password(url)}: no study can be kept there ({one_line(error, 200)}); expected a URL such as "
            "sqlite:///study.db, postgresql://user@host/database or mysql+pymysql://user@host/database"
        ) from error
    storage.record_heartbeat = functools.partial(
        retry_on_disconnect, storage.record_heartbeat
    )  # its thread would end silently
    return storage


def without_password(url):
    """The URL as it may be shown and logged.

    Example:
        >>> without_password("postgresql://me:secret@host/studies")
        'postgresql://me:***@host/studies'
    """
    try:
        return make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError:
        return url


@contextlib.contextmanager
def _quietly():
    """Heartbeats have been experimental in Optuna since 2021."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def fail_stale_trials(study):
    """Give up trials whose workers are silent, and put them in the queue once more."""
    with _quietly():
        optuna.storages.fail_stale_trials(study)


def wait_for_databases():
    """Let every database connection of this process, Optuna's and MLflow's, wait for a server that restarts.

    Engines test a pooled connection before they use it and open another where it is dead; this keeps trying to
    open it. A statement that was under way when the server went is ``retry_on_disconnect``'s business.
    """
    if not sqlalchemy.event.contains(sqlalchemy.Engine, "do_connect", _connect):
        sqlalchemy.event.listen(sqlalchemy.Engine, "do_connect", _connect)


def _connect(dialect, record, arguments, options):
    if dialect.name == "sqlite":  # a file: what cannot be opened now cannot be opened later
        return None
    last = time.monotonic() + PATIENCE
    while True:
        try:
            return dialect.connect(*arguments, **options)
        except dialect.loaded_dbapi.OperationalError:
            if time.monotonic() > last:
                raise
            time.sleep(_PAUSE)


def retry_on_disconnect(call, *arguments, **options):
    """``call(…)``, once more where its statement was cut off by a server that went away.

    For calls that may be made twice: what they write is the same the second time.
    """
    last = time.monotonic() + PATIENCE
    while True:
        try:
            return call(*arguments, **options)
        except Exception as error:
            if time.monotonic() > last or not _cut_off(error):
                raise
            time.sleep(_PAUSE)


def _cut_off(error):
    """Whether the database was away: Optuna and MLflow both wrap what SQLAlchemy says of it."""
    while error is not None:
        if isinstance(error, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)):
            return True
        error = error.__cause__ or error.__context__
    return False
