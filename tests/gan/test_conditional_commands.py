"""Commands of a conditional model: simulate, train, generate, and the registered model."""

import json

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.maps import MapSet, read_maps, write_maps

SIMULATE = "simulate --maps 80 --pixels 16 --cosmologies 8 --vary omega_m=0.2:0.4,sigma_8=0.6:1.0"
TRAIN = "train --preset tiny --epochs 2 --data maps.h5 --out run --model-name conditional"
GENERATE = "generate --model run/model.keras --seed 3"
PARAMETERS = {"omega_m": 0.3, "sigma_8": 0.8}


def run(command, **options):
    """Run a command with further options; return its exit code."""
    more = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return cli.main([*command.split(), *more, "--quiet"])


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory):
    """A folder with maps of eight cosmologies and a model that was trained on them."""
    folder = tmp_path_factory.mktemp("conditional")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("KERAS_BACKEND", keras.backend.backend())
        # MLflow leaves the number of an experiment in the environment; other stores lack it.
        patch.setenv("MLFLOW_EXPERIMENT_ID", "")
        patch.delenv("MLFLOW_EXPERIMENT_ID")
        patch.chdir(folder)
        assert run(SIMULATE, out="maps.h5") == 0
        assert run(TRAIN, condition="omega_m,sigma_8") == 0
        yield folder


def test_training_is_evaluated_at_the_parameters_of_the_test_maps(project):
    metrics = json.loads((project / "run" / "metrics.json").read_text())
    assert metrics["condition"] == "omega_m,sigma_8"
    assert metrics["generated_maps"] == metrics["real_maps"] == 16
    assert 1 <= metrics["interpolation_smoothness"] < 3


def test_generated_files_hold_the_maps_of_the_emulator_and_their_parameters():
    assert run(GENERATE, maps=20, parameters="omega_m=0.3,sigma_8=0.8", out="one.h5") == 0
    maps = read_maps("one.h5")
    assert maps.parameters["omega_m"].tolist() == [0.3] * 20
    emulator = Emulator.load("run/model.keras")
    np.testing.assert_array_equal(maps.kappa[:], emulator.sample(20, seed=3, parameters=PARAMETERS))


def test_the_amplitude_grows_with_sigma_8():
    emulator = Emulator.load("run/model.keras")
    low, high = (
        emulator.sample(200, parameters=PARAMETERS | {"sigma_8": value}).std()
        for value in (0.7, 0.9)
    )
    assert high > 1.05 * low


def test_shards_hold_the_parameters(project):
    options = {"parameters": "omega_m=0.3,sigma_8=0.8", "workers": 1, "shard_maps": 4}
    assert run(GENERATE, maps=6, out="shards", **options) == 0
    assert read_maps("shards").parameters["sigma_8"].tolist() == [0.8] * 6
    metadata = json.loads((project / "shards" / "shards.json").read_text())
    assert metadata["parameters"] == PARAMETERS


@pytest.mark.parametrize("executor", [{}, {"workers": 1}], ids=["here", "worker"])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            "",
            "This model is conditional: it needs values of omega_m, sigma_8. "
            "Received: parameters none",
        ),
        ("omega_m=0.3", "Received: parameters omega_m"),
        ("omega_m=0.3,sigma_8=0.8,h=0.7", "Received: parameters omega_m, sigma_8, h"),
        ("omega_m=0.3,sigma_8=1.2", "does not extrapolate. Received: 1.2"),
    ],
)
def test_bad_parameters_are_reported_in_one_line(project, capsys, parameters, message, executor):
    assert run(GENERATE, maps=2, out="bad.h5", parameters=parameters, **executor) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (project / "bad.h5").exists()


def test_training_starts_only_from_a_model_of_the_same_parameters(capsys):
    maps = read_maps("maps.h5")
    parameters = {"sigma_8": maps.parameters["sigma_8"]}
    write_maps("other.h5", MapSet(maps.kappa, maps.pixel_arcmin, parameters=parameters))
    options = {"condition": "sigma_8", "out": "other", "start": "run/model.keras"}
    assert run("train --preset tiny --data other.h5", **options) == 2
    assert "is conditioned on other parameters" in capsys.readouterr().err


def test_training_resumes_only_with_the_same_parameters(capsys):
    assert run(f"{TRAIN} --resume", condition="sigma_8") == 2
    assert "condition: recorded omega_m,sigma_8, given sigma_8" in capsys.readouterr().err


def test_the_registered_model_takes_parameters_as_columns():
    model = mlflow.pyfunc.load_model("models:/conditional@champion")
    rows = {"maps": [2, 1], "seed": [3, 0], "omega_m": [0.3, 0.3], "sigma_8": [0.8, 0.7]}
    expected = Emulator.load("run/model.keras").sample(2, seed=3, parameters=PARAMETERS)
    found = model.predict(pd.DataFrame(rows))
    np.testing.assert_allclose(found[:2], expected, rtol=1e-5, atol=1e-6)
    assert set(model.input_example.columns) == {"maps", "seed", "omega_m", "sigma_8"}
    assert model.predict(model.input_example).shape == (1, *expected.shape[1:])
