"""The private and undocumented names of the frameworks do what the backends rely on."""

import sys

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.backend import private_api
from tests.harness import run_python

only_torch = pytest.mark.skipif(backend.name != "torch", reason="names of PyTorch")

# Features of 6 examples with 3 channels, and PyTorch's normalization of them in float64.
X = np.random.default_rng(0).normal(2.0, 3.0, size=(6, 3, 4, 4)).astype("float32")
AXES = (0, 2, 3)


def missing(name):
    return (
        f"PyTorch {backend.describe()['version']} has no {name}, or changed it: "
        "replace it in cosmogan_k3/backend/private_api.py"
    )


@only_torch
@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("native_batch_norm", lambda torch: torch),
        ("batch_norm_update_stats", lambda torch: torch),
        ("native_batch_norm_backward", lambda torch: torch.ops.aten),
    ],
)
def test_the_name_exists(name, owner):
    import torch

    assert hasattr(owner(torch), name), missing(name)


@only_torch
def test_channel_moments_are_mean_and_biased_variance():
    import torch

    mean, variance = private_api.torch_channel_moments(torch.from_numpy(X))
    name = missing("batch_norm_update_stats")
    np.testing.assert_allclose(mean.numpy(), X.mean(AXES), rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(variance.numpy(), X.var(AXES), rtol=1e-5, err_msg=name)


@only_torch
def test_native_batch_norm_writes_where_it_is_asked_to():
    import torch

    x, one, zero = torch.from_numpy(X), torch.ones(3), torch.zeros(3)
    out = torch.empty_like(x)
    results = (out, torch.empty(0), torch.empty(0))
    statistics = torch.full((3,), 2.0), torch.full((3,), 9.0)
    private_api.torch_native_batch_norm(x, one, zero, *statistics, False, 0.0, 0.0, out=results)
    message = missing("native_batch_norm")
    np.testing.assert_allclose(out.numpy(), (X - 2) / 3, atol=1e-6, err_msg=message)


@only_torch
def test_parameter_gradients_are_the_sums():
    import torch

    g = np.random.default_rng(1).normal(size=X.shape).astype("float32")
    tensors = [torch.from_numpy(a) for a in (g, X, np.ones(3, "f4"), np.zeros(3, "f4"))]
    found = private_api.torch_batch_norm_parameter_gradients(*tensors, torch.ones(3), epsilon=0.0)
    message = missing("aten.native_batch_norm_backward")
    for ours, expected in zip(found, ((g * X).sum(AXES), g.sum(AXES)), strict=True):
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-4, atol=1e-4, err_msg=message)


@pytest.mark.skipif(backend.name == "tensorflow", reason="TensorFlow is the backend")
def test_keras_remembers_that_tensorflow_is_missing(tmp_path):
    """Not private: Python's entry None for a missing module, and a call of Keras that looks for it.

    If Keras asked again, TensorFlow would be imported by the time that a model is saved.
    """
    code = (
        "import sys, keras\n"
        "from cosmogan_k3 import backend\n"
        "backend.disable_tensorflow_import()\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
        f"model.save({str(tmp_path / 'model.keras')!r})\n"
        f"keras.saving.load_model({str(tmp_path / 'model.keras')!r})\n"
        "print('imported' if 'tensorflow' in sys.modules else 'left out')\n"
    )
    assert run_python("-c", code, backend=backend.name).stdout.strip() == "left out", (
        f"Keras {keras.version()} looks for TensorFlow more than once: "
        "change cosmogan_k3/backend/imports.py"
    )


def test_tensorflow_can_be_imported_after_all():
    backend.disable_tensorflow_import()
    assert sys.modules.get("tensorflow", "absent") is not None
