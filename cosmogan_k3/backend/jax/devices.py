"""JAX on several devices of one or more processes: the step is mapped over them, each with its rows of the batch."""

import contextlib
import os

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import PartitionSpec

from cosmogan_k3.errors import InputError

_AXIS = "batch"

_COUNTS = ("KERAS_DISTRIBUTION_NUM_PROCESSES", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")
"""Environment variables that say how many processes there are: of ``keras.distribution``, SLURM, Open MPI."""

_HEARTBEAT = 30
"""Seconds after which a process that is silent counts as lost."""


def use_devices(number):
    processes = int(next((os.environ[name] for name in _COUNTS if name in os.environ), 1))
    if number and number % processes:
        raise InputError(
            f"--devices: a multiple of the {processes} processes is expected. Received: {number}"
        )
    if number:
        jax.config.update("jax_num_cpu_devices", number // processes)
    if processes > 1:
        _join()
    if jax.device_count() < (number or 1):
        raise InputError(f"--devices: JAX sees {jax.device_count()} devices. Received: {number}")
    devices = jax.devices()[:number]
    if len(devices) > 1:
        names = [f"{device.platform}:{device.id}" for device in devices]
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        )


def _join():
    """Start ``jax.distributed`` with what Keras's environment variables say; JAX finds the rest under a scheduler."""
    names = ("NUM_PROCESSES", "PROCESS_ID")
    given = {name.lower(): os.environ.get(f"KERAS_DISTRIBUTION_{name}") for name in names}
    numbers = {name: int(value) for name, value in given.items() if value}
    address = os.environ.get("KERAS_DISTRIBUTION_JOB_ADDRESSES", "").split(",")[0] or None
    jax.distributed.initialize(address, **numbers, heartbeat_timeout_seconds=_HEARTBEAT)


def shutdown():
    keras.distribution.set_distribution(None)
    if jax.distributed.is_initialized():
        jax.distributed.shutdown()


@contextlib.contextmanager
def single_process():
    """For what one process does by itself: with a distribution every new array would be compared with the others'."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def process_count():
    return jax.process_count()


def process_index():
    return jax.process_index()


def device_count():
    distribution = keras.distribution.distribution()
    return distribution.device_mesh.devices.size if distribution else 1


def spread(step):
    """``step(state, data)`` on all devices: the state whole on each, the data cut into their rows."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return step
    whole, rows = PartitionSpec(), PartitionSpec(_AXIS)
    # Whether what comes out is the same on all devices is for the tests to say: JAX cannot see it through a gather.
    return jax.shard_map(
        step,
        mesh=distribution.device_mesh.backend_mesh,
        in_specs=(whole, rows),
        out_specs=(whole, whole),
        check_vma=False,
    )


def replica_count():
    try:
        return jax.lax.axis_size(_AXIS)
    except NameError:  # outside a step
        return 1


def local_slice(x):
    if replica_count() == 1:
        return x
    size = x.shape[0] // replica_count()
    return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(_AXIS) * size, size)


def gather(x):
    return jax.lax.all_gather(x, _AXIS, tiled=True) if replica_count() > 1 else x


def mean_over_replicas(gradients):
    return jax.lax.pmean(gradients, _AXIS) if replica_count() > 1 else gradients


def broadcast(text):
    """The text of process 0, on all."""
    if process_count() == 1:
        return text
    data = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(data))))
    data = data if process_index() == 0 else np.zeros(size, np.int32)
    return bytes(multihost_utils.broadcast_one_to_all(data).tolist()).decode()
