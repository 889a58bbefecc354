"""Registered models: two flavors, aliases, served maps, and errors of the registry."""

import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server

from cosmogan_k3._version import __version__
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, Sampler, build_gan
from cosmogan_k3.gan.provenance import model_metadata
from cosmogan_k3.maps import Conditioning
from cosmogan_k3.tracking import registry, runs
from cosmogan_k3.tracking.pyfunc import SamplingModel

pytestmark = pytest.mark.backend
PARAMETERS = {"omega_m": np.linspace(0.2, 0.4, 20), "w": np.linspace(-1.2, -0.8, 20)}


def tiny_gan(**options):
    return build_gan("tiny", pixels=16, pixel_arcmin=3.0, **options)


def conditional_gan():
    return tiny_gan(conditioning=Conditioning.fit(["omega_m", "w"], PARAMETERS))


def log(gan, **options):
    """Log a GAN to a new run."""
    with runs.training_run("run", {}):
        return registry.log_gan(gan, **options)


@pytest.fixture
def logged():
    """A registered GAN, and what MLflow returned for it."""
    gan = tiny_gan(seed=1)
    return gan, log(gan, registered_name="maps")


def test_a_registered_gan_is_loaded_with_all_flavors(capsys, logged):
    gan, info = logged
    assert "register" not in capsys.readouterr().err  # MLflow announces nothing
    expected = Sampler(gan).sample(3, seed=2)
    for uri in (info.model_uri, "models:/maps@champion", "models:/maps/1"):
        np.testing.assert_array_equal(Sampler(registry.load_gan(uri)).sample(3, seed=2), expected)
    assert isinstance(mlflow.keras.load_model("models:/maps/1"), GAN)
    served = mlflow.pyfunc.load_model("models:/maps@champion")
    found = served.predict(pd.DataFrame({"maps": [3], "seed": [2]}))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_logged_model_holds_no_pickle_and_pins_its_requirements(logged):
    _, info = logged
    folder = Path(mlflow.artifacts.download_artifacts(info.model_uri))
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".pyc")]
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert f"keras=={keras.__version__}" in requirements
    assert any(line.startswith(f"{keras.backend.backend()}==") for line in requirements)


def test_the_metadata_of_a_model_say_what_its_maps_are(logged):
    gan, _ = logged
    metadata = mlflow.models.get_model_info("models:/maps/1").metadata
    assert metadata == model_metadata(gan)
    assert metadata["pixels"] == 16
    assert metadata["pixel_arcmin"] == 3.0
    assert metadata["seed"] == 1
    assert metadata["version"] == __version__


def test_the_alias_moves_to_the_new_version(logged):
    log(tiny_gan(seed=2), registered_name="maps")
    version = mlflow.MlflowClient().get_model_version_by_alias("maps", "champion")
    assert int(version.version) == 2


def test_a_gan_without_a_name_is_logged_and_not_registered():
    assert log(tiny_gan()).registered_model_version is None
    assert registry.version_with_alias("maps", "champion") is None


def test_a_missing_model_is_reported_in_one_line():
    with pytest.raises(InputError, match="models:/none@champion: no such model in") as caught:
        Emulator.load("models:/none@champion")
    assert caught.value.parameter == "model"
    assert "\n" not in str(caught.value)


BAD_NAMES = ("a/b", "a:b", "a@b", "a#b", "50%", " ", ".", "..", "a\nb", "maps ", "x" * 257)
BAD_ALIASES = ("v1", "V12", "latest", "Latest", "my champion!", "a/b", "champion\n", "x" * 256)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_mlflow_refuses_are_refused_before_any_work(name):
    with pytest.raises(InputError, match="Received") as caught:
        registry.check_names(name, "champion")
    assert caught.value.parameter == "model_name"


@pytest.mark.parametrize("alias", BAD_ALIASES)
def test_aliases_that_mlflow_refuses_are_refused_before_any_work(alias):
    with pytest.raises(InputError, match="Received") as caught:
        registry.check_names("maps", alias)
    assert caught.value.parameter == "alias"


