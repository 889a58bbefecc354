"""Calls made on many processes or machines. The only module that imports Dask.

What is shared out is a list of functions without arguments, such as ``functools.partial`` of plain data; the results
come back in the order of the calls, whoever made them.
"""

import contextlib
import functools
import logging
import os
import re
from concurrent.futures import CancelledError, ThreadPoolExecutor

from tqdm import tqdm

from cosmogan_k3.errors import InputError, one_line

_RETRIES = 2
"""Times that a call is made once more after an error: a file system may have been away for a moment."""

_THREADS = 4
"""At most, of one process: each holds a block of maps and what is made of it in memory."""

_PATIENCE = "10s"
"""For a scheduler to answer."""


def thread_map(calls, description="", *, quiet=True):
    """Make calls in threads of this process, one a core; return their results.

    For calls whose time is NumPy's and SciPy's, which let other threads run.

    Args:
        calls: list of functions without arguments.
        description: str, names the progress bar.
        quiet: bool, no progress bar.

    Example:
        >>> thread_map([int, str])
        [0, '']
    """
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        made = pool.map(lambda call: call(), calls)
        return list(tqdm(made, total=len(calls), desc=description, disable=quiet or None))


def wants_dask(workers, scheduler):
    """Whether a command is to run on Dask's workers: on local ones, or on those of a scheduler.

    Args:
        workers: int, how many local ones; 0 for none.
        scheduler: str, address of a scheduler; "" for none.

    Raises:
        InputError: both are given, what is given is no address, or Dask is not installed.

    Example:
        >>> wants_dask(0, "")
        False
    """
    if workers and scheduler:
        raise InputError(
            "--workers starts workers on this machine, --scheduler takes those of a running cluster; give one of them. "
            f"Received: --workers {workers} --scheduler {scheduler}"
        )
    if not workers and not scheduler:
        return False
    if scheduler and not re.fullmatch(r"\w+://\S+:\d+", scheduler):
        raise InputError(
            f"--scheduler: expected an address such as tcp://10.0.0.1:8786. Received: {scheduler!r}"
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"Dask is not installed ({error}); pip install 'cosmogan_k3[dask]'"
        ) from error
    return True


@contextlib.contextmanager
def calling(workers=0, scheduler="", *, quiet=True):
    """Yield the function that makes a list of calls: in threads here, on local workers, or on a scheduler's.

    A call whose worker is lost is made by another one.

    Args:
        workers, scheduler: as of ``wants_dask``.
        quiet: bool, no progress bar.

    Yields:
        function of ``(calls, description)`` that returns the list of results; ``description`` names the progress bar.

    Raises:
        InputError: as ``wants_dask``; no scheduler answers; or, from the function, one call has lost several workers, or
            workers lack a module.
        ConnectionError: from the function, the scheduler is gone.

    Example:
        >>> with calling() as run:
        ...     run([int, str], "nothing much")
        [0, '']
    """
    if not wants_dask(workers, scheduler):
        yield functools.partial(thread_map, quiet=quiet)
        return
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            _connect(scheduler or stack.enter_context(_local_cluster(workers)))
        )
        yield lambda calls, description="": _call_all(client, calls, description, quiet)


def _local_cluster(workers):
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=0,  # the system's limits are enough: Dask's would stop a worker that fits
        dashboard_address="127.0.0.1:0",  # None takes port 8787, and warns where another command has it
        security=True,  # its port is there for every user of the machine
        silence_logs=logging.CRITICAL,  # errors come back with the results
    )


def _connect(address):
    from distributed import Client

    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except OSError as error:
        raise InputError(
            f"--scheduler: no Dask scheduler answers ({one_line(error, 200)})"
        ) from error


def _call_all(client, calls, description, quiet):
    from distributed import as_completed

    futures = [client.submit(call, pure=False, retries=_RETRIES) for call in calls]
    place = {future.key: index for index, future in enumerate(futures)}
    results = [None] * len(futures)
    with tqdm(total=len(futures), desc=description, disable=quiet or None) as bar:
        for future in as_completed(futures, loop=client.loop):
            results[place[future.key]] = _result(future)
            future.release()  # so that nobody holds what has arrived
            bar.update()
    return results


def _result(future):
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise InputError(
            f"The same call lost {error.allowed_failures + 1} workers; most often they ran out of memory: give them "
            "more, or less to do at a time (--shard-maps)"
        ) from error
    except ImportError as error:
        raise InputError(
            f"A worker lacks a module ({error}); every machine needs the same environment"
        ) from error
    except CancelledError as error:
        raise ConnectionError(
            f"The scheduler is gone ({one_line(error, 100)}); give the same command again"
        ) from error
