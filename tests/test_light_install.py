"""``pip install cosmogan_k3`` without an extra: no Keras, MLflow, Optuna or framework."""

import os
import re
import sys
import tomllib

import numpy as np
import pytest

from cosmogan_k3._imports.extras import BACKENDS, WITH_BACKEND, choose_backend, explained
from tests.conftest import ROOT
from tests.harness import run_python
from tests.test_architecture import NEEDS_NO_KERAS, PACKAGE

# Packages that only the extras jax, tensorflow and torch bring.
EXTRA = (*WITH_BACKEND, *BACKENDS)
WITHOUT = f"""
import importlib, sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, path=None, target=None: (
    None if name.partition(".")[0] in {EXTRA} else find(name, path, target)
)
from cosmogan_k3.cli.main import main
"""
COMMANDS = ("cut", "evaluate", "models", "simulate")  # that need no backend
LIGHT = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for room in NEEDS_NO_KERAS
    for path in (PACKAGE / room).rglob("*.py")
)


def test_modules_that_need_no_backend_import_without_the_extras():
    modules = [*LIGHT, *(f"cosmogan_k3.cli.commands.{name}" for name in COMMANDS)]
    run_python("-c", f"{WITHOUT}\nfor name in {modules}: importlib.import_module(name)")


def test_commands_and_names_that_need_a_backend_say_how_to_install_it(tmp_path):
    commands = (["train", "--data=maps.npy"], ["generate"], ["main"], ["tune"], ["sync"], ["info"])
    code = f"""{WITHOUT}
import cosmogan_k3
print([main(each) for each in {commands}])
for name in ("cosmogan_k3.GAN", "cosmogan_k3.Emulator.load('pretrained:nbody')"):
    try:
        eval(name)
    except ImportError as error:
        print(error, file=sys.stderr)
"""
    np.save(tmp_path / "maps.npy", np.zeros((4, 8, 8), "float32"))
    result = run_python("-c", code, backend="torch", cwd=tmp_path)
    assert result.stdout.splitlines()[-1] == str([2] * len(commands))
    lines = result.stderr.splitlines()
    assert len(lines) == len(commands) + 2
    assert all("pip install 'cosmogan_k3[torch]'" in line for line in lines)


def test_statistics_load_what_is_used_and_when_it_is():
    code = """
import sys
from cosmogan_k3 import statistics
assert "numpy" not in sys.modules
statistics.compare
assert not {"sklearn", "scipy.stats", "matplotlib", "keras"} & sys.modules.keys()
"""
    run_python("-c", code)


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [(("torch", "jax"), "jax"), (("torch",), "torch"), (("torch", "tensorflow"), "tensorflow")],
)
def test_the_first_backend_that_is_installed_is_chosen(monkeypatch, installed, chosen):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in installed)
    choose_backend()
    assert os.environ["KERAS_BACKEND"] == chosen


def test_a_backend_that_the_user_chose_stays(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "jax")
    choose_backend()
    assert os.environ["KERAS_BACKEND"] == "torch"


def test_packages_that_come_with_a_backend_are_those_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    networks = project["optional-dependencies"]["networks"]
    assert {re.match(r"[\w-]+", each)[0] for each in networks} == set(WITH_BACKEND)


def test_an_error_names_the_extra(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    for package, extra in (("mlflow", "torch"), ("jax", "jax"), ("keras.src", "torch")):
        error = ModuleNotFoundError(f"No module named {package!r}", name=package)
        assert f"pip install 'cosmogan_k3[{extra}]'" in str(explained(error))
    other = ModuleNotFoundError("No module named 'camb'", name="camb")
    assert explained(other) is other
