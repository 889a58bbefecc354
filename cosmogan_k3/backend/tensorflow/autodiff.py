"""TensorFlow: gradient tapes inside one ``tf.function``."""

import keras
import tensorflow as tf

from cosmogan_k3.backend.tensorflow.devices import device_count, mean_over_replicas
from cosmogan_k3.backend.tensorflow.norm import batch_normalization, virtual_batch_normalization


def value_and_grad(objective, variables, state):
    with tf.GradientTape() as tape:
        value, auxiliary = objective()
    return (value, auxiliary), mean_over_replicas(
        tape.gradient(value, [v.value for v in variables])
    )


def vjp(function, variables, state):
    with tf.GradientTape() as tape:
        output = function()

    def pull(cotangent):
        return mean_over_replicas(
            tape.gradient(output, [v.value for v in variables], output_gradients=cotangent)
        )

    return output, pull


def value_and_input_gradient(function, x, state):
    kept = [(v, tf.identity(v.value)) for v in state if not v.trainable]
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    gradient = tape.gradient(value, x)
    for variable, before in kept:
        variable.assign(before)
    return value, gradient


def convolve(x, kernel, bias=None, strides=1, zeros=False):
    padding = "same" if zeros else "valid"
    y = keras.ops.conv(x, kernel, strides=strides, padding=padding, data_format="channels_last")
    return y if bias is None else tf.nn.bias_add(y, bias)


def convolve_transposed(x, kernel, bias=None):
    y = _convolve_transposed(tf.convert_to_tensor(x), tf.transpose(kernel, (0, 1, 3, 2)))
    return y if bias is None else tf.nn.bias_add(y, bias)


@tf.custom_gradient
def _convolve_transposed(x, kernel):
    """The whole, cut: on a CPU up to three times faster than asking for the part, whose gradient is the faster one."""
    n, rows, columns, _ = tf.unstack(tf.shape(x))
    size, reach = kernel.shape[0], kernel.shape[0] // 2
    shape = tf.stack([n, 2 * rows - 2 + size, 2 * columns - 2 + size, kernel.shape[2]])
    whole = tf.nn.conv2d_transpose(x, kernel, shape, strides=2, padding="VALID")
    cut = [reach, reach - 1]

    def gradient(cotangent):
        by_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=cotangent,
            filter_sizes=tf.shape(kernel),
            out_backprop=x,
            strides=[1, 2, 2, 1],
            padding="EXPLICIT",
            explicit_paddings=[0, 0, *cut, *cut, 0, 0],
        )
        return tf.nn.conv2d(
            cotangent, kernel, strides=2, padding=[[0, 0], cut, cut, [0, 0]]
        ), by_kernel

    return whole[:, reach : reach + 2 * rows, reach : reach + 2 * columns], gradient


def split(x, sizes, axis):
    return tf.split(x, sizes, axis=axis)


def transposed_pays():
    return True


def batch_normalize(x, scale, shift, axis, epsilon):
    return _along_last(batch_normalization, x, axis, scale, shift, epsilon)


def virtual_batch_normalize(x, scale, shift, size, axis, epsilon):
    return _along_last(virtual_batch_normalization, x, axis, scale, shift, size, epsilon)


def _along_last(normalization, x, axis, *arguments):
    """A normalisation of the last axis, of another."""
    y, mean, variance = normalization(tf.experimental.numpy.moveaxis(x, axis, -1), *arguments)
    return (
        tf.experimental.numpy.moveaxis(y, -1, axis),
        tf.stop_gradient(mean),
        tf.stop_gradient(variance),
    )


class TrainStep:
    """Run the step of the GAN as it stands: variables are stateful here."""

    def train_step(self, data):
        return self.train_on_maps(data)


def feed(batches):
    """A ``tf.data.Dataset`` that asks for batch 0, 1, … of the epoch.

    Not ``from_generator``, which Keras would make of a ``PyDataset``: its kernel tells the C library to return
    freed memory above 128 kB at once, and a step then spends most of its time on page faults. And no autotuning:
    its thread sleeps for 10 ms, 20 ms, … 10 s, …, and the end of an epoch waits for it to wake.
    """
    shapes = [part.shape for part in _parts(batches[0])]

    def read(index):
        parts = tf.numpy_function(
            lambda i: _parts(batches[int(i)]), [index], [tf.float32] * len(shapes)
        )
        return tuple(
            tf.ensure_shape(part, shape) for part, shape in zip(parts, shapes, strict=True)
        )

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.range(len(batches)).map(read).prefetch(1).with_options(options)


def _parts(batch):
    """Maps alone, or maps and their parameters."""
    return batch if isinstance(batch, tuple) else (batch,)


def default_jit():
    """XLA pays on a GPU; on a CPU its convolutions are several times slower than TensorFlow's own.

    Not on several GPUs: XLA cannot compile the exchange between the replicas of a ``MirroredStrategy``.
    """
    return bool(tf.config.list_physical_devices("GPU")) and device_count() == 1


def describe():
    devices = (
        f"{d.device_type}:{d.name.rsplit(':', 1)[-1]}" for d in tf.config.list_physical_devices()
    )
    return {"version": tf.__version__, "devices": ", ".join(devices)}
