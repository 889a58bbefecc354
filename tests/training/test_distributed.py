"""Broadcasts and errors of several simulated processes; tests/parity starts real ones."""

import json

import keras
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.cli import backends
from cosmogan_k3.errors import InputError
from cosmogan_k3.training import distributed
from cosmogan_k3.training.interruption import Terminated

pytestmark = pytest.mark.backend


@pytest.fixture
def second_of_two(monkeypatch):
    """Make this process the second of two; return what the main process broadcasts."""
    message = {"stop": True, "loss": [0.1, None]}
    monkeypatch.setattr(backend, "process_count", lambda: 2)
    monkeypatch.setattr(backend, "process_index", lambda: 1)
    monkeypatch.setattr(backend, "broadcast", lambda text: json.dumps(message))
    return message


def test_one_process_broadcasts_to_itself():
    assert distributed.broadcast_from_main(lambda: (1, 2)) == (1, 2)


def test_only_the_main_process_calls_the_function(second_of_two):
    assert not distributed.is_main_process()
    found = distributed.broadcast_from_main(lambda: pytest.fail("not on this process"))
    assert found == second_of_two


@pytest.mark.parametrize(
    ("error", "expected", "words", "code"),
    [
        (RuntimeError("[gloo] Connection reset by peer"), InputError, "Another process .*reset", 2),
        (RuntimeError("out of memory"), RuntimeError, "^out of memory", 2),
        (InputError("gloomy maps"), InputError, "^gloomy maps", 2),
        (Terminated(143), Terminated, "143", 143),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$", 130),
    ],
)
def test_the_end_of_another_process_is_reported_in_one_line(
    second_of_two, monkeypatch, error, expected, words, code
):
    at_exit = []
    monkeypatch.setattr(distributed.atexit, "register", lambda *call: at_exit.append(call))
    with pytest.raises(expected, match=words), distributed.distributed_errors():
        raise error
    assert at_exit == [(distributed._end_at_once, code)], "it exits without waiting"


def test_an_error_of_a_single_process_is_unchanged():
    with pytest.raises(RuntimeError, match="gloo"), distributed.distributed_errors():
        raise RuntimeError("gloo")


@pytest.mark.parametrize("devices", ["none", "0", "-1", "2.5"])
def test_a_number_of_devices_that_is_none_is_refused(devices):
    message = f"expected auto or a positive number. Received: '{devices}'"
    with pytest.raises(InputError, match=message) as caught:
        backends.use_devices(devices)
    assert caught.value.parameter == "devices"


def test_more_devices_than_there_are_is_reported_in_one_line():
    # JAX and TensorFlow cannot change their devices once they have computed something.
    keras.ops.ones(1)
    others = "devices. Received: 64|the processes cannot join"
    words = {"torch": "torchrun --nproc-per-node 64", "tensorflow": others, "jax": others}
    with pytest.raises(InputError, match=words[backend.name]) as caught:
        backends.use_devices("64")
    assert caught.value.parameter == "devices"
