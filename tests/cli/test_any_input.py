"""Whatever the input, a command ends with 0, or with 2 and one line on standard error."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cosmogan_k3.cli import main as cli
from cosmogan_k3.config import COMMANDS

VALUES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "constant": lambda rng, shape: np.full(shape, 0.02),
    "one constant map": lambda rng, shape: np.where(
        np.arange(shape[0])[:, None, None] == 0, 0.0, rng.normal(size=shape)
    ),
    "huge": lambda rng, shape: 1e37 * rng.normal(size=shape),
    "denormal": lambda rng, shape: 1e-42 * rng.normal(size=shape),
    "nan": lambda rng, shape: np.where(rng.random(shape) < 0.1, np.nan, 1.0),
    "infinite": lambda rng, shape: np.where(rng.random(shape) < 0.1, -np.inf, 1.0),
    "whole numbers": lambda rng, shape: rng.integers(-3, 3, size=shape),
}
SHORT = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# A user sees numerical warnings; the suite would turn them into errors.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@st.composite
def sets_of_maps(draw, smallest=1, largest=8):
    """Small sets of maps of any kind and type."""
    side = draw(st.integers(smallest, largest))
    height = draw(st.sampled_from([side, side, side, side + 1]))
    shape = (draw(st.integers(0, 6)), side, height)
    values = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    dtype = draw(st.sampled_from(["float16", "float32", "float64", "int32"]))
    rng = np.random.default_rng(draw(st.integers(0, 3)))
    with np.errstate(all="ignore"):
        return values(rng, shape).astype(dtype)


def check(*arguments):
    """Run a command; return its exit code once it and the messages are known to be right."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
    if code:
        assert code == 2
        assert err.getvalue().count("\n") == 1, err.getvalue()
        assert err.getvalue().startswith("cosmogan"), err.getvalue()
    return code


@SHORT
@given(real=sets_of_maps(), generated=sets_of_maps(), pixels=st.sampled_from([0, 0, 0, 2, 4]))
def test_evaluate_takes_or_refuses_any_maps(tmp_path, real, generated, pixels):
    np.save(tmp_path / "real.npy", real)
    np.save(tmp_path / "generated.npy", generated)
    check(
        *("evaluate", "--real", tmp_path / "real.npy", "--generated", tmp_path / "generated.npy"),
        *("--pixel-arcmin", 1, "--pixels", pixels, "--out", tmp_path / "out"),
    )


@pytest.mark.slow
@settings(SHORT, max_examples=6)
@given(maps=sets_of_maps(8, 10), seed=st.integers(0, 3))
def test_evaluate_takes_or_refuses_any_maps_against_others(tmp_path, maps, seed):
    real = np.random.default_rng(seed).normal(size=(5, *maps.shape[1:])).astype("float32")
    np.save(tmp_path / "real.npy", real)
    np.save(tmp_path / "generated.npy", maps)
    check(
        *("evaluate", "--real", tmp_path / "real.npy", "--generated", tmp_path / "generated.npy"),
        *("--pixel-arcmin", 1, "--out", tmp_path / "out", "--quiet"),
    )


def texts():
    """Arguments that are numbers, nearly numbers, or anything else that a shell can pass."""
    numbers = st.one_of(st.integers(-3, 40), st.floats(-2, 3), st.sampled_from(["nan", "inf"]))
    return st.one_of(numbers.map(str), st.text(st.characters(codec="ascii"), max_size=4))


@SHORT
@given(
    maps=st.integers(-1, 3),
    pixels=st.integers(-1, 8),
    options=st.dictionaries(
        st.sampled_from(
            ["--field-deg", "--source-redshift", "--omega-m", "--sigma-8", "--vary", "--seed"]
        ),
        texts(),
        max_size=2,
    ),
)
@example(maps=1, pixels=2, options={"--vary": "omega_m=0.2:0.4"})
@example(maps=1, pixels=4, options={"--source-redshift": "1e-300"})
def test_simulate_takes_or_refuses_any_options(tmp_path, maps, pixels, options):
    check(
        *("simulate", "--maps", maps, "--pixels", pixels, "--cosmologies", 2, "--quiet"),
        *(f"{flag}={text}" for flag, text in options.items()),
        *("--out", tmp_path / "maps.npz"),
    )


@SHORT
@given(command=st.sampled_from(sorted(COMMANDS)), word=texts())
def test_help_is_there_and_unknown_words_are_refused(command, word):
    assert check(command, "--help") == 0
    assert check(command, f"--no-such-option={word}") == 2


@pytest.mark.backend
@settings(SHORT, max_examples=10)
@given(parameters=texts(), model=texts())
def test_generate_refuses_what_is_no_model(tmp_path, parameters, model):
    options = (f"--parameters={parameters}", "--out", tmp_path / "maps.npz")
    assert check("generate", f"--model={tmp_path / 'no'}{model.replace(chr(0), '')}", *options) == 2


@pytest.mark.backend
@pytest.mark.parametrize("side", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("command", ["main", "train"])
def test_a_training_on_maps_that_cannot_be_measured_is_refused_first(
    tmp_path, monkeypatch, command, side
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    maps = np.random.default_rng(0).normal(size=(40, side, side)).astype("float32")
    np.save(tmp_path / "maps.npy", maps)
    import keras

    code = check(
        *(command, "--data", tmp_path / "maps.npy", "--pixel-arcmin", 1, "--preset", "tiny"),
        *("--backend", keras.backend.backend(), "--epochs", 1, "--out", tmp_path / "run"),
    )
    assert code == 2
    assert not (tmp_path / "run").exists()
