"""XLA's compiler leaves its heap to the process, which would keep it beside everything that a training needs."""

import ctypes
import functools
import sys

from jax import monitoring

COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event that JAX records between the end of a compilation and the first run of what was compiled."""
_LONG = 5.0
"""Seconds of a compilation from which on its heap is worth the tenths of a second that handing it back takes."""


@functools.cache
def release_after_compilation():
    """From now on, hand the heap of each long compilation back to the system; where glibc allocates, nothing elsewhere.

    What is freed lies between what is not, so that glibc does not return it by itself.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is None:
        return

    def release(event, seconds, **_):
        if event == COMPILED and seconds >= _LONG:
            trim(0)

    monitoring.register_event_duration_secs_listener(release)
