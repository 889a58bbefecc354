"""The last lines of commands, and what libraries keep to themselves."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cosmogan_k3.cli.endings import maps_written, say
from cosmogan_k3.cli.main import main
from cosmogan_k3.cli.noise import silenced
from cosmogan_k3.maps import MapSet, write_maps


def test_simulate_says_what_it_wrote(tmp_path, capsys):
    command = ["simulate", "--maps", "5", "--pixels", "16", "--field-deg", "2"]
    for out, found in (
        ("maps.h5", "5 maps of 16 x 16 pixels of 7.5 arcmin, "),
        ("maps", "5 maps of 16 x 16 pixels of 7.5 arcmin in 3 files, "),
    ):
        options = ["--shard-maps", "2", "--out", str(tmp_path / out)]
        assert main([*command, *options]) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert last.startswith(f"wrote     {tmp_path / out}: {found}")
        assert last.endswith(" kB")
    assert main([*command, "--quiet", "--out", str(tmp_path / "quiet.h5")]) == 0
    assert capsys.readouterr().out == ""


def test_evaluate_says_where_to_look(tmp_path, capsys):
    kappa = np.random.default_rng(0).lognormal(size=(8, 32, 32)).astype("float32")
    path, out = tmp_path / "maps.npz", tmp_path / "evaluation"
    write_maps(path, MapSet(kappa, 2.0))
    sets = ["--real", str(path), "--generated", str(path)]
    assert main(["evaluate", *sets, "--out", str(out)]) == 0
    report, tables, figures = capsys.readouterr().out.splitlines()[-3:]
    assert report.split() == ["report", str(out / "report.html")]
    assert tables.split(maxsplit=1)[1] == f"metrics.json, statistics.csv, table.tex in {out}"
    assert figures.endswith(f"and as CSV in {out / 'numbers'}")
    count = int(figures.split()[1])
    assert len(list(out.glob("*.png"))) == len(list(out.glob("*.pdf"))) == count
    # The maps themselves are no table of numbers.
    assert len(list((out / "numbers").glob("*.csv"))) == count - 1


def test_sizes_are_for_people(tmp_path, capsys):
    (tmp_path / "maps.npz").write_bytes(bytes(12_345_678))
    assert maps_written(tmp_path / "maps.npz", 9000, 64, 4.6875).endswith("arcmin, 12.3 MB")
    say({"report": "here", "film": ""}, quiet=True)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_libraries_print_nothing_of_themselves():
    code = (
        "from cosmogan_k3.cli.noise import hush; hush(); import mlflow, logging; "
        "print(logging.getLogger('mlflow').level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["30"]  # warnings and errors alone
    assert done.stderr == ""


def test_what_a_library_writes_is_shown_with_its_error_alone(capfd):
    with silenced():
        os.write(2, b"E0000 00:00:17958 cuda.cc:52] CUDA was not found\nimport time: 5\n")
    assert capfd.readouterr().err == "import time: 5\n"

    @silenced()
    def fail():
        os.write(2, b"E0000 00:00:17958 cuda.cc:52] a symbol is missing")
        raise ImportError

    with pytest.raises(ImportError):
        fail()
    os.write(2, b", and more")
    assert capfd.readouterr().err.endswith("] a symbol is missing, and more")
