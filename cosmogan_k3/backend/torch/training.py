"""What ``fit`` needs on PyTorch: the step as it is, and batches on the device."""

from collections.abc import Sequence
from typing import Any

import torch

from cosmogan_k3._typing import Tensor, Variable
from cosmogan_k3.backend.feeding import MapSequence


class TrainStep:
    """Turn ``GAN.train_on_maps`` into the ``train_step`` that the backend's ``fit`` calls.

    This class is mixed into the model, before ``keras.Model``. Variables have state on this
    backend, so that the step runs unchanged.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> class Model(backend.TrainStep, keras.Model):
    ...     def train_on_maps(self, data):
    ...         return {"loss": keras.ops.mean(data[0])}
    """

    # Method of the model that this class is mixed into.
    train_on_maps: Any

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Train on one batch.

        Parameters
        ----------
        data : tuple
            Maps, or maps and their conditions.

        Returns
        -------
        dict of str to Tensor
            Value of each metric.
        """
        return self.train_on_maps(data)


def feed(batches: Any) -> MapSequence:
    """Prepare batches for the backend's ``fit``, in the form that it reads fastest.

    Parameters
    ----------
    batches : Batches
        Sequence of float32 batches: arrays of maps, or pairs of maps and conditions.

    Returns
    -------
    keras.utils.PyDataset or tensorflow.data.Dataset

    Examples
    --------
    >>> import numpy as np
    >>> from cosmogan_k3 import backend
    >>> len(backend.feed([np.zeros((2, 4, 4, 1), "float32")] * 3))
    3
    """
    return MapSequence(batches, _to_device)


def _to_device(batch: Any) -> Any:
    if isinstance(batch, tuple):
        return tuple(map(_to_device, batch))
    tensor = torch.from_numpy(batch)
    if torch.cuda.is_available():
        return tensor.pin_memory().to("cuda", non_blocking=True)
    return tensor


def move_averages(
    averages: Sequence[Variable], values: Sequence[Variable], decay: Tensor | float
) -> None:
    """Move averages towards new values, all of them at once: w̄ ← d w̄ + (1 − d) w.

    Parameters
    ----------
    averages, values : sequence of Variable
        Pairs of one shape.
    decay : tensor or float
        d, between 0 and 1.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> average, value = keras.Variable([1.0, 2.0]), keras.Variable([3.0, 4.0])
    >>> backend.move_averages([average], [value], 0.75)
    >>> keras.ops.convert_to_numpy(average).tolist()
    [1.5, 2.5]
    """
    if not averages:
        return
    with torch.no_grad():  # a call for each variable would take most of its time to start
        old, new = [v.value.data for v in averages], [v.value.data for v in values]
        torch._foreach_mul_(old, decay)
        torch._foreach_add_(old, torch._foreach_mul(new, 1 - decay))


def default_jit() -> bool:
    """Return whether to compile the step (``jit_compile``) on the device in use.

    On PyTorch the answer is False: ``torch.compile`` recompiles this step at every call, or fails
    inside Inductor.

    Returns
    -------
    bool

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> isinstance(backend.default_jit(), bool)
    True
    """
    return False


def describe() -> dict[str, str]:
    """Return version and devices of the framework.

    Returns
    -------
    dict of str to str
        ``version`` and ``devices``.

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> sorted(backend.describe())
    ['devices', 'version']
    """
    count = torch.cuda.device_count()
    devices = [torch.cuda.get_device_name(i) for i in range(count)] or ["cpu"]
    return {"version": torch.__version__, "devices": ", ".join(devices)}
