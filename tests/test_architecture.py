"""Rules of the architecture: which way imports point, and what must agree with what."""

import ast
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cosmogan_k3._version import __version__
from cosmogan_k3.config import COMMANDS
from tests.conftest import ROOT

PACKAGE = ROOT / "cosmogan_k3"
FRAMEWORKS = {"jax", "tensorflow", "torch"}
NEEDS_NO_KERAS = (
    *("config", "errors", "units", "maps", "simulation", "statistics", "evaluation", "parallel"),
    *("pretrained", "survey"),
)

# What each room (folder or file of the package) may import of it; all: ``_typing``, ``_imports``.
ARROWS = {
    "_version": set(),
    "_typing": set(),
    "_imports": set(),
    "errors": set(),
    "units": {"errors"},
    "_options": {"errors"},
    "config": {"_options"},
    "maps": {"errors", "units"},
    "simulation": {"_options", "config", "errors", "maps", "statistics", "units"},
    "statistics": {"errors", "units"},
    "parallel": {"errors", "maps", "_version"},
    "survey": {"errors", "maps", "statistics", "units"},
    "evaluation": {"_version", "errors", "maps", "parallel", "statistics", "survey"},
    "backend": {"errors"},
    "nn": {"backend", "errors", "statistics"},
    "gan": {"_options", "_version", "backend", "errors", "maps", "nn", "statistics"},
    "tracking": {"_version", "cosmogan_k3", "errors", "gan", "maps"},
    "pretrained": {"errors"},
    "emulator": {"errors", "gan", "maps", "pretrained", "tracking"},
    "serving": {"_version", "emulator", "errors", "gan"},
    "training": {
        "_options",
        *("backend", "config", "emulator", "errors", "evaluation", "gan", "maps", "nn", "parallel"),
        *("statistics", "tracking"),
    },
    "tuning": {
        *("backend", "config", "emulator", "errors", "evaluation", "gan", "maps", "nn"),
        *("parallel", "statistics", "tracking", "training"),
    },
    "cli": {
        *("_options", "_version", "backend", "config", "emulator", "errors", "evaluation", "gan"),
        *("maps", "parallel", "pretrained", "serving", "simulation", "statistics", "survey"),
        *("tracking", "training", "tuning"),
    },
    "__init__": {
        *("_version", "emulator", "errors", "evaluation", "gan", "maps", "simulation"),
        *("statistics", "survey", "training"),
    },
    "__main__": {"cli"},
}


def imports(path):
    """Yield the full names of the modules that a file imports, at its top or in functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "cosmogan_k3":
                yield from (f"cosmogan_k3.{alias.name}" for alias in node.names)
            else:
                yield node.module


def strings(path):
    """Yield the string constants of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def room_of(path):
    """Return the folder or module of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


def test_only_the_backend_folder_names_a_framework():
    for path in FILES:
        if room_of(path) != "backend":
            named = {name.split(".")[0] for name in imports(path)} & FRAMEWORKS
            assert not named, f"{path} imports {named}"


@pytest.mark.parametrize(
    ("library", "room"),
    [
        ("mlflow", "tracking"),
        ("optuna", "tuning"),
        ("dask", "parallel"),
        ("distributed", "parallel"),
        ("starlette", "serving"),
        ("uvicorn", "serving"),
    ],
)
def test_one_room_each_for_mlflow_optuna_and_dask(library, room):
    users = {
        room_of(path)
        for path in FILES
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users <= {room}


def test_arrows_point_one_way():
    for path in FILES:
        room = room_of(path)
        ours = {
            [*name.split("."), "cosmogan_k3"][1]
            for name in imports(path)
            if name.split(".")[0] == "cosmogan_k3"
        }
        wrong = ours - ARROWS[room] - {room, "_typing", "_imports"}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


# The help texts; a program with flags of its own; the command lines of started workers.
NAME_FLAGS = {"_options/shared.py", "config.py", "tuning/stack.py", "tuning/workers.py"}


def test_only_the_command_line_names_its_flags():
    names = {
        field.name.replace("_", "-") for config in COMMANDS.values() for field in fields(config)
    }
    flag = re.compile(rf"--({'|'.join(sorted(names))})\b")
    say_resume = {"training/trainer.py", "training/results.py"}
    for path in FILES:
        relative = path.relative_to(PACKAGE).as_posix()
        if room_of(path) != "cli" and relative not in NAME_FLAGS | say_resume:
            named = [node.value for node in strings(path) if flag.search(node.value)]
            assert not named, f"{relative}: {named}"


def test_every_room_is_known():
    assert {room_of(path) for path in FILES} == set(ARROWS)


def test_maps_statistics_simulation_and_evaluation_stand_without_keras():
    for path in FILES:
        if room_of(path) in NEEDS_NO_KERAS:
            assert "keras" not in {name.split(".")[0] for name in imports(path)}, path


def test_mlproject_has_the_parameters_of_config():
    project = yaml.safe_load((ROOT / "MLproject").read_text())
    assert set(project["entry_points"]) == set(COMMANDS)
    for name, config in COMMANDS.items():
        entry = project["entry_points"][name]
        expected = {f.name: f.default for f in fields(config) if not f.metadata["flag"]}
        assert {key: value["default"] for key, value in entry["parameters"].items()} == expected
        used = re.findall(r"(?:--([\w-]+) )?\{(\w+)\}", entry["command"])
        flags = {
            f.name: "" if f.metadata["positional"] else f.name.replace("_", "-")
            for f in fields(config)
        }
        assert sorted(used) == sorted((flags[key], key) for key in expected)


def test_conda_and_constraints_agree_and_cover_the_dependencies():
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    pins = {name.lower(): version for name, version in pins.items()}
    environment = yaml.safe_load((ROOT / "conda.yaml").read_text())["dependencies"][-1]["pip"]
    conda = dict(line.split("==") for line in environment)
    assert all(pins[name.lower()] == version for name, version in conda.items())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    runtime = {
        re.match(r"[\w-]+", each)[0] for each in (*project["dependencies"], *extras["networks"])
    }
    assert runtime | {"jax", "tensorflow", "torch"} <= set(conda)
    named = {re.match(r"[\w-]+", each)[0].lower() for extra in extras.values() for each in extra}
    assert named - {"cosmogan_k3"} <= {name.replace("_", "-") for name in pins}


def test_citation_has_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__


def test_a_conda_environment_and_constraints_name_no_host():
    for name in ("constraints.txt", "conda.yaml"):
        assert "://" not in (ROOT / name).read_text()


def test_fixed_top_level_is_there():
    for name in (
        "cosmogan_k3",
        "tests",
        "mlflow_projects",
        "MLproject",
        "conda.yaml",
        "README.md",
        ".ci/run",
    ):
        assert Path(ROOT / name).exists(), name
