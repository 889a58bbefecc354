"""The three backends compute the same training, and open each other's files.

Tolerances: float32 carries 6e-8; sums over a batch of maps in another order, and Adam's division by
√v, amplify it. The bars are those of the project: 1e-5 relative on the losses of the first five
steps, 1e-4 on twenty. A loss below 0.1 is compared absolutely at a tenth of these, since the
relative error of a number near zero means nothing.
"""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.harness import run_python

WORKER = Path(__file__).with_name("worker.py")
BACKENDS = ("jax", "tensorflow", "torch")
SYSTEMS = ("fully_convolutional", "conditional", "deep_convolutional")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Train all systems on the three backends, then sample every model on every backend."""
    folder = tmp_path_factory.mktemp("parity")
    for task, backend in itertools.product(("train", "sample"), BACKENDS):
        run_python(WORKER, task, folder, backend=backend)
    return folder


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
