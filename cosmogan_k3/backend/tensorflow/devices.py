"""TensorFlow on several devices: one process, and a replica of the step on each device."""

import contextlib
from contextlib import AbstractContextManager

import tensorflow as tf

from cosmogan_k3._typing import Tensor
from cosmogan_k3.errors import InputError


def use_devices(count: int | None) -> None:
    """Choose the devices of a ``MirroredStrategy``; a CPU can be cut into virtual devices."""
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU" and count and count > 1:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) < (count or 1):
        raise InputError(
            f"TensorFlow finds {len(names)} {kind} devices. Received: {count}", parameter="devices"
        )
    if len(names[:count]) > 1:
        tf.distribute.experimental_set_strategy(tf.distribute.MirroredStrategy(names[:count]))


def shutdown() -> None:
    """Leave the training: remove the strategy."""
    if tf.distribute.has_strategy():
        tf.distribute.experimental_set_strategy(None)


def single_process() -> AbstractContextManager[None]:
    """Return a context without effect: there is one process."""
    return contextlib.nullcontext()


def process_count() -> int:
    """Return 1: one process drives all devices."""
    return 1


def process_index() -> int:
    """Return 0, the main process."""
    return 0


def device_count() -> int:
    """Return the number of replicas of the strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_count() -> int:
    """Return the number of replicas, inside the step of one of them."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def local_slice(x: Tensor) -> Tensor:
    """Return the rows of this replica."""
    if replica_count() == 1:
        return x
    size = tf.shape(x)[0] // replica_count()
    return x[_replica_index() * size :][:size]


def gather(x: Tensor) -> Tensor:
    """Concatenate the rows of all replicas.

    Each replica fills in its own rows between zeros, and the sum over replicas is differentiable
    any number of times.
    """
    if replica_count() == 1:
        return x
    position = tf.one_hot(_replica_index(), replica_count(), dtype=x.dtype)
    rows = tf.reshape(tf.tensordot(position, x, axes=0), tf.concat([[-1], tf.shape(x)[1:]], axis=0))
    return tf.distribute.get_replica_context().all_reduce("sum", rows)


def _replica_index() -> Tensor:
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def mean_over_replicas(gradients: list[Tensor]) -> list[Tensor]:
    """Return the mean over the replicas on the first of them, and zeros on the others.

    Keras's optimizers shorten the gradients of each replica by themselves and then add them up.
    Only the shortened mean is the same on any number of replicas.
    """
    if replica_count() == 1:
        return gradients
    means = tf.distribute.get_replica_context().all_reduce("mean", gradients)
    first = tf.equal(_replica_index(), 0)
    return [mean * tf.cast(first, mean.dtype) for mean in means]


def broadcast(text: str) -> str:
    """Return the text: there is one process."""
    return text
