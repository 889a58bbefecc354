"""JAX only: the memory of its compiler goes back to the system."""

import keras
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("only JAX compiles with XLA on a CPU", allow_module_level=True)

import sys

import jax
import psutil
from jax import monitoring

from cosmogan_k3.backend.jax.memory import release_after_compilation
from cosmogan_k3.backend.private_api import JAX_COMPILATION_EVENT


def test_jax_says_that_it_has_compiled_before_it_runs_what_it_compiled():
    events = []

    def listener(event, seconds, **_):
        events.append(event)

    monitoring.register_event_duration_secs_listener(listener)
    try:
        jax.jit(lambda x: jax.debug.callback(events.append, "run") or x + 1)(
            1.0
        ).block_until_ready()
        jax.effects_barrier()
    finally:
        monitoring.unregister_event_duration_listener(listener)
    assert JAX_COMPILATION_EVENT in events[: events.index("run")], (
        f"JAX {jax.__version__} has renamed its event: see cosmogan_k3/backend/private_api.py"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
def test_the_heap_of_a_long_compilation_goes_back():
    release_after_compilation()
    pieces = [b"x" * 100_000 for _ in range(4000)]  # 400 MB, too small to be mapped one by one
    full = _resident()
    del pieces[::2]
    monitoring.record_event_duration_secs(JAX_COMPILATION_EVENT, 0.1)
    held = _resident()
    monitoring.record_event_duration_secs(JAX_COMPILATION_EVENT, 60.0)
    assert held > full - 50e6, "glibc gave the memory back by itself: the test sees nothing"
    assert _resident() < held - 150e6
    assert len(pieces) == 2000


def _resident():
    """Bytes of this process in memory."""
    return psutil.Process().memory_info().rss
