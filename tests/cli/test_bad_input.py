"""A table of invalid commands: exit code 2, one line that names the cause, nothing written."""

import os

import h5py
import healpy
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.cli.main import main
from cosmogan_k3.cli.parser import build_parser
from cosmogan_k3.maps import MapSet, write_maps
from tests.harness import run_command as run

OUT_OF_BOUNDS = [
    ("--seed", 2**32, "most 2147483647"),
    ("--maps", 10**11, "most 1000000000"),
    ("--pixels", 80_000, "most 16384"),
    ("--field-deg", 1e300, "most 60.0"),
    ("--field-deg", 1e-9, "least 0.01"),
    ("--source-redshift", -1, "least 0.01"),
    ("--source-redshift", 1100, "most 20.0"),
    ("--omega-m", 30, "most 1.0"),
    ("--h", 70, "most 1.0"),
    ("--sigma-8", 8, "most 2.0"),
    ("--n-s", 0, "least 0.5"),
    ("--workers", 100_000, "most 1024"),
    ("--galaxy-density", -3, "least 0"),
    ("--sigma-epsilon", 26, "most 2.0"),
    ("--smoothing-arcmin", -1, "least 0"),
]


def bad_archives(folder, evaluate):
    """Yield commands on archives whose arrays or sizes cannot be used."""
    kappa = np.random.default_rng(0).normal(0, 0.02, (12, 16, 16)).astype("float32")
    arrays = {
        "good": {"kappa": kappa, "pixel_arcmin": 2.0},
        "bins": {"kappa_z1": kappa, "kappa_z2": kappa, "pixel_arcmin": 2.0},
        "shear": {"gamma1": kappa, "pixel_arcmin": 2.0},
        "endless": {"kappa": kappa, "pixel_arcmin": np.inf},
        "ids": {"kappa": kappa, "pixel_arcmin": 2.0, "map_id": np.arange(5)},
        "names": {"kappa": kappa, "pixel_arcmin": 2.0, "parameter_model": np.array(["a"] * 12)},
        "unseen": {"kappa": np.where(kappa > 0.06, -1.6375e30, kappa), "pixel_arcmin": 2.0},
    }
    for name, each in arrays.items():
        np.savez(folder / f"{name}.npz", **each)
    with h5py.File(folder / "link.h5", "w") as file:
        file["kappa"] = h5py.ExternalLink("good.h5", "kappa")
    contrary = (*evaluate("good.npz"), "--pixel-arcmin", 18.8)
    yield contrary, ("--pixel-arcmin", "2 arcmin in the file", "18.8 arcmin")
    yield evaluate("bins.npz"), ("--field", "bins.npz", "kappa_z1, kappa_z2")
    yield evaluate("shear.npz"), ("--field", "'gamma1' is not named as convergence")
    wrong = (*evaluate("good.npz"), "--generated-field", "zs1")
    yield wrong, ("--generated-field", "holds no array 'zs1'")
    yield evaluate("endless.npz"), ("endless.npz", "positive pixel size")
    yield evaluate("ids.npz"), ("ids.npz", "map_id needs one value a map, 12")
    yield evaluate("names.npz"), ("names.npz", "'model' must be numbers")
    yield evaluate("unseen.npz"), ("unseen.npz", "-1.6375e+30")
    yield evaluate("link.h5"), ("--external", "link to another file, good.h5")


