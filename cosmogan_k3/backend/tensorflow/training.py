"""What ``fit`` needs on TensorFlow: the step as it is, and batches as a ``tf.data.Dataset``."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from cosmogan_k3._typing import Tensor, Variable
from cosmogan_k3.backend.tensorflow.devices import device_count


class TrainStep:
    """Run the step of the GAN unchanged: variables have state on this backend."""

    # Method of the model that this class is mixed into.
    train_on_maps: Any

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Train on one batch."""
        return self.train_on_maps(data)


def feed(batches: Any) -> Any:
    """Return a ``tf.data.Dataset`` that asks for batch 0, 1, … of the epoch.

    Keras would turn a ``PyDataset`` into ``Dataset.from_generator``. Its kernel makes the C library
    return freed memory above 128 kB at once, and a step then spends most of its time on page
    faults. Autotuning is off, because the end of an epoch waits for its thread, which sleeps for
    10 ms, 20 ms, … 10 s.
    """
    shapes = [part.shape for part in _as_tuple(batches[0])]

    def read(index: Tensor) -> tuple[Tensor, ...]:
        parts = tf.numpy_function(
            lambda i: _as_tuple(batches[int(i)]), [index], [tf.float32] * len(shapes)
        )
        return tuple(
            tf.ensure_shape(part, shape) for part, shape in zip(parts, shapes, strict=True)
        )

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.range(len(batches)).map(read).prefetch(1).with_options(options)


def _as_tuple(batch: Any) -> tuple[Any, ...]:
    """Return maps alone, or maps and their conditions."""
    return batch if isinstance(batch, tuple) else (batch,)


def move_averages(
    averages: Sequence[Variable], values: Sequence[Variable], decay: Tensor | float
) -> None:
    """Move averages towards new values, one by one: the compiler fuses them."""
    for average, value in zip(averages, values, strict=True):
        average.assign(decay * average + (1 - decay) * value)


def default_jit() -> bool:
    """Return whether there is one GPU, where XLA is faster.

    On a CPU, XLA's convolutions are several times slower than TensorFlow's own. On several GPUs,
    XLA cannot compile the exchange between the replicas of a ``MirroredStrategy``.
    """
    return bool(tf.config.list_physical_devices("GPU")) and device_count() == 1


def describe() -> dict[str, str]:
    """Return version and devices, as TensorFlow lists them."""
    devices = (
        f"{d.device_type}:{d.name.rsplit(':', 1)[-1]}" for d in tf.config.list_physical_devices()
    )
    return {"version": tf.__version__, "devices": ", ".join(devices)}
