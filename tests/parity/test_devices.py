"""A batch spread over devices trains as on one; a process that dies ends the others.

Tolerance: sums over devices have another order; float32 carries 6e-8. The bar is the project's for
twenty steps, 1e-4 relative (losses below 0.1 absolutely, at a tenth of it), and 1e-5 on the first
five. Measured: 1e-7 to 5e-6.
"""

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from cosmogan_k3.maps import MapSet, write_maps
from cosmogan_k3.training.checkpoints import Checkpoints
from tests.harness import run_python, start_processes

WORKER = "tests.parity.devices_worker"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Losses on one device, trained once a backend."""
    folder, known = tmp_path_factory.mktemp("alone"), {}

    def losses(backend):
        if backend not in known:
            run_python("-m", WORKER, folder / f"{backend}.npz", backend=backend)
            known[backend] = np.load(folder / f"{backend}.npz")
        return known[backend]

    return losses


def in_processes(count, out, *more, backend):
    processes = start_processes(count, "-m", WORKER, out, *more, backend=backend)
    for process in processes:
        said, _ = process.communicate(timeout=900)
        assert process.returncode == 0, said[-4000:]


def by_torchrun(count, out):
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", count)
    run_python(*launcher, "-m", WORKER, out, backend="torch")


SPREAD = {
    ("torch", 2): lambda out: by_torchrun(2, out),
    ("tensorflow", 2): lambda out: run_python("-m", WORKER, out, 2, backend="tensorflow"),
    # Two processes of two virtual devices each: two compilations at a time, not four.
    ("jax", 4): lambda out: in_processes(2, out, 4, backend="jax"),
}


@pytest.mark.parametrize(("backend", "devices"), SPREAD)
def test_losses_do_not_depend_on_the_number_of_devices(alone, tmp_path, backend, devices):
    SPREAD[backend, devices](tmp_path / "losses.npz")
    spread, one = np.load(tmp_path / "losses.npz"), alone(backend)
    assert spread["devices"] == devices
    for system in set(one.files) - {"devices"}:
        assert one[system].shape == (20, 4)
        np.testing.assert_allclose(
            spread[system][:5], one[system][:5], rtol=1e-5, atol=1e-6, err_msg=system
        )
        np.testing.assert_allclose(
            spread[system], one[system], rtol=1e-4, atol=1e-5, err_msg=system
        )


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_process_that_is_killed_ends_the_others_and_the_training_resumes(
    tmp_path, monkeypatch, backend
):
    maps = np.random.default_rng(0).lognormal(sigma=0.3, size=(40, 16, 16)).astype("float32")
    write_maps(tmp_path / "maps.npz", MapSet(maps, 3.0))
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    command = [
        "-m",
        "cosmogan_k3",
        "train",
        "--data",
        "maps.npz",
        "--preset",
        "tiny",
        "--epochs",
        500,
        "--out",
        "run",
    ]
    main, other = start_processes(2, *command, backend=backend, cwd=tmp_path)
    until(lambda: Checkpoints(tmp_path / "run" / "checkpoints").epochs()[-1:] >= [2], main)
    other.send_signal(signal.SIGKILL)
    said, _ = main.communicate(timeout=120)
    assert main.returncode == 2, said
    assert "Traceback" not in said
    line = said.splitlines()[-1]
    assert line.startswith(
        "cosmogan train: error: --resume: Another process of this training ended or cannot be "
        "reached"
    ), said
    assert "cosmogan train" not in other.communicate()[0], "only the main process prints"

    resumed = run_python(
        *command, "--resume", "--minutes", 1e-6, backend=backend, cwd=tmp_path
    ).stdout
    assert int(re.search(r"stopped after epoch (\d+) of 500", resumed)[1]) >= 3


def until(happened, process):
    deadline = time.monotonic() + 600
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