def bad_skies(folder):
    """Yield commands that cut what is no full sky, or cannot be cut."""
    sky = np.zeros(12 * 16**2, "float32")
    sky[:4] = np.nan
    np.save(folder / "sky.npy", sky)
    np.save(folder / "counts.npy", np.zeros(12 * 16**2, int))
    healpy.write_map(folder / "shear.fits", [sky, sky], column_names=["g1", "g2"], dtype=np.float32)
    table = fits.BinTableHDU.from_columns([fits.Column("kappa", "E", array=sky[:-12])])
    table.header["NSIDE"], table.header["ORDERING"] = 16, "RING"
    table.writeto(folder / "short.fits")

    def cut(name, *more):
        return ("cut", "--sky", folder / name, "--out", folder / "cut.h5", *more)

    yield ("cut", "--out", folder / "cut.h5"), ("--sky", "expected full-sky maps")
    yield cut("no.fits"), ("no.fits", "no such file")
    yield cut("no*.fits"), ("no*.fits", "no file has a name of this pattern")
    yield cut("few.npy"), ("few.npy", "12 nside² pixels", "(12, 16, 16)")
    yield cut("flat.npy"), ("flat.npy", "12 nside² pixels", "(64,)")
    yield cut("counts.npy"), ("counts.npy", "floating-point pixels", "int64")
    yield cut("whole.npz"), ("whole.npz", "12 nside² pixels")
    yield cut("shear.fits"), ("--field", "shear.fits", "g1, g2")
    yield cut("shear.fits", "--field", "g3"), ("--field", "holds no array 'g3'")
    yield cut("short.fits"), ("short.fits", "3060 values for a sky of 3072 pixels")
    yield cut("sky.npy", "--parameters", "h"), ("--parameters", "expected name=value")
    yield cut("sky.npy", "--field-deg", 40), ("--field-deg", "at most 30")
    yield cut("sky.npy", "--ordering", "spiral"), ("--ordering", "ring, nested")
    yield cut("shear.fits", "--field", "g1", "--ordering", "nested"), ("--ordering", "ring order")
    yield cut("sky.npy", "--mask", folder / "few.npy"), ("few.npy", "expected")
    yield cut("sky.npy", "--mask", folder / "flat.npy"), ("flat.npy", "12 nside² pixels")
    yield ("cut", "--sky", folder / "sky.npy", "--out", folder / "cut.csv"), ("unknown kind",)
    evaluate = ("evaluate", "--generated", folder / "few.npy", "--pixel-arcmin", 1, "--real")
    yield (*evaluate, folder / "shear.fits"), ("shear.fits", "holds a full sky; cut it")
    (folder / "table.dat").write_text("0.5 1.0\n")
    yield (*evaluate, folder / "table.dat"), ("table.dat", "the layout of this file is not known")


