"""The tracking store: which one is used, whether it is one, and whether it answers."""

import contextlib
import os
import socket
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import sqlalchemy

from cosmogan_k3.errors import InputError, masked, one_line
from cosmogan_k3.maps.io.atomic import check_writable

DEFAULT_STORE = "sqlite:///mlflow.db"

# Seconds in which a store has to answer.
_TIMEOUT = 5
_DATABASES = ("postgresql", "mysql")
_PORTS = {"http": 80, "https": 443}


def use_store() -> None:
    """Use the store that MLFLOW_TRACKING_URI names, or ``mlflow.db`` in the current folder."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(DEFAULT_STORE)


def store_address() -> str:
    """Return the address of the store in use, without its password.

    Returns
    -------
    str

    Examples
    --------
    >>> use_store()
    >>> "://" in store_address()
    True
    """
    return masked(mlflow.get_tracking_uri())


def is_new_database() -> bool:
    """Return whether the store is a file that MLflow has yet to make, which takes seconds.

    Examples
    --------
    >>> is_new_database() in (True, False)
    True
    """
    uri = mlflow.get_tracking_uri()
    if urlsplit(uri).scheme.split("+")[0] != "sqlite":
        return False
    database = sqlalchemy.make_url(uri).database or ":memory:"
    return database != ":memory:" and not Path(database).exists()


def check_store(tracking: str = "buffered") -> None:
    """Refuse, before any work and within seconds, a tracking store that cannot be used.

    Parameters
    ----------
    tracking : {"required", "buffered", "off"}
        "buffered" accepts a store that is not there for the time being; "off" needs none.

    Raises
    ------
    InputError
        If the store is a file that is no database, or one that nobody can write to; with
        "required", if the store does not answer.

    Examples
    --------
    >>> check_store("off")
    """
    if tracking == "off":
        return
    use_store()
    reason = problem_of_store()
    if reason and tracking == "required":
        raise InputError(
            f"{mlflow.get_tracking_uri()}: the MLflow store does not answer ({reason}); start it, "
            "set MLFLOW_TRACKING_URI, or choose buffered, which keeps the records on disk",
            parameter="tracking",
        )


def problem_of_store() -> str:
    """Return why the store does not answer, or nothing if it does.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the store is a file that is no database, or one that nobody can write to.

    Examples
    --------
    >>> problem_of_store()
    ''
    """
    uri = mlflow.get_tracking_uri()
    scheme = urlsplit(uri).scheme
    try:
        if scheme in _PORTS:
            return _problem_of_server(uri, _PORTS[scheme])
        dialect = scheme.split("+")[0]
        if dialect == "sqlite":
            return _problem_of_file(uri)
        if dialect in _DATABASES:
            engine = sqlalchemy.create_engine(uri, connect_args={"connect_timeout": _TIMEOUT})
            engine.connect().close()
    except OSError as error:
        return error.strerror or one_line(error, 200)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        return one_line(error, 200)
    return ""


def _problem_of_server(uri: str, port: int) -> str:
    address = urlsplit(uri)
    socket.create_connection((address.hostname or "", address.port or port), _TIMEOUT).close()
    return ""


def _problem_of_file(uri: str) -> str:
    """Return why an SQLite database does not answer; refuse a file that is none."""
    database = sqlalchemy.make_url(uri).database
    if not database or database == ":memory:":
        return ""
    path = Path(database)
    check_writable(path.parent)
    if not path.exists():
        return ""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_TIMEOUT)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:  # locked, for example
        return one_line(error)
    except sqlite3.DatabaseError as error:
        raise InputError(
            f"{uri}: the MLflow store cannot be used ({one_line(error)}); repair or move the file, "
            "or set MLFLOW_TRACKING_URI to another"
        ) from error
    return ""
