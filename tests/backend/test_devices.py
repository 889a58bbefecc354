"""With one device, the functions for several are identities; tests/parity/test_devices.py has more.

What happens with several processes is tested in tests/training/test_distributed.py, too.
"""

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from tests.harness import run_python


def test_there_is_one_process_with_one_device():
    counts = (backend.process_count(), backend.device_count(), backend.replica_count())
    assert counts == (1, 1, 1)
    assert backend.process_index() == 0


@pytest.mark.parametrize("function", [backend.local_slice, backend.gather])
def test_the_rows_of_one_device_are_the_batch(rng, function):
    x = keras.ops.convert_to_tensor(rng.normal(size=(4, 2)))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(function(x)), keras.ops.convert_to_numpy(x)
    )


def test_the_mean_of_one_replica_is_its_gradient():
    (gradient,) = backend.mean_over_replicas([keras.ops.convert_to_tensor([1.0, 2.0])])
    assert keras.ops.convert_to_numpy(gradient).tolist() == [1.0, 2.0]


def test_texts_stay_as_they_are():
    assert backend.broadcast("κ, σ") == "κ, σ"


def test_an_impossible_number_of_devices_names_the_parameter_and_no_flag():
    """In a process of its own: here the framework has chosen its devices already."""
    count = {"jax": 1, "tensorflow": 1, "torch": 64}[backend.name]
    code = (
        "import os\n"
        "os.environ['KERAS_DISTRIBUTION_NUM_PROCESSES'] = '2'\n"
        "from cosmogan_k3 import backend, InputError\n"
        "if backend.name == 'tensorflow':\n"
        "    import tensorflow\n"
        "    tensorflow.config.list_logical_devices = lambda kind: []\n"
        "try:\n"
        f"    backend.use_devices({count})\n"
        "except InputError as error:\n"
        "    print(error.parameter, error)\n"
    )
    said = run_python("-c", code, backend=backend.name).stdout
    assert said.startswith("devices "), said
    assert f"Received: {count}" in said
    assert "--devices" not in said
