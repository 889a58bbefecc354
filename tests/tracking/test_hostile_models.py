"""MLflow models of unknown origin: only their ``.keras`` file is read, inside their folder."""

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest
import yaml

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import build_gan
from cosmogan_k3.tracking import registry, runs
from tests.gan.test_hostile_models import pickled

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def gan():
    return build_gan("tiny", pixels=16, pixel_arcmin=3.0)


@pytest.fixture(scope="module")
def logged(gan, tmp_path_factory):
    """The store of a registered model, the folder of the model, and a copy of it."""
    home = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{home}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.chdir(home)
        with runs.training_run("run", {}):
            info = registry.log_gan(gan, registered_name="maps")
        folder = Path(mlflow.artifacts.download_artifacts(info.model_uri))
    shutil.copytree(folder, home / "copy")
    return uri, folder, home / "copy"


@pytest.fixture
def folder(logged, monkeypatch):
    """The folder of a registered model, as it was logged."""
    uri, folder, copy = logged
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    return folder


@pytest.fixture
def marker(tmp_path):
    """A file that hostile code would write."""
    return tmp_path / "marker"


def edit(folder, change):
    """Change the ``MLmodel`` file of a model."""
    path = folder / "MLmodel"
    declared = yaml.safe_load(path.read_text())
    change(declared["flavors"])
    path.write_text(yaml.safe_dump(declared))


def saved_model(folder, marker):
    """Declare a TensorFlow SavedModel instead of the file of Keras."""
    (folder / "data" / "model").mkdir()
    (folder / "data" / "model" / "saved_model.pb").write_bytes(b"hostile graph")
    edit(folder, lambda flavors: flavors["keras"].update(save_exported_model=True))


def swapped_loader(folder, marker):
    """Declare a loader that unpickles another file."""
    (folder / "evil.pkl").write_bytes(pickled(marker))
    loader = "import pickle\ndef _load_pyfunc(path): return pickle.load(open(path, 'rb'))\n"
    (folder / "code" / "evil_loader.py").write_text(loader)
    declared = {"loader_module": "evil_loader", "data": "evil.pkl", "code": "code"}
    edit(folder, lambda flavors: flavors["python_function"].update(declared))


def absolute_data(folder, marker):
    """Declare data outside the folder of the model."""
    marker.with_name("elsewhere").mkdir()
    absolute = str(marker.with_name("elsewhere"))
    edit(folder, lambda flavors: [each.update(data=absolute) for each in flavors.values()])


def pickle_beside(folder, marker):
    """Put pickles beside the file of the model."""
    for name in ("python_model.pkl", "data/model.pkl", "data/custom_objects.cloudpickle"):
        (folder / name).write_bytes(pickled(marker))


def unreadable_mlmodel(folder, marker):
    """Put a tag that unsafe YAML loaders call into ``MLmodel``."""
    evil = f"flavors: !!python/object/apply:builtins.open [{str(marker)!r}, w]\n"
    (folder / "MLmodel").write_text(evil)


@pytest.mark.parametrize(
    "change", [saved_model, swapped_loader, absolute_data, pickle_beside, unreadable_mlmodel]
)
def test_whatever_a_model_declares_only_its_keras_file_is_read(change, folder, gan, marker):
    change(folder, marker)
    loaded = Emulator.load("models:/maps@champion")
    np.testing.assert_array_equal(loaded.sample(1), Emulator(gan).sample(1))
    assert not marker.exists()


def linked_file(folder, outside):
    (folder / "data" / "model.keras").rename(outside / "model.keras")
    (folder / "data" / "model.keras").symlink_to(outside / "model.keras")


def linked_folder(folder, outside):
    (folder / "data").rename(outside / "data")
    (folder / "data").symlink_to(outside / "data")


def no_file(folder, outside):
    (folder / "data" / "model.keras").rename(outside / "model.keras")


@pytest.mark.parametrize("change", [linked_file, linked_folder, no_file])
def test_a_file_outside_the_folder_of_the_model_is_refused(change, folder, tmp_path):
    (tmp_path / "outside").mkdir()
    change(folder, tmp_path / "outside")
    with pytest.raises(InputError, match=r"maps@champion: not a model of this package; it has no"):
        Emulator.load("models:/maps@champion")


def test_a_pickle_instead_of_the_file_is_not_unpickled(folder, marker):
    (folder / "data" / "model.keras").write_bytes(pickled(marker))
    with pytest.raises(InputError, match="not a readable model"):
        Emulator.load("models:/maps@champion")
    assert not marker.exists()


def test_mlflow_itself_runs_what_a_model_declares(folder, marker):
    """The hazard that docs/howto/mlflow.md describes, and for which ``cosmogan serve`` is there."""
    swapped_loader(folder, marker)
    with pytest.raises(Exception, match=r"."):
        mlflow.pyfunc.load_model("models:/maps@champion").predict(np.zeros(1))
    assert marker.exists()
