"""The commands of the command line, with valid arguments."""

import json
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.cli.backends import TUNABLES
from cosmogan_k3.config import COMMANDS
from cosmogan_k3.maps import MapSet, read_maps, write_maps
from cosmogan_k3.maps.io.lock import exclusive
from tests.harness import run_command as run
from tests.harness import run_python


@pytest.fixture
def maps(tmp_path, rng):
    path = tmp_path / "maps.npz"
    write_maps(path, MapSet(rng.normal(scale=0.02, size=(12, 16, 16)).astype("float32"), 3.0))
    return path


def test_the_installed_command_is_the_entry_point():
    (command,) = entry_points(name="cosmogan", group="console_scripts")
    assert command.load() is cli.main


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    for name, field in COMMANDS[command].__dataclass_fields__.items():
        flag = "--" + name.replace("_", "-")
        assert (name.upper() if field.metadata["positional"] else flag) in out
    code, out, _ = run(capsys, "--help")
    assert "examples:" in out
    assert command in out


def test_help_shows_choices_and_no_empty_defaults(capsys):
    shown = {}
    for command in ("train", "tune"):
        _, shown[command], _ = run(capsys, command, "--help")
        assert "(default: )" not in shown[command]
    assert "--periodic {auto,yes,no}" in shown["train"]
    assert "--backend {jax,tensorflow,torch}" in shown["train"]
    assert "{best,quick," in shown["train"]
    assert "--sampler {tpe," in shown["tune"]
    assert "--pruner {asha," in shown["tune"]


def test_abbreviations_of_options_are_refused(capsys):
    code, _, err = run(capsys, "simulate", "--map", 3)
    assert (code, err) == (2, "cosmogan: error: unrecognized arguments: --map 3\n")


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (("train", "--data"), "nowhere.npy"),
        (("main", "--data"), "no/maps/*.npy"),
        (("tune", "--data"), "nowhere.npy"),
        (("tune", "--ranges"), "nowhere.toml"),
        (("tune", "--ranges"), "ranges.toml"),
    ],
)
def test_a_wrong_input_fails_before_a_backend_is_imported(
    capsys, monkeypatch, tmp_path, command, given
):
    monkeypatch.chdir(tmp_path)
    Path("ranges.toml").write_text("[beta_3]\nlow = 0.1\nhigh = 0.2\n")
    module = f"cosmogan_k3.cli.commands.{command[0]}"
    monkeypatch.setattr(f"{module}.use_backend", lambda name: pytest.fail("imports Keras"))
    code, _, err = run(capsys, *command, given)
    assert code == 2
    assert given in err
    assert err.count("\n") == 1


def test_an_option_with_a_bare_form_is_one_for_mlproject_too():
    def parse(*given):
        return cli.build_parser().parse_args(["train", *given]).resume

    assert [parse(), parse("--resume"), parse("--resume", "0"), parse("--resume", "1")] == [
        0,
        1,
        0,
        1,
    ]


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    parsed = cli.build_parser().parse_args(["simulate", "--out=~/maps.npz"])
    assert parsed.out == str(tmp_path / "maps.npz")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from cosmogan_k3.cli import main as cli; cli.build_parser(); "
        "print([m for m in ('keras', 'numpy', 'mlflow') if m in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip() == "[]"


@pytest.mark.parametrize("ending", ["npz", "npy", "h5", "fits"])
def test_simulate_writes_every_format(capsys, tmp_path, ending):
    path = tmp_path / "new" / f"maps.{ending}"
    code, _, err = run(
        capsys,
        "simulate",
        "--maps",
        4,
        "--pixels",
        16,
        "--field-deg",
        2,
        "--seed",
        3,
        "--out",
        path,
        "--quiet",
    )
    assert (code, err) == (0, "")
    maps = read_maps(path, pixel_arcmin=7.5 if ending == "npy" else None)
    assert (len(maps), maps.pixels, maps.pixel_arcmin) == (4, 16, pytest.approx(7.5))
    again = tmp_path / f"again.{ending}"
    run(
        capsys,
        "simulate",
        "--maps",
        4,
        "--pixels",
        16,
        "--field-deg",
        2,
        "--seed",
        3,
        "--out",
        again,
        "--quiet",
    )
    np.testing.assert_array_equal(
        np.asarray(read_maps(again, pixel_arcmin=7.5).kappa), np.asarray(maps.kappa)
    )


