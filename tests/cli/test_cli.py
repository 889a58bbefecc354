"""The command line as a user meets it: good commands, and a table of bad ones."""

import json
import os
import sys

import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.config import COMMANDS
from cosmogan_k3.maps import MapSet, read_maps, write_maps
from tests.harness import run_python


def run(capsys, *arguments):
    """Exit code, standard output and error of a command run in this process."""
    try:
        code = cli.main([str(a) for a in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def maps(tmp_path, rng):
    path = tmp_path / "maps.npz"
    write_maps(path, MapSet(rng.normal(size=(12, 16, 16)).astype("float32"), 3.0))
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(capsys, command):
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    for name in COMMANDS[command].__dataclass_fields__:
        assert "--" + name.replace("_", "-") in out
    code, out, _ = run(capsys, "--help")
    assert "examples:" in out
    assert command in out


def test_an_option_with_a_bare_form_is_one_for_mlproject_too():
    def parse(*given):
        return cli.build_parser().parse_args(["train", *given]).resume

    assert [parse(), parse("--resume"), parse("--resume", "0"), parse("--resume", "1")] == [
        0,
        1,
        0,
        1,
    ]


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
        kappa = rng.normal(size=(12, 16, 16)).astype("float32")
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
    code, _, err = run(capsys, *command)
    assert code == 2
    assert "real.npz: map 0" in err
    assert "NaN or infinite" in err


def test_evaluate_needs_no_keras(maps, tmp_path):
    code = (
        "import sys; from cosmogan_k3.cli import main as cli; "
        f"maps, out = {str(maps)!r}, {str(tmp_path / 'e')!r}; "
        "code = cli.main(['evaluate', '--real', maps, '--generated', maps, '--out', out]); "
        "names = ('keras', 'jax', 'tensorflow', 'torch', 'mlflow'); "
        "print(code, [m for m in names if m in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip().endswith("0 []")


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


def bad_commands(folder):
    """What is given, and what the one line must say: names of files, and the cause."""
    np.save(folder / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(
        folder / "few.npy", np.random.default_rng(0).normal(size=(12, 16, 16)).astype("float32")
    )
    np.save(
        folder / "many.npy", np.random.default_rng(0).normal(size=(40, 16, 16)).astype("float32")
    )
    np.save(folder / "oblong.npy", np.zeros((4, 8, 9), "float32"))
    np.save(folder / "complex.npy", np.zeros((4, 8, 8), complex))
    np.save(folder / "flat.npy", np.zeros((64,), "float32"))
    np.save(folder / "none.npy", np.zeros((0, 8, 8), "float32"))
    np.save(folder / "mask.npy", np.tri(16))
    np.save(folder / "small_mask.npy", np.ones((8, 8)))
    np.save(folder / "weights.npy", np.full((16, 16), 0.5))
    np.save(folder / "blind.npy", np.zeros((16, 16)))
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        maps = np.random.default_rng(0).normal(size=(40, 16, 16)).astype("float32")
        maps[3, 5, 4] = value
        np.save(folder / f"{name}.npy", maps)
    write_maps(folder / "whole.npz", MapSet(np.ones((40, 16, 16), "float32"), 1.0))
    for ending in ("npy", "npz", "fits", "h5"):
        path = folder / f"truncated.{ending}"
        write_maps(
            path, MapSet(np.random.default_rng(0).normal(size=(40, 16, 16)).astype("float32"), 1.0)
        )
        os.truncate(path, path.stat().st_size * 2 // 3)
    (folder / "file").write_text("")
    kappa = np.random.default_rng(0).normal(size=(40, 16, 16)).astype("float32")
    write_maps(folder / "varied.npz", MapSet(kappa, 1.0, parameters={"h": np.full(40, 0.7)}))

    def train(name, *more):
        return (
            "train",
            "--data",
            folder / name,
            "--pixel-arcmin",
            1,
            "--preset",
            "tiny",
            "--out",
            folder / "out",
            *more,
        )

    def evaluate(name):
        return (
            "evaluate",
            "--real",
            folder / name,
            "--generated",
            folder / name,
            "--out",
            folder / "out",
        )

    files = {
        "missing.npy": "no such file",
        "truncated.npy": "cannot be read",
        "truncated.npz": "cannot be read",
        "truncated.fits": "cannot be read",
        "truncated.h5": "cannot be read",
        "pickled.npy": "cannot be read",
        "nan.npy": "NaN or infinite",
        "inf.npy": "NaN or infinite",
        "complex.npy": "real floating-point",
        "oblong.npy": "expected maps of shape",
        "flat.npy": "expected maps of shape",
        "none.npy": "holds no maps",
    }
    for name, cause in files.items():
        yield train(name), (name, cause)
        yield (*evaluate(name), "--pixel-arcmin", "1"), (name, cause)
    yield train("few.npy", "--batch-size", 32), ("A batch holds 32 maps", "Received: 9")
    yield train("few.npy", "--pixels", 32), ("few.npy", "larger than its maps")
    yield train("few.npy", "--pixels", 10), ("multiple of 4", "10 pixels")
    yield train("whole.npz"), ("do not vary",)
    yield train("few.npy", "--backend", "mxnet"), ("expected one of jax", "mxnet")
    yield train("few.npy", "--condition", "omega_m,"), ("--condition", "with commas between")
    yield train("many.npy", "--condition", "omega_m"), ("no parameter 'omega_m'", "carry none")
    yield train("varied.npz", "--condition", "h"), ("h must be finite and vary",)
    yield (
        train("few.npy", "--condition", "h", "--preset", "geogan"),
        ("fully convolutional presets", "best, quick"),
    )
    yield train("few.npy", "--preset", "biggan"), ("Unknown preset", "biggan")
    yield train("few.npy", "--loss", "least_squares"), ("Unknown loss", "least_squares")
    yield train("many.npy", "--start", folder / "no.keras"), ("no.keras", "no such model")
    yield train("many.npy", "--start", folder / "few.npy"), ("few.npy", "not a readable model")
    yield (
        train("few.npy", "--preset", "rodriguez_wgan", "--batch-size", 6),
        ("multiple of 5", "Received: 6"),
    )
    yield train("few.npy", "--epochs", -1), ("--epochs", "at least 0")
    yield train("few.npy", "--resume"), ("out/checkpoints", "no checkpoint")
    yield train("few.npy", "--resume", 2), ("--resume", "expected one of 0, 1")
    yield train("few.npy", "--minutes", -1), ("--minutes", "at least 0")
    yield ("train",), ("--data",)
    yield evaluate("few.npy"), ("few.npy", "pixel_arcmin")
    yield ("evaluate", "--real", folder / "few.npy"), ("--generated",)
    masked = (*evaluate("few.npy"), "--pixel-arcmin", 1, "--mask")
    yield (*masked, folder / "no_mask.npy"), ("no_mask.npy", "no such file")
    yield (*masked, folder / "small_mask.npy"), ("small_mask.npy", "16 x 16", "(8, 8)")
    yield (*masked, folder / "weights.npy"), ("weights.npy", "0 and 1")
    yield (*masked, folder / "blind.npy"), ("blind.npy", "0 everywhere")
    yield (*masked, folder / "mask.npy", "--training", folder / "few.npy"), ("under a mask",)
    nan = (*evaluate("nan.npy"), "--pixel-arcmin", 1, "--mask", folder / "mask.npy")
    yield nan, ("nan.npy: map 3", "NaN or infinite")
    yield ("simulate", "--maps", -5), ("--maps", "at least 1")
    yield ("simulate", "--pixels", 0), ("--pixels", "at least 2")
    yield ("simulate", "--field-deg", "nan"), ("--field-deg", "finite")
    yield ("simulate", "--source-redshift", -1), ("--source-redshift", "greater than 0")
    yield ("simulate", "--seed", "one"), ("--seed", "expected int")
    yield ("simulate", "--out", folder / "maps.csv"), ("maps.csv", "unknown kind of file")
    yield ("simulate", "--out", folder / "file" / "maps.npz"), ("file", "cannot be written to")
    yield (
        ("simulate", "--vary", "sigma_8=1:0.6", "--out", folder / "s.npz"),
        ("--vary", "must rise"),
    )
    yield (
        ("simulate", "--vary", "sigma_8", "--out", folder / "s.npz"),
        ("--vary", "expected name=low:high"),
    )
    yield (
        ("generate", "--parameters", "h", "--out", folder / "g.npz"),
        ("--parameters", "expected name=value"),
    )
    many = ("--workers", 2, "--out", folder / "shards")
    yield (
        ("simulate", *many, "--scheduler", "tcp://host:8786"),
        ("--workers", "--scheduler", "give one of them"),
    )
    yield ("simulate", *many, "--omega-b", 0.5), ("0 < omega_b < omega_m",)
    yield ("simulate", "--workers", 2, "--out", folder / "whole.npz"), ("whole.npz", "is a file")
    yield ("generate", "--model", folder / "no.keras", *many), ("no.keras", "no such model")
    yield (
        (*evaluate("few.npy"), "--scheduler", "host"),
        ("--scheduler", "tcp://10.0.0.1:8786", "'host'"),
    )
    yield ("evaluate", "--workers", -1), ("--workers", "at least 0")
    yield ("main", "--out", folder / "file" / "run"), ("file", "cannot be written to")
    yield ("generate", "--maps", 0), ("--maps", "at least 1")
    yield (
        ("generate", "--model", folder / "no.keras", "--out", folder / "g.npz"),
        ("no.keras", "no such model"),
    )
    yield (
        ("generate", "--model", folder / "few.npy", "--out", folder / "g.npz"),
        ("few.npy", "not a readable model"),
    )
    yield (
        ("generate", "--model", "models:/nobody@champion", "--out", folder / "g.npz"),
        ("models:/nobody", "no such model"),
    )
    yield (
        ("generate", "--model", "runs:/0123/model", "--out", folder / "g.npz"),
        ("runs:/0123", "no such model"),
    )


def test_bad_input_is_one_line_and_exit_code_2(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    cases = list(bad_commands(tmp_path))
    before = {path for path in tmp_path.iterdir() if path.name != "mlflow.db"}
    for arguments, expected in cases:
        code, _, err = run(capsys, *arguments)
        lines = [
            line
            for line in err.splitlines()
            if "alembic" not in line and "mlflow.store" not in line
        ]
        assert code == 2, (arguments, err)
        assert len(lines) == 1, (arguments, err)
        assert lines[0].startswith("cosmogan"), lines
        assert all(text in lines[0] for text in expected), (expected, lines[0])
        left = {
            path for path in tmp_path.iterdir() if path.name not in ("mlflow.db", "mlruns")
        } - before
        assert not left, (arguments, left)
    assert len(cases) > 40


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


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_info_names_backend_and_versions(backend):
    out = run_python("-m", "cosmogan_k3", "info", "--backend", backend).stdout
    assert f"backend      {backend}" in out
    assert "devices" in out


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_training_on_another_backend_leaves_tensorflow_out(backend, tmp_path):
    sizes = ["--preset", "tiny", "--maps", "40", "--pixels", "16", "--epochs", "1"]
    command = [
        "main",
        *sizes,
        "--quiet",
        "--model-name",
        "",
        "--backend",
        backend,
        "--out",
        str(tmp_path / "run"),
    ]
    code = (
        f"import sys; from cosmogan_k3.cli import main as cli; code = cli.main({command}); "
        "print(code, 'tensorflow' in sys.modules)"
    )
    out = run_python(
        "-c", code, environment={"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    ).stdout
    assert out.strip().endswith("0 False")


@pytest.mark.parametrize(
    ("backend", "set_before", "restarts"),
    [
        ("jax", None, sys.platform == "linux"),
        ("torch", None, False),
        ("jax", "glibc.malloc.check=0", False),
    ],
)
def test_a_command_on_jax_starts_anew_with_huge_pages(monkeypatch, backend, set_before, restarts):
    monkeypatch.setenv("GLIBC_TUNABLES", set_before or "")  # what main sets is then undone, too
    if not set_before:
        monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.setattr(sys, "argv", ["cosmogan", "info", "--backend", backend])
    monkeypatch.setattr(sys, "orig_argv", ["python3", "/bin/cosmogan", *sys.argv[1:]])
    monkeypatch.setattr("cosmogan_k3.cli.commands.info.run", lambda config: None)
    started = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: started.append((path, arguments)))
    assert cli.main() == 0
    anew = [sys.executable, "/bin/cosmogan", "info", "--backend", backend]
    assert started == ([(sys.executable, anew)] if restarts else [])
    assert os.environ.get("GLIBC_TUNABLES") == (
        "glibc.malloc.hugetlb=1" if restarts else set_before
    )


def test_statistics_import_no_framework():
    code = (
        "import sys, cosmogan_k3, cosmogan_k3.statistics; "
        "print([m for m in ('keras', 'jax', 'torch', 'tensorflow') if m in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip() == "[]"
    assert "cosmogan_k3" in sys.modules
