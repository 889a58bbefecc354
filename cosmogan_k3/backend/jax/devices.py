"""JAX on several devices of one or more processes: the step is mapped over the devices."""

import contextlib
import os
from collections.abc import Iterator

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from cosmogan_k3._typing import Tensor
from cosmogan_k3.errors import InputError

# Name of the axis of devices inside a step.
BATCH_AXIS = "batch"

# Environment variables that hold the number of processes: keras.distribution, SLURM, Open MPI.
_PROCESS_COUNT_VARIABLES = (
    "KERAS_DISTRIBUTION_NUM_PROCESSES",
    "SLURM_STEP_NUM_TASKS",
    "OMPI_COMM_WORLD_SIZE",
)

# A process that is silent for longer counts as lost.
_HEARTBEAT_SECONDS = 30


def use_devices(count: int | None) -> None:
    """Join the processes, and distribute the batch over the devices of all of them."""
    processes = int(
        next((os.environ[name] for name in _PROCESS_COUNT_VARIABLES if name in os.environ), 1)
    )
    if count and count % processes:
        raise InputError(
            f"expected a multiple of the {processes} processes. Received: {count}",
            parameter="devices",
        )
    if count:
        jax.config.update("jax_num_cpu_devices", count // processes)
    if processes > 1:
        _join()
    if jax.device_count() < (count or 1):
        raise InputError(
            f"JAX finds {jax.device_count()} devices. Received: {count}", parameter="devices"
        )
    devices = jax.devices()[:count]
    if len(devices) > 1:
        names = [f"{device.platform}:{device.id}" for device in devices]
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        )


def _join() -> None:
    """Start ``jax.distributed`` as Keras's variables say; under a scheduler JAX finds the rest."""
    names = ("NUM_PROCESSES", "PROCESS_ID")
    values = {name.lower(): os.environ.get(f"KERAS_DISTRIBUTION_{name}") for name in names}
    numbers = {name: int(value) for name, value in values.items() if value}
    address = os.environ.get("KERAS_DISTRIBUTION_JOB_ADDRESSES", "").split(",")[0] or None
    # It would take SIGTERM away from the command, which ends by it.
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(address, **numbers, heartbeat_timeout_seconds=_HEARTBEAT_SECONDS)


def shutdown() -> None:
    """Leave the training: remove the distribution, and disconnect from the other processes."""
    keras.distribution.set_distribution(None)
    if jax.distributed.is_initialized():
        jax.distributed.shutdown()


@contextlib.contextmanager
def single_process() -> Iterator[None]:
    """Suspend the distribution: with it, JAX compares every new array with the other processes'."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def process_count() -> int:
    """Return the number of processes of ``jax.distributed``."""
    return jax.process_count()


def process_index() -> int:
    """Return the number of this process in ``jax.distributed``."""
    return jax.process_index()


def device_count() -> int:
    """Return the number of devices of Keras's distribution."""
    distribution = keras.distribution.distribution()
    return distribution.device_mesh.devices.size if distribution else 1


def replica_count() -> int:
    """Return the size of the axis that the step is mapped over."""
    try:
        return jax.lax.axis_size(BATCH_AXIS)
    except NameError:  # outside a step
        return 1


def local_slice(x: Tensor) -> Tensor:
    """Return the rows of this position on the axis of devices."""
    if replica_count() == 1:
        return x
    size = x.shape[0] // replica_count()
    return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(BATCH_AXIS) * size, size)


def gather(x: Tensor) -> Tensor:
    """Concatenate the rows of all devices, by ``jax.lax.all_gather``."""
    return jax.lax.all_gather(x, BATCH_AXIS, tiled=True) if replica_count() > 1 else x


def mean_over_replicas(gradients: list[Tensor]) -> list[Tensor]:
    """Average gradients over the devices, by ``jax.lax.pmean``."""
    return jax.lax.pmean(gradients, BATCH_AXIS) if replica_count() > 1 else gradients


def broadcast(text: str) -> str:
    """Return the text of the main process, in two messages: its length and its bytes."""
    if process_count() == 1:
        return text
    data = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(data))))
    data = data if process_index() == 0 else np.zeros(size, np.int32)
    return bytes(multihost_utils.broadcast_one_to_all(data).tolist()).decode()
