"""Choice of the Keras backend, its devices and its allocator, before Keras is imported."""

import logging
import os
import sys

from cosmogan_k3._imports.extras import explained, installed_backend
from cosmogan_k3.cli.cache import keep_jax_compilations
from cosmogan_k3.cli.noise import silenced
from cosmogan_k3.config import BACKENDS
from cosmogan_k3.errors import InputError, one_line

_log = logging.getLogger(__name__)

_HUGE_PAGES = "glibc.malloc.hugetlb=1"
# 16 GiB that are free stay with the process.
_KEEP = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184"
# JAX and PyTorch allocate the memory of each step anew on a CPU: huge pages make this faster.
# PyTorch also returns large tensors to the system; it is told to keep their memory.
TUNABLES = {"jax": _HUGE_PAGES, "torch": f"{_HUGE_PAGES}:{_KEEP}"}


def backend_name(name: str) -> str:
    """Return the name of the backend to use.

    Parameters
    ----------
    name : str
        Name from the command line; if empty, that of KERAS_BACKEND, or else of the first backend
        that is installed.

    Returns
    -------
    str

    Examples
    --------
    >>> backend_name("torch")
    'torch'
    """
    return name or os.environ.get("KERAS_BACKEND") or installed_backend()


def use_backend(name: str) -> None:
    """Choose the Keras backend and import Keras.

    Parameters
    ----------
    name : str
        As in ``backend_name``.

    Raises
    ------
    InputError
        If the backend is unknown or not installed.
    """
    name = backend_name(name)
    if name not in BACKENDS:
        raise InputError(
            f"Unknown backend. Received: KERAS_BACKEND={name!r}; "
            f"expected one of {', '.join(BACKENDS)}"
        )
    os.environ["KERAS_BACKEND"] = name
    _log.info("starting Keras on %s", name)
    if name == "jax":
        keep_jax_compilations()
    try:
        # Keras must come first: TensorFlow would import a Keras that cannot load our models.
        with silenced():
            __import__("keras")
            _find_devices(name)
    except ModuleNotFoundError as error:
        raise InputError(str(explained(error))) from error
    except ImportError as error:
        raise InputError(f"The backend {name} cannot be imported: {error}") from error
    from cosmogan_k3 import backend

    backend.disable_tensorflow_import()


def _find_devices(name: str) -> None:
    """Let TensorFlow look for GPUs now: without one, CUDA writes that it failed."""
    if name == "tensorflow":
        from cosmogan_k3 import backend

        backend.describe()


def use_devices(devices: str) -> None:
    """Choose the devices of a training and join its other processes.

    Call it after ``use_backend`` and before anything is computed.

    Parameters
    ----------
    devices : str
        Number of devices, or "auto".

    Raises
    ------
    InputError
        If there are not so many devices, or the processes do not find each other.
    """
    if devices != "auto" and not (devices.isdecimal() and int(devices)):
        raise InputError(
            f"expected auto or a positive number. Received: {devices!r}", parameter="devices"
        )
    from cosmogan_k3 import backend

    try:
        backend.use_devices(None if devices == "auto" else int(devices))
    except InputError:
        raise
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"the processes cannot join ({one_line(error, 200)}); see docs/howto/devices.md",
            parameter="devices",
        ) from error


def restart_with_tunables(name: str) -> None:
    """Start this process again with glibc's allocator set for a backend, unless it is already set.

    glibc reads ``GLIBC_TUNABLES`` only when a process starts.

    Parameters
    ----------
    name : str
        A backend; TensorFlow needs no setting.
    """
    if sys.platform == "linux" and name in TUNABLES and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = TUNABLES[name]
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