def test_names_that_mlflow_takes_are_accepted():
    client = mlflow.MlflowClient()
    for name in ("maps", "κ maps, 2nd", "a.b-c_d", "x" * 256):
        registry.check_names(name, "")
        client.create_registered_model(name)
        client.create_model_version(name, "file:///nowhere")
    for alias in ("champion", "best_of-2", "v1b", "x" * 255):
        registry.check_names("", alias)
        client.set_registered_model_alias("maps", alias, "1")


def test_the_signature_has_a_column_for_each_parameter():
    signature = registry.signature(16, ["omega_m", "w"])
    assert signature.inputs.input_names() == ["maps", "seed", "omega_m", "w"]
    assert signature.inputs.required_input_names() == [], "parameters stand for columns"
    found = {param.name: param.default for param in signature.params}
    assert found == {"n": 1, "seed": 0, "pixels": 16, "omega_m": None, "w": None}


def ask_server(model, document):
    """Answer a request as the server of ``mlflow models serve`` does."""
    body, schema = json.dumps(document).encode(), model.metadata.get_input_schema()
    return json.loads(scoring_server.invocations(body, "application/json", model, schema).response)


def test_maps_are_asked_for_with_parameters_alone(logged):
    gan, info = logged
    model = mlflow.pyfunc.load_model(info.model_uri)
    expected = Sampler(gan).sample(2, seed=3, pixels=32)
    params = {"n": 2, "seed": 3, "pixels": 32}
    table = {"dataframe_split": {"columns": [], "data": []}, "params": params}
    answers = [
        model.predict(pd.DataFrame(), params=params),
        ask_server(model, table)["predictions"],
    ]
    for found in answers:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "params", "reason"),
    [
        ([0, 0], {}, "row 1: maps must be a whole number from 1 to"),
        ([1, -1], {}, "row 1: seed must be a whole number"),
        ([10**6, 0], {}, "expected at most"),
        ([1, 0], {"pixels": 17}, "17"),
        ([1, 0], {"pixels": 10**6}, "pixels must be a whole number from 1 to 2048"),
    ],
)
def test_mlflows_server_answers_a_bad_request_with_the_reason(logged, row, params, reason):
    model = mlflow.pyfunc.load_model(logged[1].model_uri)
    document = {"dataframe_split": {"columns": ["maps", "seed"], "data": [row]}, "params": params}
    with pytest.raises(mlflow.exceptions.MlflowException, match=reason):
        ask_server(model, document)


def test_a_parameter_stands_for_an_empty_or_missing_column():
    gan = conditional_gan()
    model = SamplingModel(gan)
    rows = pd.DataFrame({"maps": [1, 1], "omega_m": [0.25, np.nan]})
    found = model.predict(rows, {"w": -1.0, "omega_m": 0.3, "seed": 4})
    expected = [
        Sampler(gan).sample(1, seed=4, parameters={"omega_m": value, "w": -1.0})
        for value in (0.25, 0.3)
    ]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-5, atol=1e-6)
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing columns: w"):
        model.predict(rows)


def test_the_input_example_lies_in_the_middle_of_the_range():
    (row,) = registry.input_example(conditional_gan().conditioning).to_dict("records")
    assert row == pytest.approx({"maps": 1, "seed": 0, "omega_m": 0.3, "w": -1.0})


def test_each_row_of_a_request_is_drawn_with_its_seed_and_parameters():
    gan = conditional_gan()
    rows = {"maps": [2, 1], "seed": [3, np.nan], "omega_m": [0.25, 0.35], "w": [-1.0, -0.9]}
    found = SamplingModel(gan).predict(pd.DataFrame(rows))
    first = Sampler(gan).sample(2, seed=3, parameters={"omega_m": 0.25, "w": -1.0})
    second = Sampler(gan).sample(1, seed=0, parameters={"omega_m": 0.35, "w": -0.9})
    # The rows share a batch, whose sums another batch may round otherwise.
    np.testing.assert_allclose(found, np.concatenate([first, second]), rtol=1e-5, atol=1e-6)
