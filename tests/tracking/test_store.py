"""Which tracking stores are refused before the work."""

import contextlib
import socket
import sqlite3
import time

import mlflow
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.tracking.runs import check_store

pytestmark = pytest.mark.backend


@pytest.fixture(autouse=True)
def store(monkeypatch):
    """Return the function that chooses a store for one test."""

    def choose(uri):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        mlflow.set_tracking_uri(None)

    return choose


@pytest.mark.parametrize("tracking", ["buffered", "required"])
def test_a_file_that_is_no_database_is_refused(tmp_path, store, tracking):
    (tmp_path / "garbage.db").write_bytes(b"no database " * 1000)
    store(f"sqlite:///{tmp_path}/garbage.db")
    with pytest.raises(InputError, match=r"garbage\.db: the MLflow store cannot be used \(file is"):
        check_store(tracking)
    check_store("off")
    assert (tmp_path / "garbage.db").read_bytes() == b"no database " * 1000


def test_a_folder_without_write_access_is_refused(tmp_path, store):
    (tmp_path / "file").touch()
    store(f"sqlite:///{tmp_path}/file/mlflow.db")
    with pytest.raises(InputError, match="cannot be written to"):
        check_store()


def test_a_new_store_is_accepted_and_not_made(tmp_path, store):
    store(f"sqlite:///{tmp_path}/new.db")
    check_store()
    assert not list(tmp_path.iterdir())


def test_a_locked_database_is_one_that_does_not_answer(tmp_path, store, monkeypatch):
    monkeypatch.setattr("cosmogan_k3.tracking.store._TIMEOUT", 0.1)
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as holder:
        holder.execute("CREATE TABLE numbers (number)")
        holder.execute("BEGIN EXCLUSIVE")
        store(f"sqlite:///{tmp_path}/mlflow.db")
        check_store("buffered")
        with pytest.raises(InputError, match=r"does not answer \(database is locked"):
            check_store("required")


def test_a_server_that_is_down_is_found_in_seconds(store):
    with socket.socket() as probe:  # a port that nobody listens on
        probe.bind(("127.0.0.1", 0))
        store(f"http://me:canary@127.0.0.1:{probe.getsockname()[1]}")
        start = time.monotonic()
        check_store("buffered")
        with pytest.raises(InputError, match=r"does not answer \(Connection refused") as caught:
            check_store("required")
    assert time.monotonic() - start < 10
    assert caught.value.parameter == "tracking"
    assert "canary" not in str(caught.value)
