"""Model files of unknown origin: nothing of them runs, and each is refused in one line.

A marker file shows whether anything ran; it must not exist afterwards.
"""

import base64
import builtins
import io
import json
import marshal
import os
import pickle
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from tests.gan.hostile_files import (
    first_dataset,
    members,
    pack,
    unsigned,
    with_config,
    with_weights,
)
from tests.gan.tiny_gan import tiny_gan


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file of a GAN."""
    path = tmp_path_factory.mktemp("model") / "gan.keras"
    tiny_gan().save(path)
    return path


@pytest.fixture
def marker(tmp_path):
    """A file that hostile code would write."""
    path = tmp_path / "marker"
    yield path
    assert not path.exists(), "code of the file was run"


def refused(path, reason="."):
    """Return the one line with which a file is refused."""
    with pytest.raises(InputError, match=reason) as caught:
        Emulator.load(path)
    text = str(caught.value)
    assert path.name in text
    assert "\n" not in text
    assert caught.value.parameter == "model"
    return text


class Opener:
    """Pickled, it opens the marker file for writing when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return builtins.open, (str(self.marker), "w")


def pickled(marker):
    return pickle.dumps(Opener(marker))


def lambda_config(marker):
    code = compile(f"lambda x: open({str(marker)!r}, 'w') and x", "evil", "eval").co_consts[0]
    return {"class_name": "__lambda__", "config": {"value": _dumped(code)}}


def _dumped(code):
    return [base64.b64encode(marshal.dumps(code)).decode(), None, None]


