"""TensorFlow on several devices: one process, ``MirroredStrategy``, a replica of the step on each device."""

import contextlib

import tensorflow as tf

from cosmogan_k3.errors import InputError


def use_devices(number):
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU" and number and number > 1:
        parts = [tf.config.LogicalDeviceConfiguration()] * number
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) < (number or 1):
        raise InputError(
            f"--devices: TensorFlow sees {len(names)} {kind} devices. Received: {number}"
        )
    if len(names[:number]) > 1:
        tf.distribute.experimental_set_strategy(tf.distribute.MirroredStrategy(names[:number]))


def shutdown():
    if tf.distribute.has_strategy():
        tf.distribute.experimental_set_strategy(None)


single_process = contextlib.nullcontext


def process_count():
    return 1


def process_index():
    return 0


def device_count():
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_count():
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def local_slice(x):
    if replica_count() == 1:
        return x
    size = tf.shape(x)[0] // replica_count()
    return x[_index() * size :][:size]


def _index():
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def gather(x):
    if replica_count() == 1:
        return x
    # Every replica fills in its own rows, and the sum is differentiable as often as one likes.
    mine = tf.one_hot(_index(), replica_count(), dtype=x.dtype)
    rows = tf.tensordot(mine, x, axes=0)
    return _sum(tf.reshape(rows, tf.concat([[-1], tf.shape(x)[1:]], axis=0)))


def _sum(values):
    return tf.distribute.get_replica_context().all_reduce("sum", values)


def mean_over_replicas(gradients):
    """Keras's optimizers add gradients up over the replicas: what is left is to divide."""
    return (
        [gradient / replica_count() for gradient in gradients] if replica_count() > 1 else gradients
    )


def broadcast(text):
    return text
