"""Fixtures of the tests of tracking."""

import shutil

import mlflow
import pytest


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """The file of an empty MLflow store, which takes seconds to create."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the artifacts of the first experiment lie below it
        mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture(autouse=True)
def store(tmp_path, tmp_path_factory, monkeypatch, empty_store):
    """An MLflow store, and an empty current folder."""
    mlflow.set_tracking_uri(None)  # what another test chose; this also removes the variable
    file = shutil.copy(empty_store, tmp_path_factory.mktemp("store"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    monkeypatch.chdir(tmp_path)
