"""The three backends compute the same training, and open each other's files.

Tolerances: float32 carries 6e-8; sums over a batch of maps in another order, and Adam's division by
√v, amplify it. The bars are those of the project: 1e-5 relative on the losses of the first five
steps, 1e-4 on twenty. A loss below 0.1 is compared absolutely at a tenth of these, since the
relative error of a number near zero means nothing.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

WORKER = Path(__file__).with_name("worker.py")
BACKENDS = ("jax", "tensorflow", "torch")
SYSTEMS = ("fully_convolutional", "conditional", "deep_convolutional")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Train all systems on the three backends, then sample every model on every backend.

    Each backend has one process for both: half of its time is that of imports and compilation.
    """
    folder = tmp_path_factory.mktemp("parity")
    logs = {backend: folder / f"{backend}.log" for backend in BACKENDS}
    processes = {backend: start(backend, folder, log) for backend, log in logs.items()}
    try:
        for backend, process in processes.items():
            assert "trained\n" in process.stdout, logs[backend].read_text()[-4000:]
        for process in processes.values():
            process.stdin.close()
        for backend, process in processes.items():
            assert process.wait(timeout=900) == 0, logs[backend].read_text()[-4000:]
    finally:
        for process in processes.values():
            process.kill()
    return folder


def start(backend, folder, log):
    with log.open("w") as errors:
        return subprocess.Popen(
            [sys.executable, WORKER, folder],
            env={**os.environ, "KERAS_BACKEND": backend},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_losses_agree(folder, system, backend):
    ours, reference = (np.load(folder / f"losses-{system}-{name}.npy") for name in (backend, "jax"))
    assert len(reference) == 20
    np.testing.assert_allclose(ours[:5], reference[:5], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-5)
    assert not np.allclose(reference[0], reference[-1], rtol=1e-2), (
        "the networks did not learn anything"
    )


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("trained_by", BACKENDS)
def test_a_saved_model_samples_the_same_everywhere(folder, system, trained_by):
    samples = [
        np.load(folder / f"samples-{system}-{trained_by}-{backend}.npy") for backend in BACKENDS
    ]
    assert samples[0].std() > 1e-3
    for other in samples[1:]:
        np.testing.assert_allclose(other, samples[0], atol=1e-5)
