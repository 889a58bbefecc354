"""Fixtures of the tests of trainings."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.maps import MapSet


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An MLflow store and an empty current folder, in which MLflow keeps the artifacts."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.chdir(tmp_path_factory.mktemp("folder"))
        yield


@pytest.fixture
def maps():
    """Forty lognormal maps."""
    kappa = np.random.default_rng(0).lognormal(sigma=0.3, size=(40, 16, 16)).astype("float32")
    return MapSet(kappa, 3.0)


@pytest.fixture
def evaluated(monkeypatch):
    """Evaluate with few permutations and no figures; the generated maps of each evaluation."""
    from cosmogan_k3.training import results

    original, generated = results.evaluate_maps, []

    def evaluate(real, drawn, **options):
        generated.append(drawn)
        provenance = options["provenance"]
        return replace(original(real, drawn, permutations=9, provenance=provenance), figures={})

    monkeypatch.setattr(results, "evaluate_maps", evaluate)
    return generated


@pytest.fixture
def unfinished(monkeypatch):
    """Leave out the evaluation: a training then returns its progress."""
    from cosmogan_k3.training import trainer

    def finish(config, gan, splits, monitor, parameters, *, evaluated):
        return monitor.progress

    monkeypatch.setattr(trainer, "finish", finish)
