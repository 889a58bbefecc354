"""Conditional generation from simulation to file, as a user meets it."""

import json

import keras
import mlflow
import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.maps import MapSet, read_maps, write_maps

pytestmark = pytest.mark.backend
TRAIN = (
    "train",
    "--preset",
    "tiny",
    "--epochs",
    2,
    "--condition",
    "omega_m,sigma_8",
    "--model-name",
    "conditional",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with maps of eight cosmologies and a model that was trained on them."""
    folder = tmp_path_factory.mktemp("conditional")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("KERAS_BACKEND", keras.backend.backend())
        # MLflow leaves the number of the experiment in the environment, and no other store knows it.
        patch.setenv("MLFLOW_EXPERIMENT_ID", "")
        patch.delenv("MLFLOW_EXPERIMENT_ID")
        patch.chdir(folder)
        simulate = (
            "simulate",
            "--maps",
            80,
            "--pixels",
            16,
            "--cosmologies",
            8,
            "--out",
            "maps.h5",
        )
        assert run(*simulate, "--vary", "omega_m=0.2:0.4,sigma_8=0.6:1.0") == 0
        assert run(*TRAIN, "--data", "maps.h5", "--out", "run") == 0
        yield folder


def run(*arguments):
    return cli.main([*map(str, arguments), "--quiet"])


def test_the_training_is_judged_at_the_parameters_of_the_held_out_maps(project):
    metrics = json.loads((project / "run" / "metrics.json").read_text())
    assert metrics["condition"] == "omega_m,sigma_8"
    assert metrics["generated_maps"] == metrics["real_maps"] == 16
    assert 1 <= metrics["interpolation_smoothness"] < 3


def test_generated_files_carry_their_parameters(project):
    command = ("generate", "--model", "run/model.keras", "--maps", 20, "--seed", 3)
    given = "omega_m=0.3,sigma_8=0.8"
    assert run(*command, "--parameters", given, "--out", "one.h5") == 0
    maps = read_maps("one.h5")
    assert maps.parameters["omega_m"].tolist() == [0.3] * 20
    emulator = Emulator.load("run/model.keras")
    options = {"seed": 3, "parameters": {"omega_m": 0.3, "sigma_8": 0.8}}
    np.testing.assert_array_equal(maps.kappa[:], emulator.sample(20, **options))
    assert (
        emulator.sample(200, parameters={"omega_m": 0.3, "sigma_8": 0.9}).std()
        > 1.05 * emulator.sample(200, parameters={"omega_m": 0.3, "sigma_8": 0.7}).std()
    )


def test_shards_carry_them_too(project):
    command = (
        "generate",
        "--model",
        "run/model.keras",
        "--maps",
        6,
        "--seed",
        3,
        "--workers",
        1,
        "--shard-maps",
        4,
    )
    assert run(*command, "--parameters", "omega_m=0.3,sigma_8=0.8", "--out", "shards") == 0
    assert read_maps("shards").parameters["sigma_8"].tolist() == [0.8] * 6
    facts = json.loads((project / "shards" / "shards.json").read_text())
    assert facts["parameters"] == {"omega_m": 0.3, "sigma_8": 0.8}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            "",
            "This model is conditional: it needs values of omega_m, sigma_8. Received: parameters none",
        ),
        ("omega_m=0.3", "Received: parameters omega_m"),
        ("omega_m=0.3,sigma_8=0.8,h=0.7", "Received: parameters omega_m, sigma_8, h"),
        ("omega_m=0.3,sigma_8=1.2", "does not extrapolate. Received: 1.2"),
    ],
)
def test_bad_parameters_end_in_one_line(project, capsys, parameters, said):
    command = (
        "generate",
        "--model",
        "run/model.keras",
        "--maps",
        2,
        "--out",
        "bad.h5",
        "--parameters",
        parameters,
    )
    for more in ((), ("--workers", 1)):
        assert run(*command, *more) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert not (project / "bad.h5").exists()


def test_it_starts_only_from_a_model_of_the_same_parameters(project, capsys):
    other = read_maps("maps.h5")
    write_maps(
        "other.h5",
        MapSet(
            other.kappa, other.pixel_arcmin, parameters={"sigma_8": other.parameters["sigma_8"]}
        ),
    )
    command = (
        "train",
        "--preset",
        "tiny",
        "--data",
        "other.h5",
        "--condition",
        "sigma_8",
        "--out",
        "other",
    )
    assert run(*command, "--start", "run/model.keras") == 2
    assert "is conditioned on other parameters" in capsys.readouterr().err
    assert (
        run(*TRAIN, "--data", "maps.h5", "--out", "run", "--resume", "--condition", "sigma_8") == 2
    )
    assert "condition: recorded omega_m,sigma_8, given sigma_8" in capsys.readouterr().err


def test_the_registered_model_takes_them_as_columns(project):
    import pandas as pd

    model = mlflow.pyfunc.load_model("models:/conditional@champion")
    rows = pd.DataFrame(
        {"maps": [2, 1], "seed": [3, 0], "omega_m": [0.3, 0.3], "sigma_8": [0.8, 0.7]}
    )
    expected = Emulator.load("run/model.keras").sample(
        2, seed=3, parameters={"omega_m": 0.3, "sigma_8": 0.8}
    )
    np.testing.assert_allclose(model.predict(rows)[:2], expected, rtol=1e-5, atol=1e-6)
    assert set(model.input_example.columns) == {"maps", "seed", "omega_m", "sigma_8"}
    assert model.predict(model.input_example).shape == (1, *expected.shape[1:])
