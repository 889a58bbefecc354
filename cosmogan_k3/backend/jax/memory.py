"""Return the memory of XLA's compiler to the system, which the process would keep otherwise."""

import ctypes
import functools
import sys
from typing import Any

from jax import monitoring

from cosmogan_k3.backend.private_api import JAX_COMPILATION_EVENT

# Returning the heap takes tenths of a second: it is done after longer compilations only.
_LONG_COMPILATION_SECONDS = 5.0


@functools.cache
def release_after_compilation() -> None:
    """From now on, return the heap of each long compilation to the system.

    The freed blocks lie between blocks in use, so that glibc does not return them by itself. The
    function does nothing where glibc is not the allocator.

    Examples
    --------
    >>> release_after_compilation()
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is None:
        return

    def release(event: str, seconds: float, **_: Any) -> None:
        if event == JAX_COMPILATION_EVENT and seconds >= _LONG_COMPILATION_SECONDS:
            trim(0)

    monitoring.register_event_duration_secs_listener(release)