def bad_commands(folder):
    """Yield arguments, and what the line on standard error must contain."""
    np.save(folder / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(
        folder / "few.npy",
        np.random.default_rng(0).normal(scale=0.02, size=(12, 16, 16)).astype("float32"),
    )
    np.save(
        folder / "many.npy",
        np.random.default_rng(0).normal(scale=0.02, size=(40, 16, 16)).astype("float32"),
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
        maps = np.random.default_rng(0).normal(scale=0.02, size=(40, 16, 16)).astype("float32")
        maps[3, 5, 4] = value
        np.save(folder / f"{name}.npy", maps)
    write_maps(folder / "whole.npz", MapSet(np.ones((40, 16, 16), "float32"), 1.0))
    for ending in ("npy", "npz", "fits", "h5"):
        path = folder / f"truncated.{ending}"
        write_maps(
            path,
            MapSet(
                np.random.default_rng(0).normal(scale=0.02, size=(40, 16, 16)).astype("float32"),
                1.0,
            ),
        )
        os.truncate(path, path.stat().st_size * 2 // 3)
    (folder / "file").write_text("")
    kappa = np.random.default_rng(0).normal(scale=0.02, size=(40, 16, 16)).astype("float32")
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
    yield train("few.npy", "--pixels", 10), ("multiple of 8", "10 pixels")
    yield train("whole.npz"), ("do not vary",)
    yield train("few.npy", "--backend", "mxnet"), ("expected one of jax", "mxnet")
    yield train("few.npy", "--condition", "omega_m,"), ("--condition", "with commas between")
    yield train("many.npy", "--condition", "omega_m"), ("no parameter 'omega_m'", "carry none")
    yield train("varied.npz", "--condition", "h"), ("h must be finite and vary",)
    yield (
        train("few.npy", "--condition", "h", "--preset", "geogan"),
        ("fully convolutional presets", "best, quick"),
    )
    yield train("few.npy", "--preset", "biggan"), ("argument --preset: expected one of", "biggan")
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
    yield train("few.npy", "--width", 0), ("--width", "at least 0.001")
    yield ("train",), ("--data",)
    yield evaluate("few.npy"), ("few.npy", "pixel_arcmin")
    yield from bad_skies(folder)
    yield from bad_archives(folder, evaluate)
    yield ("evaluate", "--real", folder / "few.npy"), ("--generated",)
    masked = (*evaluate("few.npy"), "--pixel-arcmin", 1, "--mask")
    yield (*masked, folder / "no_mask.npy"), ("no_mask.npy", "no such file")
    yield (*masked, folder / "small_mask.npy"), ("small_mask.npy", "16 x 16", "(8, 8)")
    yield (*masked, folder / "weights.npy"), ("weights.npy", "0 and 1")
    yield (*masked, folder / "blind.npy"), ("blind.npy", "0 everywhere")
    nan = (*evaluate("nan.npy"), "--pixel-arcmin", 1, "--mask", folder / "mask.npy")
    yield nan, ("nan.npy: map 3", "NaN or infinite")
    yield ("simulate", "--maps", -5), ("--maps", "at least 1")
    yield ("simulate", "--pixels", 0), ("--pixels", "at least 2")
    yield ("simulate", "--field-deg", "nan"), ("--field-deg", "finite")
    for flag, value, bound in OUT_OF_BOUNDS:
        options = (flag, value, "--out", folder / "w.npz")
        yield ("simulate", *options), (f"{flag}: must be at {bound}. Received",)
    yield ("train", "--seed", 2**32), ("--seed: must be at most 2147483647",)
    yield ("tune", "--workers", 100_000), ("--workers: must be at most 1024",)
    film = ("generate", "--film", "latents", "--model", folder / "no.keras", "--out")
    yield (*film, folder / "film.npz"), ("--out: ", "film.npz: a film ends in .gif")
    yield (*film, folder / "film.gif", "--workers", 2), ("--film: a film shows",)
    yield ("generate", "--pixels", 80_000), ("--pixels: must be at most 16384",)
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
    seen = ("simulate", "--pixels", 16, "--field-deg", 2, "--out", folder / "s.npz")
    yield (*seen, "--smoothing-arcmin", 40), ("--smoothing-arcmin", "a quarter", "40 arcmin")
    yield (*seen, "--mask", folder / "small_mask.npy"), ("small_mask.npy", "16 x 16", "(8, 8)")
    yield (*seen, "--mask", folder / "no_mask.npy"), ("no_mask.npy", "no such file")
    boxes = ("simulate", "--method", "nbody", "--out", folder / "s.npz")
    yield (*boxes, "--field-deg", 20), ("--field-deg", "at most 15 degrees wide", "20")
    yield (*boxes, "--shift", 0.1), ("--shift", "only lognormal maps")
    yield (*boxes, "--particles", 8), ("--particles", "at least 16")
    yield (*boxes, "--box-maps", 0), ("--box-maps", "at least 1")
    yield (*boxes, "--sigma-8", -1), ("--sigma-8", "at least 0.2")
    yield (*boxes, "--omega-m", 0.05), ("0 < omega_b < omega_m",)
    yield ("simulate", "--method", "pm", "--out", folder / "s.npz"), ("--method", "nbody, halos")
    both = ("--kaiser-squires", "--quantity", "gamma1")
    yield (*seen, *both), ("--kaiser-squires, --quantity", "leave one of them out")
    npy = ("simulate", "--quantity", "gamma1", "--out", folder / "s.npy")
    yield npy, ("s.npy", "npz, h5 or fits")
    many = ("--workers", 2, "--out", folder / "shards")
    yield (
        ("simulate", *many, "--scheduler", "tcp://host:8786"),
        ("--workers", "--scheduler", "give one of them"),
    )
    yield ("simulate", *many, "--omega-b", 0.4), ("0 < omega_b < omega_m",)
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
        ("serve", "--model", folder / "no.keras", "--port", 0),
        ("--model", "no.keras", "no such model"),
    )
    yield (
        ("generate", "--model", "http://127.0.0.1:9/m.keras", "--out", folder / "g.npz"),
        ("--model", "http://127.0.0.1:9/m.keras", "expected a .keras file"),
    )
    yield (
        ("generate", "--model", "runs:/0123/model", "--out", folder / "g.npz"),
        ("runs:/0123", "no such model"),
    )


@pytest.mark.slow
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


def test_an_unexpected_error_is_one_line_and_a_traceback_with_debug(monkeypatch, capsys):
    def fail(config):
        raise AttributeError("a defect\nof the code")

    monkeypatch.setattr("cosmogan_k3.cli.commands.info.run", fail)
    assert main(["info"]) == 1
    assert capsys.readouterr().err == (
        "cosmogan info: unexpected error: AttributeError: a defect of the code; please report it, "
        "with the output of the same command with --debug\n"
    )
    assert main(["info", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out=--", "--seed=--"])
def test_two_dashes_are_no_value(capsys, option):
    with pytest.raises(SystemExit, match="2"):
        main(["simulate", option])
    error = capsys.readouterr().err
    assert error == f"cosmogan simulate: error: argument {option[:-3]}: expected one argument\n"


def test_a_name_that_begins_with_the_sign_of_a_home_is_a_name():
    out = "~no such user/maps.npz"
    assert build_parser().parse_args(["simulate", f"--out={out}"]).out == out


def test_the_error_of_an_endless_value_is_short(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["simulate", "--seed", "9" * 10_000])
    assert len(capsys.readouterr().err) < 1_100
