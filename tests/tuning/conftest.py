"""Fixtures of the tests of studies."""

import numpy as np
import pytest

from cosmogan_k3.maps import MapSet


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An MLflow store in an empty current folder."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def maps():
    """Forty lognormal maps."""
    kappa = np.random.default_rng(0).lognormal(sigma=0.3, size=(40, 16, 16)).astype("float32")
    return MapSet(kappa, 3.0)
