"""Where the URL of a study comes from, and that its password stands on no command line."""

import optuna
import pytest

from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.tuning import workers
from cosmogan_k3.tuning.storage import open_storage, storage_url

URL = "postgresql://me:canary@127.0.0.1:1/studies"


def test_the_url_is_given_or_from_the_environment(monkeypatch):
    monkeypatch.delenv("COSMOGAN_STORAGE", raising=False)
    assert storage_url("") == "sqlite:///study.db"
    monkeypatch.setenv("COSMOGAN_STORAGE", URL)
    assert (storage_url(""), storage_url("sqlite://")) == (URL, "sqlite://")


@pytest.mark.parametrize("scheme", ["sqlite", "journal"])
def test_the_path_of_a_file_may_hold_any_characters(tmp_path, scheme):
    name = 'my "studies" κ it\'s $HOME {a}.db'
    open_storage(f"{scheme}:///{tmp_path}/{name}", heartbeat=30)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".db"] == [name]


def test_workers_get_the_url_by_their_environment(monkeypatch):
    started = []

    class Ended:
        """A worker that has ended."""

        def __init__(self, command, env):
            started.append((command, env))

        def poll(self):
            return 0

        wait = terminate = poll

    monkeypatch.setattr(workers.subprocess, "Popen", Ended)
    monkeypatch.setattr(workers, "is_finished", lambda *_: True)
    study = optuna.create_study()
    workers.run_workers(TuneConfig(storage=URL, workers=2, quiet=True), study)
    assert len(started) == 2
    for command, environment in started:
        assert "canary" not in " ".join(command)
        assert environment["COSMOGAN_STORAGE"] == URL


def test_a_password_that_mlflow_has_recorded_is_refused(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123")
    with pytest.raises(InputError, match="change the password") as caught:
        open_storage(URL, heartbeat=30)
    assert "canary" not in str(caught.value)
    assert storage_url("postgresql://me@host/studies") == "postgresql://me@host/studies"


def test_an_error_of_the_database_shows_no_password(monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    with pytest.raises(InputError, match=r"postgresql://me:\*\*\*@127") as caught:
        open_storage(URL, heartbeat=30)
    assert "canary" not in str(caught.value)
