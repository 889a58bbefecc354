"""Calls on Dask's workers: results in order, lost workers, errors; and a whole evaluation."""

import contextlib
import functools
import os
import signal
import sys
import threading
import time

import dask
import numpy as np
import psutil
import pytest
from distributed import LocalCluster

from cosmogan_k3.cli import main as cli
from cosmogan_k3.cli.commands.simulate import simulated_shards
from cosmogan_k3.config import SimulateConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, write_maps
from cosmogan_k3.parallel import executor as executors
from cosmogan_k3.parallel.executor import executor, thread_map
from tests.parallel.test_shards import digests


@pytest.fixture(scope="module")
def local():
    """Two workers; a call may lose one of them, not two."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            2, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit=0
        ) as local,
    ):
        yield local


def refuse():
    raise InputError("maps that cannot be used")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_back_in_the_order_of_the_calls(local):
    with executor(scheduler=local.scheduler_address) as map_calls:
        assert map_calls([functools.partial(pow, i, 2) for i in range(20)]) == [
            i**2 for i in range(20)
        ]
        # Equal calls are calls of their own.
        assert len(set(map_calls([functools.partial(os.urandom, 8)] * 5))) == 5
        assert map_calls([]) == []


def test_an_error_on_a_worker_is_the_commands(local):
    with (
        executor(scheduler=local.scheduler_address) as map_calls,
        pytest.raises(InputError, match="maps that cannot be used"),
    ):
        map_calls([refuse, int])


def test_a_lost_worker_costs_only_its_shard(local, tmp_path):
    """The process that has a half-written shard open is killed from outside."""
    config = SimulateConfig(maps=1500, shard_maps=300, out=str(tmp_path / "maps"), quiet=True)
    killed = []

    def kill_a_writer():
        while not killed:
            for nanny in list(local.workers.values()):
                with contextlib.suppress(psutil.Error):
                    process = psutil.Process(nanny.process.pid)
                    half = [
                        file.path for file in process.open_files() if "/maps/.partial-" in file.path
                    ]
                    if half and not killed:
                        process.kill()
                        killed.extend(half)
            time.sleep(0.001)

    killer = threading.Thread(target=kill_a_writer)
    killer.start()
    with executor(scheduler=local.scheduler_address) as map_calls:
        simulated_shards(config).write(map_calls)
    killer.join()
    assert len(killed) == 1
    alone = simulated_shards(
        SimulateConfig(maps=1500, shard_maps=300, out=str(tmp_path / "alone"), quiet=True)
    )
    alone.write(thread_map)
    assert digests(tmp_path / "maps") == digests(tmp_path / "alone")


def test_a_call_that_kills_its_workers_is_given_up_in_one_line(local):
    with (
        executor(scheduler=local.scheduler_address) as map_calls,
        pytest.raises(InputError, match="lost 2 workers"),
    ):
        map_calls([die])


def test_an_evaluation_is_the_same_whoever_measures(local, tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("real", 300), ("generated", 40)):
        write_maps(
            tmp_path / f"{name}.h5",
            MapSet(rng.lognormal(size=(count, 16, 16)).astype("float32"), 3.0),
        )
    command = [
        "evaluate",
        "--real",
        tmp_path / "real.h5",
        "--generated",
        tmp_path / "generated.h5",
        "--quiet",
    ]
    for out, more in (("one", []), ("many", ["--scheduler", local.scheduler_address])):
        assert cli.main([str(a) for a in (*command, "--out", tmp_path / out, *more)]) == 0
    for name in ("metrics.json", "statistics.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_what_is_asked_of_dask_is_checked_first(monkeypatch):
    with pytest.raises(
        InputError, match=r"give one of them\. Received: workers=2, scheduler='tcp://host:8786'"
    ):
        executors.wants_dask(2, "tcp://host:8786")
    with pytest.raises(InputError, match="expected an address such as"):
        executors.wants_dask(0, "host")
    monkeypatch.setattr(executors, "_CONNECT_TIMEOUT", "0.1s")
    with (
        pytest.raises(InputError, match="no Dask scheduler answers"),
        executor(scheduler="tcp://127.0.0.1:1"),
    ):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        InputError, match=r"Dask is not installed.*pip install 'cosmogan_k3\[dask\]'"
    ):
        executors.wants_dask(1, "")