def evil_module(marker):
    """Write a module that leaves the marker when it is imported."""
    (marker.parent / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")


def layer(class_name, config, module="keras.layers", **entries):
    entry = {"module": module, "class_name": class_name, "config": config, "registered_name": None}
    return entry | {"name": "evil", "inbound_nodes": []} | entries


KINDS = {
    "lambda layer": lambda m: layer("Lambda", {"function": lambda_config(m)}),
    "bare lambda": lambda_config,
    "legacy layer": lambda m: {"class_name": "Lambda", "name": "evil", "config": {}},
    "import": lambda m: layer("X", {}, "evil"),
    "function of os": lambda m: layer("function", "system", "os", registered_name="system"),
    "builtin": lambda m: layer("function", "eval", "builtins", registered_name="eval"),
    "download": lambda m: layer("function", "get_file", "keras.utils", registered_name="get_file"),
    "torch": lambda m: layer("TorchModuleWrapper", {"module": pickled(m).decode("latin-1")}),
    "SavedModel": lambda m: layer("TFSMLayer", {"filepath": str(m.parent)}),
    "our name": lambda m: layer("X", {}, "evil", registered_name="cosmogan_k3>GAN"),
    "invented name": lambda m: layer("Lambda", {}, registered_name="cosmogan_k3>Lambda"),
    "not registered": lambda m: layer("Y", {}, "evil", registered_name="other>Y"),
    "type": lambda m: {
        **layer("__typespec__", [], "evil"),
        "spec_name": "X",
    },
    "private path": lambda m: layer("Lambda", {}, "keras.src.layers.core.lambda_layer"),
    "a class that is no text": lambda m: layer(["Dense"], {}),
}


def into_layers(config, entry):
    config["config"]["generator"]["config"]["layers"].insert(1, entry)


def into_calibrator(config, entry):
    config["config"]["calibrator"] = entry


def into_loss(config, entry):
    config["compile_config"]["loss"] = [[0, entry]]


def into_initializer(config, entry):
    layers = config["config"]["discriminator"]["config"]["layers"]
    dense = next(each for each in layers if each["class_name"] == "Dense")
    dense["config"]["kernel_initializer"] = entry


PLACES = (into_layers, into_calibrator, into_loss, into_initializer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_of_others_is_refused_wherever_it_stands(kind, model, marker, monkeypatch):
    evil_module(marker)
    monkeypatch.syspath_prepend(str(marker.parent))
    entry = KINDS[kind](marker)
    for place in PLACES:
        path = with_config(model, marker.parent / "evil.keras", lambda c, p=place: p(c, entry))
        refused(path, "a class that models of this package do not use")
    assert "evil" not in sys.modules


@pytest.mark.parametrize("kind", ["import", "function of os", "lambda layer", "our name"])
def test_a_hostile_object_in_place_of_the_model_is_refused(kind, model, marker, monkeypatch):
    evil_module(marker)
    monkeypatch.syspath_prepend(str(marker.parent))
    entry = json.dumps(KINDS[kind](marker)).encode()
    refused(pack(marker.parent / "evil.keras", unsigned(model) | {"config.json": entry}))
    assert "evil" not in sys.modules


def test_the_lambda_of_these_tests_would_run_without_the_check(tmp_path):
    path = tmp_path / "ran"
    entry = lambda_config(path)
    function = keras.saving.deserialize_keras_object(entry, safe_mode=False)
    function(1)
    assert path.exists()


def test_a_pickle_under_the_name_of_a_model_is_not_unpickled(marker):
    path = marker.parent / "model.keras"
    path.write_bytes(pickled(marker))
    refused(path, "not a readable model")


@pytest.mark.parametrize("name", ["../evil", "/evil", "assets/evil", "model.pkl", "..\\evil"])
def test_an_archive_with_other_members_is_refused(name, model, tmp_path):
    path = pack(tmp_path / "evil.keras", unsigned(model) | {name: b"evil"})
    refused(path, "it holds another file")
    assert not [each for each in tmp_path.rglob("*evil*") if each != path]


def test_two_members_of_one_name_are_refused(model, tmp_path):
    path = pack(tmp_path / "evil.keras", members(model))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    refused(path, "two of its files have one name")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_zip_bomb_is_refused_before_it_is_inflated(name, model, tmp_path):
    bomb = unsigned(model) | {name: bytes(2**27)}
    path = pack(tmp_path / "bomb.keras", bomb, zipfile.ZIP_DEFLATED)
    refused(path, "bytes would become 13")


def external_link(file, secret):
    name = first_dataset(file)
    del file[name]
    file[name] = h5py.ExternalLink(str(secret), "x")


def soft_link(file, secret):
    file["elsewhere"] = h5py.SoftLink("/vars")


def replaced(file, **options):
    """Replace the first data set by one of the same shape with other options."""
    name = first_dataset(file)
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    return file.create_dataset(name, shape, dtype, **options)


def external_storage(file, secret):
    replaced(file, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def virtual_set(file, secret):
    name = first_dataset(file)
    layout = h5py.VirtualLayout(file[name].shape, file[name].dtype)
    layout[...] = h5py.VirtualSource(str(secret), "x", file[name].shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


def shape_bomb(file, secret):
    file.create_dataset("bomb", (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")


def empty_storage(file, secret):
    replaced(file)


def text(file, secret):
    file["text"] = ["a", "b"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (external_link, "link to other places"),
        (soft_link, "link to other places"),
        *((each, "not stored as Keras stores them") for each in (external_storage, virtual_set)),
        *((each, "not stored as Keras stores them") for each in (shape_bomb, empty_storage, text)),
    ],
)
def test_weights_that_lie_elsewhere_are_refused(change, reason, model, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones(100)
    path = tmp_path / "evil.keras"
    refused(with_weights(model, path, lambda file: change(file, tmp_path / "secret.h5")), reason)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value, model, tmp_path):
    def spoil(file):
        file[first_dataset(file)][...] = value

    refused(with_weights(model, tmp_path / "evil.keras", spoil), "weights are NaN or infinite")


@pytest.mark.parametrize("value", [np.inf, np.nan, 0, -1, "one", None, [1, 2]])
def test_a_pixel_size_that_is_none_is_refused(value, model, tmp_path):
    def spoil(config):
        config["config"]["pixel_arcmin"] = value

    refused(with_config(model, tmp_path / "evil.keras", spoil))


def test_a_flipped_weight_is_refused_though_the_archive_is_right(model, tmp_path):
    contents = members(model)
    weights = io.BytesIO(contents["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file[first_dataset(file)][...] *= 60
    contents["model.weights.h5"] = weights.getvalue()
    refused(pack(tmp_path / "flipped.keras", contents), r"damaged: the SHA-256 of model\.weights")
    contents = members(model)
    contents["config.json"] = contents["config.json"].replace(b"3.0", b"4.0")
    refused(pack(tmp_path / "edited.keras", contents), r"damaged: the SHA-256 of config\.json")


def test_a_file_without_checksums_is_loaded_with_no_claim(model, tmp_path):
    old = pack(tmp_path / "old.keras", unsigned(model))
    expected = Emulator.load(model).sample(2)
    np.testing.assert_array_equal(Emulator.load(old).sample(2), expected)


def test_the_checksums_are_those_of_sha256sum(model, tmp_path):
    import subprocess

    with zipfile.ZipFile(model) as archive:
        archive.extractall(tmp_path)
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count(": OK") == 3


def other_files(folder, model):
    """Yield files that are no model, with the reason of their refusal."""
    whole = model.read_bytes()
    kept = unsigned(model)
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    contents = {
        "empty": b"",
        "text": b"no model\n" * 100,
        "cut": whole[: len(whole) // 2],
        "tail": whole[len(whole) // 2 :],
        "flipped": whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:],
    }
    for name, data in contents.items():
        (folder / f"{name}.keras").write_bytes(data)
        yield folder / f"{name}.keras"
    for name, change in {
        "deep": {"config.json": deep},
        "list": {"config.json": b"[1]"},
        "latin": {"config.json": b"\xff\xfe"},
        "without config": {"config.json": b'{"registered_name": "cosmogan_k3>GAN"}'},
        "no hdf5": {"model.weights.h5": b"no hdf5"},
        "empty sums": {"SHA256SUMS": b""},
        "bad sums": {"SHA256SUMS": b"\x00"},
    }.items():
        yield pack(folder / f"{name}.keras", kept | change)
    yield pack(folder / "part.keras", {"config.json": kept["config.json"]})


def test_damaged_and_foreign_files_are_refused_in_one_line(model, tmp_path):
    for path in other_files(tmp_path, model):
        refused(path)
    os.mkfifo(tmp_path / "pipe.keras")
    refused(tmp_path / "pipe.keras", "no such model")
    refused(tmp_path, "no such model")


def test_a_plain_keras_model_and_an_old_h5_file_are_refused(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.save(tmp_path / "plain.keras")
    refused(tmp_path / "plain.keras", "not a GAN of this package. Received: 'Sequential'")
    network.save(tmp_path / "old.h5")
    (tmp_path / "old.h5").rename(tmp_path / "old.keras")
    refused(tmp_path / "old.keras", "not a readable model")


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:9/model.keras", "https://x/m", "s3://x/m", "file:///etc/hosts", "run 12:/m"],
)
def test_addresses_are_not_fetched(uri):
    with pytest.raises(InputError, match=r"no such model; expected a \.keras file"):
        Emulator.load(uri)


def test_a_path_that_looks_like_an_address_is_loaded(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models:").mkdir()
    (tmp_path / "models:" / "gan.keras").write_bytes(model.read_bytes())
    assert Emulator.load("models:/gan.keras").pixels == 16


def test_a_gan_is_saved_only_under_its_ending(tmp_path):
    with pytest.raises(InputError, match=r"gan\.h5: expected a path that ends in \.keras"):
        tiny_gan().save(tmp_path / "gan.h5")
