"""Fixtures and the split between tests that need a Keras backend and those that do not.

Tests under ``backend``, ``nn``, ``gan`` and ``tuning`` and those marked ``backend`` run on the
backend that KERAS_BACKEND names (jax by default), one process each; ``make test`` runs them on all
three. The others never import Keras in this process.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.browser import CHROMIUM

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# As make does. Without it, a command would choose a store for all later tests of the process.
os.environ.setdefault("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")

BACKEND_FOLDERS = ("backend/", "nn/", "gan/", "tuning/")
# What no backend changes: stores, files and the mechanics of studies. These tests run on PyTorch
# alone, which has nothing to compile; a test with the marker ``every_backend`` runs on all.
ONE_BACKEND = (
    *("cli/test_any_input.py", "docs/", "parallel/", "serving/", "training/test_display.py"),
    *(f"gan/test_{name}.py" for name in ("allowed_classes", "hostile_models", "network_metrics")),
    *(f"tracking/test_{name}.py" for name in ("champion", "hostile_models", "recorder")),
    *(f"tracking/test_{name}.py" for name in ("registry", "store")),
    "tuning/",
)
QUICK_XLA = ("--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true")
# Processes on all backends, Dask clusters, and samples of many sets of maps.
SLOW = ("parity/", "parallel/test_executor.py", "statistics/two_sample/test_comparison.py")
# Tests with many trainings. Several processes begin with their modules and with those that have a
# slow test. The modules that are left at the end are then short, and no process waits for another.
LONG = ("training/", "tuning/")
ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config):
    # XLA compiles a training step in about ten seconds, and 200 small programs before it in five.
    # Many tests need the same: compile them once for all processes, without optimizations, which
    # take half of that time.
    os.environ.setdefault("XLA_FLAGS", " ".join(QUICK_XLA))
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        config.jax_cache = tempfile.TemporaryDirectory()
        os.environ["JAX_COMPILATION_CACHE_DIR"] = config.jax_cache.name
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"


def pytest_unconfigure(config):
    if hasattr(config, "jax_cache"):
        config.jax_cache.cleanup()


def pytest_collection_modifyitems(config, items):
    long, left_out = set(), set()
    for item in items:
        name = item.path.relative_to(ROOT / "tests").as_posix()
        if name.startswith(BACKEND_FOLDERS):
            item.add_marker(pytest.mark.backend)
        if name.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") or name.startswith(LONG):
            long.add(item.path)
        if os.environ["KERAS_BACKEND"] != "torch" and on_pytorch_alone(item, name):
            left_out.add(item)
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path not in long)


def on_pytorch_alone(item, name):
    """Whether a test needs a backend, and any will do."""
    backend, everywhere = map(item.get_closest_marker, ("backend", "every_backend"))
    return backend and not everywhere and name.startswith(ONE_BACKEND)


@pytest.fixture(autouse=True)
def no_experiment_left():
    """Forget the experiment that MLflow leaves in the environment for the next test's store."""
    yield
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


@pytest.fixture(scope="module")
def browser():
    """A browser; the test is skipped without one."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def real_maps():
    """The folder of N-body maps in FITS files; the test is skipped without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no N-body maps beside the repository")
    return folder
