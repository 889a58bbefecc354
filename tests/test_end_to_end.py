"""`mlflow run` with a tiny preset on each backend; the model is read back on another backend."""

import json
import re
import shutil
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest

from cosmogan_k3.maps import read_maps
from tests.conftest import ROOT
from tests.harness import run_python

pytestmark = pytest.mark.slow

NEXT = {"jax": "torch", "torch": "tensorflow", "tensorflow": "jax"}

READ_BACK = """
import sys, numpy as np, pandas as pd, mlflow, cosmogan_k3
from cosmogan_k3 import Emulator
from cosmogan_k3.gan import Sampler
uri = "models:/tiny_test@champion"
emulator = Emulator.load(uri)
maps = emulator.sample(5, seed=2)
gan = mlflow.keras.load_model(uri)
np.testing.assert_array_equal(Sampler(gan).sample(5, seed=2), maps)
pyfunc = mlflow.pyfunc.load_model(uri)
served = pyfunc.predict(pd.DataFrame({"maps": [3, 2], "seed": [2, 9]}))
np.testing.assert_allclose(served[:3], maps[:3], rtol=1e-4, atol=1e-7)
np.testing.assert_allclose(served[3:], emulator.sample(2, seed=9), rtol=1e-4, atol=1e-7)
assert pyfunc.predict(pyfunc.input_example).shape == (1, *maps.shape[1:])
np.save(sys.argv[1], maps)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the files that `mlflow run` needs; nothing is written into the working tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copytree(
        ROOT / "cosmogan_k3", folder / "cosmogan_k3", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("MLproject", "conda.yaml"):
        shutil.copy(ROOT / name, folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin")
    return folder


def mlflow_run(project, entry, **parameters):
    options = [x for key, value in parameters.items() for x in ("-P", f"{key}={value}")]
    return run_python(
        "-m",
        "mlflow",
        "run",
        ".",
        "-e",
        entry,
        "--env-manager",
        "local",
        *options,
        cwd=project,
        check=False,
    )


@pytest.mark.parametrize("backend", NEXT)
def test_the_main_job_trains_registers_and_is_read_back_elsewhere(
    project, tmp_path, monkeypatch, backend
):
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # each import is a line of standard error
    result = mlflow_run(
        project,
        "main",
        backend=backend,
        preset="tiny",
        method="lognormal",
        maps=80,
        epochs=2,
        model_name="tiny_test",
        out=tmp_path / "run",
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    monkeypatch.delenv("PYTHONPROFILEIMPORTTIME")
    imported = set(re.findall(r"^import time:.*\| +(\w+)$", result.stderr, re.MULTILINE))
    assert "keras" in imported
    assert ("tensorflow" in imported) == (backend == "tensorflow"), (
        "other backends leave TensorFlow out, and its 470 MB"
    )

    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["real_maps"] == metrics["generated_maps"] == 16
    names = (
        "ks_pixels_distance",
        "ks_histogram_pvalue",
        "power_spectrum_error_mean",
        "power_spectrum_error_max",
    )
    for name in names:
        assert np.isfinite([metrics[name], metrics[f"{name}_null"]]).all()

    assert metrics["selected_epoch"] in (1, 2)
    assert metrics["validation_score"] <= metrics["validation_score_last_epoch"]

    with sqlite3.connect(project / "mlflow.db") as store:
        logged = {row[0] for row in store.execute("select distinct key from metrics")}
        steps = dict(store.execute("select key, count(distinct step) from metrics group by key"))
        parameters = dict(store.execute("select key, value from params"))
        tags = {row[0] for row in store.execute("select key from tags")}
        query = "select e.name, r.name from runs r join experiments e using (experiment_id)"
        experiments, run_names = map(list, zip(*store.execute(query), strict=True))
        contexts = {row[0] for row in store.execute("select value from input_tags")}
    losses = (
        "discriminator_loss",
        "generator_loss",
        "real_logit",
        "fake_logit",
        "images_per_second",
    )
    assert {
        *(f"test/{n}" for n in names),
        *(f"null/{n}" for n in names),
        *(f"by_epoch/{n}" for n in losses),
        "validation/ks_pixels_distance",
        "validation/score",
        "system/cpu_utilization_percentage",
    } <= logged
    assert not {*names, *losses, "validation_score"} & logged
    assert experiments == ["Default"]
    assert run_names == [f"tiny-{backend}-lognormal-seed0"]
    assert contexts == {"training", "validation", "test"}
    assert steps["by_epoch/generator_loss"] == 2
    assert steps["validation/epoch_score"] == 2
    assert parameters["keras_backend"] == backend
    assert len(parameters["data_fingerprint"]) == 64
    assert parameters["simulation.sigma_8"] == "0.8"
    assert {"cosmogan_k3", "version.keras", f"version.{backend}"} <= tags
    artifacts = {path.name for path in (project / "mlruns").rglob("*")}
    figures = {f"{n}.png" for n in ("maps", "pixel_histogram", "power_spectrum", "pca", "losses")}
    assert {"metrics.json", "MLmodel", "model.keras", *figures} <= artifacts
    assert not [
        path for path in (project / "mlruns").rglob("*") if path.suffix in (".pkl", ".pickle")
    ]

    # tests/parity checks that samples are equal on all backends.
    run_python("-c", READ_BACK, tmp_path / "samples.npy", backend=NEXT[backend], cwd=project)
    samples = np.load(tmp_path / "samples.npy")
    assert samples.shape == (5, 16, 16)
    assert samples.std() > 0


def test_parameters_reach_no_shell_unquoted(project, tmp_path):
    trap = tmp_path / "trap"
    out = f"$(touch {trap}); touch {trap}; echo .csv"  # of an unknown ending
    result = mlflow_run(project, "simulate", maps=2, pixels=16, out=out)
    assert result.returncode != 0
    assert not trap.exists()


def test_real_maps_are_cut_trained_on_and_emulated(tmp_path, real_maps, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("lenstools_z150.fit", "lenstools_z55.fit"):
        shutil.copy(real_maps / name, data)
    command = ("-m", "cosmogan_k3")
    train = (
        "train",
        "--data",
        data,
        "--pixels",
        32,
        "--preset",
        "tiny",
        "--epochs",
        1,
        "--backend",
        "torch",
    )
    run_python(*command, *train, "--model-name", "", "--out", "run", cwd=tmp_path)
    generate = (
        "generate",
        "--model",
        "run/model.keras",
        "--backend",
        "torch",
        "--maps",
        256,
        "--out",
        "new.fits",
    )
    run_python(*command, *generate, cwd=tmp_path)
    new = read_maps(tmp_path / "new.fits")
    assert (len(new), new.pixels, new.pixel_arcmin) == (256, 32, pytest.approx(3.5 * 60 / 512))
    evaluate = (
        "evaluate",
        "--real",
        data / "lenstools_z150.fit",
        "--generated",
        "new.fits",
        "--pixels",
        32,
        "--out",
        "e",
    )
    run_python(*command, *evaluate, cwd=tmp_path)
    assert json.loads((tmp_path / "e" / "metrics.json").read_text())["generated_maps"] == 256