def test_evaluate_writes_metrics_with_nulls_and_figures(capsys, tmp_path, maps):
    out = tmp_path / "evaluation"
    code, printed, err = run(capsys, "evaluate", "--real", maps, "--generated", maps, "--out", out)
    assert (code, err) == (0, "")
    metrics = json.loads((out / "metrics.json").read_text())
    for name in (
        "ks_pixels_distance",
        "ks_histogram_pvalue",
        "power_spectrum_error_mean",
        "power_spectrum_error_max",
    ):
        assert f"{name}_null" in metrics
        assert name in printed
    assert metrics["power_spectrum_error_mean"] == 0
    assert metrics["real_fingerprint"] == metrics["generated_fingerprint"]
    for name in ("maps", "pixel_histogram", "power_spectrum"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_under_a_mask_allows_nan_where_nothing_was_observed(capsys, tmp_path, rng):
    mask = np.ones((16, 16), np.uint8)
    mask[2:5, 2:5] = 0
    np.save(tmp_path / "mask.npy", mask)
    for name in ("real", "generated"):
        kappa = rng.normal(scale=0.02, size=(12, 16, 16)).astype("float32")
        kappa[:, mask == 0] = np.nan
        write_maps(tmp_path / f"{name}.npz", MapSet(kappa, 3.0))
    out = tmp_path / "evaluation"
    command = [
        "evaluate",
        "--real",
        tmp_path / "real.npz",
        "--generated",
        tmp_path / "generated.npz",
        "--out",
        out,
    ]
    code, printed, err = run(capsys, *command, "--mask", tmp_path / "mask.npy")
    assert (code, err) == (0, "")
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["mask"] == str(tmp_path / "mask.npy")
    assert metrics["observed_share"] == pytest.approx(1 - 9 / 256)
    assert {"wasserstein_pixels", "wasserstein_pixels_null", "wasserstein_log_power_null"} <= set(
        metrics
    )
    assert "Left out, because they need whole maps: Minkowski V₀" in printed
    code, _, err = run(capsys, *command, "--overwrite")
    assert code == 2
    assert "real.npz: map 0" in err
    assert "NaN or infinite" in err


def test_outputs_are_overwritten_only_on_request(capsys, tmp_path, maps):
    out, folder = tmp_path / "new.npz", tmp_path / "evaluation"
    simulate = ("simulate", "--maps", 1, "--pixels", 8, "--field-deg", 2, "--quiet", "--out", out)
    evaluate = ("evaluate", "--real", maps, "--generated", maps, "--quiet", "--out", folder)
    folder.mkdir()
    for command, path in ((simulate, out), (evaluate, folder / "report.html")):
        path.write_text("precious")
        code, _, err = run(capsys, *command)
        assert code == 2
        assert f"--out, --overwrite: {path}: is there already" in err
        assert path.read_text() == "precious"
    assert run(capsys, *simulate, "--overwrite") == (0, "", "")
    assert len(read_maps(out)) == 1
    with exclusive(out):
        code, _, err = run(capsys, *simulate, "--overwrite")
    assert code == 2
    assert "another process is writing to it" in err


def test_evaluate_needs_no_keras(maps, tmp_path):
    code = (
        "import sys; from cosmogan_k3.cli import main as cli; "
        f"maps, out = {str(maps)!r}, {str(tmp_path / 'e')!r}; "
        "code = cli.main(['evaluate', '--real', maps, '--generated', maps, '--out', out]); "
        "names = ('keras', 'jax', 'tensorflow', 'torch', 'mlflow'); "
        "print(code, [m for m in names if m in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip().endswith("0 []")


@pytest.mark.slow
def test_real_maps_are_cut_and_evaluated(capsys, tmp_path, real_maps):
    files = [real_maps / f"lenstools_z{z}.fit" for z in (150, 55)]
    code, _, err = run(
        capsys,
        "evaluate",
        "--real",
        files[0],
        "--generated",
        files[1],
        "--pixels",
        64,
        "--out",
        tmp_path,
        "--quiet",
    )
    assert (code, err) == (0, "")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["real_maps"] == 64
    assert metrics["power_spectrum_error_mean"] > 0.5, (
        "sources at different redshifts have different spectra"
    )


def test_from_outside_there_is_no_traceback_either(tmp_path):
    result = run_python(
        "-m",
        "cosmogan_k3",
        "evaluate",
        "--real",
        tmp_path / "a.npy",
        "--generated",
        "b",
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == f"cosmogan evaluate: error: {tmp_path / 'a.npy'}: no such file\n"


def test_an_unknown_backend_in_the_environment_is_refused(tmp_path):
    result = run_python("-m", "cosmogan_k3", "info", backend="mxnet", check=False)
    assert result.returncode == 2
    assert "KERAS_BACKEND='mxnet'" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_info_names_backend_and_versions(backend):
    out = run_python("-m", "cosmogan_k3", "info", "--backend", backend).stdout
    assert f"backend      {backend}" in out
    assert "devices" in out


@pytest.mark.parametrize(
    ("command", "set_before", "expected"),
    [
        (("info", "--backend", "jax"), None, TUNABLES["jax"]),
        (("info", "--backend", "torch"), None, TUNABLES["torch"]),
        (("info", "--backend", "tensorflow"), None, None),
        (("info", "--backend", "jax"), "glibc.malloc.check=0", "glibc.malloc.check=0"),
        (("evaluate", "--backend", "jax"), None, None),
        (("evaluate", "--backend", "jax", "--classifier"), None, TUNABLES["jax"]),
    ],
)
def test_a_command_starts_anew_with_glibc_set_for_its_backend(
    monkeypatch, command, set_before, expected
):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("GLIBC_TUNABLES", set_before or "")  # what main sets is then undone, too
    if not set_before:
        monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.setattr(sys, "argv", ["cosmogan", *command])
    monkeypatch.setattr(sys, "orig_argv", ["python3", "/bin/cosmogan", *sys.argv[1:]])
    for name in ("info", "evaluate"):
        monkeypatch.setattr(f"cosmogan_k3.cli.commands.{name}.run", lambda config: None)
    started = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: started.append((path, arguments)))
    assert cli.main() == 0
    anew = [sys.executable, "/bin/cosmogan", *command]
    assert started == ([(sys.executable, anew)] if expected != set_before else [])
    assert os.environ.get("GLIBC_TUNABLES") == expected


def test_statistics_import_no_framework():
    code = (
        "import sys, cosmogan_k3, cosmogan_k3.statistics; "
        "print([m for m in ('keras', 'jax', 'torch', 'tensorflow') if m in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip() == "[]"
    assert "cosmogan_k3" in sys.modules
