"""What works after `pip install cosmogan_k3` alone, without Keras, MLflow and Optuna.

`make dist` runs it with the wheel, in a clean environment.
"""

import contextlib
import io
import os
import sys
import tempfile

import cosmogan_k3
from cosmogan_k3.cli.main import main


def command(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it wrote to standard error."""
    with (
        contextlib.redirect_stderr(io.StringIO()) as errors,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        code = main(arguments)
    return code, errors.getvalue()


def check_commands() -> None:
    """Simulate, evaluate and list models; what needs a backend says how to install it."""
    simulate = ("simulate", "--quiet", "--maps", "12", "--pixels", "16", "--method", "lognormal")
    for arguments in (
        (*simulate, "--out", "real.fits"),
        (*simulate, "--seed", "1", "--out", "new.npz"),
        ("evaluate", "--quiet", "--real", "real.fits", "--generated", "new.npz"),
        ("models",),
    ):
        code, message = command(*arguments)
        assert code == 0, message
    for name in (
        "train --data real.fits",
        "generate",
        "main",
        "tune",
        "sync",
        "info --backend jax",
    ):
        code, message = command(*name.split())
        assert code == 2, (name, message)
        assert "pip install 'cosmogan_k3[jax]'" in message, message
        assert message.count("\n") == 1, message


def check_python() -> None:
    """Readers and statistics work; names that need a backend say how to install it."""
    maps = cosmogan_k3.read_maps("real.fits")
    _, power = cosmogan_k3.statistics.power_spectrum(maps.kappa, pixel_arcmin=maps.pixel_arcmin)
    assert len(power) == 12
    for name in ("cosmogan_k3.GAN", "cosmogan_k3.Emulator.load('pretrained:nbody')"):
        message = ""
        try:
            eval(name)  # noqa: S307
        except ImportError as error:
            message = str(error)
        assert "pip install 'cosmogan_k3[jax]'" in message, f"{name}: {message}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["KERAS_BACKEND"] = "jax"
        check_commands()
        check_python()
    heavy = {"keras", "mlflow", "optuna", "jax", "tensorflow", "torch"} & sys.modules.keys()
    assert not heavy, heavy
    print(f"cosmogan_k3 {cosmogan_k3.__version__} works from {cosmogan_k3.__path__[0]}")
