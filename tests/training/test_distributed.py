"""What several processes agree on, and how their loss is reported; tests/parity has real ones."""

import json

import keras
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.cli import backends
from cosmogan_k3.errors import InputError
from cosmogan_k3.training import distributed as processes

pytestmark = pytest.mark.backend


@pytest.fixture
def second_of_two(monkeypatch):
    """This process is the second of two, and the main process has sent what ``json`` holds."""
    said = {"stop": True, "loss": [0.1, None]}
    monkeypatch.setattr(backend, "process_count", lambda: 2)
    monkeypatch.setattr(backend, "process_index", lambda: 1)
    monkeypatch.setattr(backend, "broadcast", lambda text: json.dumps(said))
    return said


def test_one_process_broadcasts_to_itself():
    assert processes.broadcast_from_main(lambda: (1, 2)) == (1, 2)


def test_the_main_process_alone_is_asked(second_of_two):
    assert not processes.is_main_process()
    assert (
        processes.broadcast_from_main(lambda: pytest.fail("not on this process")) == second_of_two
    )


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (
            RuntimeError("[gloo/transport/tcp] Connection reset by peer"),
            InputError,
            "Another process .*reset",
        ),
        (RuntimeError("out of memory"), RuntimeError, "^out of memory"),
        (InputError("gloomy maps"), InputError, "^gloomy maps"),
    ],
)
def test_the_loss_of_a_process_is_told_in_one_line(
    second_of_two, monkeypatch, error, expected, words
):
    at_exit = []
    monkeypatch.setattr(processes.atexit, "register", at_exit.append)
    with pytest.raises(expected, match=words), processes.distributed_errors():
        raise error
    assert at_exit == [processes._end_at_once], "nobody is waited for"


def test_an_error_of_a_single_process_is_left_alone():
    with pytest.raises(RuntimeError, match="gloo"), processes.distributed_errors():
        raise RuntimeError("gloo")


@pytest.mark.parametrize("devices", ["none", "0", "-1", "2.5"])
def test_a_number_of_devices_is_asked_for(devices):
    with pytest.raises(
        InputError, match=f"expected auto or a positive number. Received: '{devices}'"
    ) as caught:
        backends.use_devices(devices)
    assert caught.value.parameter == "devices"


def test_more_devices_than_there_are_end_in_one_line():
    # JAX and TensorFlow cannot change their devices once they have computed something.
    keras.ops.ones(1)
    others = "devices. Received: 64|the processes cannot join"
    words = {"torch": "torchrun --nproc-per-node 64", "tensorflow": others, "jax": others}
    with pytest.raises(InputError, match=words[backend.name]) as caught:
        backends.use_devices("64")
    assert caught.value.parameter == "devices"
