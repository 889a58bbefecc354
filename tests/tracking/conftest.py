"""Fixtures of the tests of tracking."""

import mlflow
import pytest


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An MLflow store in an empty current folder."""
    mlflow.set_tracking_uri(None)  # what another test chose; this also removes the variable
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
