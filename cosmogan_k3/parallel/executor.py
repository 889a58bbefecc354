"""Calls in threads of this process or on Dask workers. The only module that imports Dask.

The calls are functions without arguments, such as ``functools.partial`` of picklable data. Results
have the order of the calls.
"""

import contextlib
import functools
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from cosmogan_k3.errors import InputError, one_line

Result = TypeVar("Result")

# Times that Dask repeats a failed call: a file system may be unavailable for a moment.
_RETRIES = 2

# Threads of one process. Each holds a block of maps and its statistics in memory.
_MAX_THREADS = 4

# How long a scheduler may take to answer.
_CONNECT_TIMEOUT = "10s"


class MapCalls(Protocol):
    """Function that makes calls and returns their results in order, as ``executor`` yields it."""

    def __call__(
        self,
        calls: Sequence[Callable[[], Result]],
        description: str = "",
        *,
        maps: Sequence[int] = (),
    ) -> list[Result]:
        """Make the calls; ``description`` and ``maps`` are for the progress bar."""


def thread_map(
    calls: Sequence[Callable[[], Result]],
    description: str = "",
    *,
    maps: Sequence[int] = (),
    quiet: bool = True,
) -> list[Result]:
    """Make calls in threads of this process.

    Threads help calls that spend their time in NumPy or SciPy, which release the interpreter lock.

    Parameters
    ----------
    calls : sequence of callable
        Functions without arguments.
    description : str, default ""
        Label of the progress bar.
    maps : sequence of int, default ()
        Number of maps of each call, which the bar counts; by default it counts calls.
    quiet : bool, default True
        Show no progress bar.

    Returns
    -------
    list
        One result per call, in the order of the calls.

    Examples
    --------
    >>> thread_map([int, str])
    [0, '']
    """
    results = []
    with (
        ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS)) as pool,
        _bar(calls, description, maps, quiet) as bar,
    ):
        for result, count in zip(pool.map(_make, calls), _counts(calls, maps), strict=True):
            results.append(result)
            bar.update(count)
    return results


def _make(call: Callable[[], Result]) -> Result:
    return call()


def _counts(calls: Sequence[Any], maps: Sequence[int]) -> Sequence[int]:
    """Return what each call adds to the progress bar."""
    return maps or [1] * len(calls)


def _bar(calls: Sequence[Any], description: str, maps: Sequence[int], quiet: bool) -> Any:
    return tqdm(
        total=sum(_counts(calls, maps)),
        desc=description,
        unit="map" if maps else "it",
        disable=quiet or None,
    )


def wants_dask(workers: int, scheduler: str) -> bool:
    """Return whether a command runs on Dask workers, after a check of the options.

    Parameters
    ----------
    workers : int
        Number of worker processes to start on this machine; 0 for none.
    scheduler : str
        Address of a running scheduler; empty for none.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If both are given, the address is malformed, or Dask is not installed.

    Examples
    --------
    >>> wants_dask(0, "")
    False
    """
    if workers and scheduler:
        raise InputError(
            "workers are started on this machine, a scheduler has workers of its own; "
            f"give one of them. Received: workers={workers}, scheduler={scheduler!r}",
            parameter="workers, scheduler",
        )
    if not workers and not scheduler:
        return False
    if scheduler and not re.fullmatch(r"\w+://\S+:\d+", scheduler):
        raise InputError(
            f"expected an address such as tcp://10.0.0.1:8786. Received: {scheduler!r}",
            parameter="scheduler",
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"Dask is not installed ({error}); pip install 'cosmogan_k3[dask]'"
        ) from error
    return True


@contextlib.contextmanager
def executor(workers: int = 0, scheduler: str = "", *, quiet: bool = True) -> Iterator[MapCalls]:
    """Yield a function that makes calls in threads, on local workers or on a scheduler's workers.

    Dask repeats the calls of a worker that is lost on another worker.

    Parameters
    ----------
    workers : int, default 0
        Number of worker processes to start on this machine; 0 for none.
    scheduler : str, default ""
        Address of a running scheduler; empty for none.
    quiet : bool, default True
        Show no progress bar.

    Yields
    ------
    MapCalls
        Function of ``(calls, description)`` that returns the list of results.

    Raises
    ------
    InputError
        As ``wants_dask``, or if no scheduler answers. From the yielded function: one call has lost
        several workers, or a worker lacks a module.
    ConnectionError
        From the yielded function: the scheduler has stopped.

    Examples
    --------
    >>> with executor() as map_calls:
    ...     map_calls([int, str], "counting")
    [0, '']
    """
    if not wants_dask(workers, scheduler):
        yield functools.partial(thread_map, quiet=quiet)
        return
    with contextlib.ExitStack() as stack:
        cluster = scheduler or stack.enter_context(_local_cluster(workers))
        client = stack.enter_context(_connect(cluster))
        yield functools.partial(_dask_map, client, quiet=quiet)


def _local_cluster(workers: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=0,  # the system has limits; Dask's would stop a worker that still fits
        dashboard_address="127.0.0.1:0",  # None takes port 8787 and warns if it is in use
        security=True,  # every user of the machine can reach its port
        silence_logs=logging.CRITICAL,  # errors come back with the results
    )


def _connect(address: Any) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout=_CONNECT_TIMEOUT, set_as_default=False)
    except OSError as error:
        raise InputError(
            f"no Dask scheduler answers ({one_line(error, 200)})", parameter="scheduler"
        ) from error


def _dask_map(
    client: Any,
    calls: Sequence[Callable[[], Result]],
    description: str = "",
    *,
    maps: Sequence[int] = (),
    quiet: bool,
) -> list[Result]:
    """Make calls on the workers of a Dask client."""
    from distributed import as_completed

    futures = [client.submit(call, pure=False, retries=_RETRIES) for call in calls]
    position = {future.key: index for index, future in enumerate(futures)}
    results: list[Any] = [None] * len(futures)
    counts = _counts(calls, maps)
    with _bar(calls, description, maps, quiet) as bar:
        for future in as_completed(futures, loop=client.loop):
            index = position[future.key]
            results[index] = _result(future)
            future.release()  # the scheduler need not keep a result that has arrived
            bar.update(counts[index])
    return results


def _result(future: Any) -> Any:
    """Return the result of a Dask future; raise errors that a user can act on."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise InputError(
            f"The same call lost {error.allowed_failures + 1} workers, most likely because they "
            "ran out of memory; give the workers more memory, or choose a smaller shard_maps"
        ) from error
    except ImportError as error:
        raise InputError(
            f"A worker lacks a module ({error}); every machine needs the same environment"
        ) from error
    except CancelledError as error:
        raise ConnectionError(
            f"The scheduler has stopped ({one_line(error, 100)}); give the same command again"
        ) from error
