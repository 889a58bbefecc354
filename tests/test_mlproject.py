"""The MLproject: values reach the command as they were typed, whatever characters they have."""

import shlex
from dataclasses import fields

import pytest
from mlflow.projects._project_spec import load_project

from cosmogan_k3.cli.parser import build_parser
from cosmogan_k3.config import COMMANDS
from tests.conftest import ROOT

VALUES = (
    "two words",
    'it\'s "quoted"',
    "κ-Karten/überall.fits",
    "$HOME; echo `id` && $(id) | tee > x",
    "run*/kappa?[0-9].{npy,npz}",
    "a\\b\\\\c",
    "100%s {data} {out}",
    "first line\nsecond line",
    "--not-an-option",
)


def strings_of(command):
    """Return the names of the parameters of a command that take any text."""
    return [
        f.name for f in fields(COMMANDS[command]) if f.type is str and not f.metadata["choices"]
    ]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("command", ["main", "evaluate", "generate", "tune"])
def test_values_reach_the_command_as_they_were_typed(command, value):
    entry = load_project(str(ROOT)).get_entry_point(command)
    given = dict.fromkeys(strings_of(command), value)
    line = shlex.split(entry.compute_command(given, storage_dir=None))
    if value.startswith("-"):  # argparse refuses it in one line instead of taking it for an option
        with pytest.raises(SystemExit):
            build_parser().parse_args(line[3:])
        return
    parsed = vars(build_parser().parse_args(line[3:]))
    assert line[:3] == ["python", "-m", "cosmogan_k3"]
    assert {name: parsed[name] for name in given} == given


def test_make_run_and_mlflow_run_stand_in_the_same_experiment():
    (line,) = (part for part in (ROOT / "Makefile").read_text().split("\n\n") if "run: env" in part)
    assert "mlflow run ." in line
    assert "experiment" not in line
