"""Names, cards and files of the models that come with the package; nothing here needs Keras."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile

import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.pretrained import card, card_text, model_file, names, read_card, summary
from tests.conftest import ROOT
from tests.harness import run_command, run_python

ABOUT = """\
title = "maps for a test"
data = "random numbers"
licence = "MIT"
source_redshift = 0.5
limits = ["Nowhere."]
[cosmology]
omega_m = 0.25
"""
MEASURED = {
    "sha256": hashlib.sha256(b"weights").hexdigest(),
    "n_bytes": 7,
    "pixels": 32,
    "pixel_arcmin": 3.75,
    "parameters": {"sigma_8": [0.6, 1.0]},
    "training": {"train_maps": 1200, "train_groups": 6, "preset": "tiny"},
    "evaluation": {"power_spectrum_error_mean": 0.021, "power_spectrum_error_mean_null": 0.01},
    "statistics": [
        {"statistic": "peaks", "distance": 0.3, "null_median": 0.2, "corrected_pvalue": 0.5},
        {"statistic": "minima", "distance": 0.9, "null_median": 0.2, "corrected_pvalue": 0.01},
    ],
    "sample": {},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the model ``test`` alone."""
    monkeypatch.setattr(card, "FOLDER", tmp_path)
    (tmp_path / "test.toml").write_text(ABOUT)
    (tmp_path / "test.json").write_text(json.dumps(MEASURED))
    (tmp_path / "test.keras").write_bytes(b"weights")
    return tmp_path


def test_a_model_is_listed_in_a_few_lines(capsys, folder):
    code, out, err = run_command(capsys, "models")
    assert (code, err) == (0, "")
    assert out == (
        "test\n"
        "    maps for a test\n"
        "    32 x 32 pixels of 3.75 arcmin (2 degrees), sources at z = 0.5; omega_m = 0.25\n"
        "    trained on 1,200 maps of 6 boxes; 0 kB\n"
        "    1 of 2 statistics within 2 times their null; mean |dP/P| 2.1% (null 1.0%)\n"
    )
    assert out == summary(read_card("test")) + "\n"


def test_the_command_prints_a_card(capsys, folder):
    code, out, _ = run_command(capsys, "models", "test")
    assert code == 0
    for text in ("conditional on sigma_8: 0.6 to 1", "- Nowhere.", MEASURED["sha256"], "MIT"):
        assert text in out
    row = next(line.split() for line in out.splitlines() if "minima" in line)
    assert row == ["minima", "0.9", "0.2", "4.5", "0.01"]


def test_an_unknown_name_lists_the_names(capsys, folder):
    code, _, err = run_command(capsys, "models", "nobody")
    assert code == 2
    assert "no pretrained model has this name. Received: 'nobody'; expected one of test" in err
    with pytest.raises(InputError, match="expected one of test"):
        model_file("../test")


def test_a_version_without_models_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(card, "FOLDER", tmp_path)
    assert run_command(capsys, "models")[1] == "no pretrained models come with this version\n"
    with pytest.raises(InputError, match="none in this version"):
        read_card("nbody")


def test_a_file_is_checked_against_its_card(folder):
    assert model_file("test") == folder / "test.keras"
    (folder / "test.keras").write_bytes(b"weighty")
    with pytest.raises(InputError, match="damaged: its SHA-256 is not the one on its card"):
        model_file("test")
    (folder / "test.keras").unlink()
    with pytest.raises(InputError, match="no such file; install the package again"):
        model_file("test")


@pytest.mark.parametrize("name", names())
def test_each_model_has_a_whole_card(name):
    shipped = read_card(name)
    assert model_file(name).stat().st_size == shipped.n_bytes
    assert shipped.limits
    assert shipped.statistics
    assert shipped.sha256 in card_text(shipped)


def test_the_list_needs_no_keras():
    code = (
        "import sys; from cosmogan_k3.cli.main import main; main(['models']); "
        "print([m for m in ('keras', 'numpy', 'mlflow') if m in sys.modules])"
    )
    assert run_python("-c", code).stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_models_and_cards_are_in_the_wheel(tmp_path):
    source = tmp_path / "source"
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "cosmogan_k3", source / "cosmogan_k3", ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet")
    subprocess.run([*pip, "--wheel-dir", tmp_path, source], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    endings = {".keras", ".toml", ".json"}
    files = [path for path in (ROOT / "cosmogan_k3").rglob("*") if path.suffix in endings]
    assert {path.relative_to(ROOT).as_posix() for path in files} <= packed
    assert "cosmogan_k3/py.typed" in packed
