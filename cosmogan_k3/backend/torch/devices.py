"""PyTorch on several devices, one process each: gloo on CPUs, NCCL on GPUs."""

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import distributed

from cosmogan_k3._typing import Tensor
from cosmogan_k3.errors import InputError


def use_devices(count: int | None) -> None:
    """Join the processes of a training and choose its devices.

    Call this before anything is computed.

    Parameters
    ----------
    count : int or None
        Number of devices of all processes together. None: all accelerators, or one CPU.

    Raises
    ------
    InputError
        There are not as many devices, or they cannot be shared evenly by the processes.

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.use_devices(1)
    """
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if count not in (None, processes):
        raise InputError(
            f"PyTorch runs one process a device. Received: {count} devices for {processes} "
            f"process{'es' if processes > 1 else ''}; start with "
            f"torchrun --nproc-per-node {count} -m cosmogan_k3 …",
            parameter="devices",
        )
    if processes > 1:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        # Texts are exchanged in the memory of the host, on GPUs as well.
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        )


def shutdown() -> None:
    """Leave the training, and disconnect from its other processes.

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.shutdown()
    """
    if distributed.is_initialized():
        distributed.destroy_process_group()


def single_process() -> AbstractContextManager[None]:
    """Return a context for work that one process does alone, such as writing a checkpoint.

    Returns
    -------
    context manager

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> with backend.single_process():
    ...     pass
    """
    return contextlib.nullcontext()


def process_count() -> int:
    """Return the number of processes of the training.

    Returns
    -------
    int

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.process_count()
    1
    """
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_index() -> int:
    """Return the number of this process; 0 is the main process, which alone writes and prints.

    Returns
    -------
    int

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.process_index()
    0
    """
    return distributed.get_rank() if distributed.is_initialized() else 0


def device_count() -> int:
    """Return the number of devices of all processes together.

    Returns
    -------
    int

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.device_count()
    1
    """
    return process_count()


def replica_count() -> int:
    """Return the number of devices that run the calling code at the same time.

    Outside a step this is 1, except on PyTorch, where every process runs all code.

    Returns
    -------
    int

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.replica_count()
    1
    """
    return process_count()


def local_slice(x: Tensor) -> Tensor:
    """Return this replica's rows of a tensor of the whole batch.

    Parameters
    ----------
    x : Tensor
        Shape ``(n, …)``, equal on all replicas; n is a multiple of their number.

    Returns
    -------
    Tensor
        Shape ``(n / replica_count, …)``.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> backend.local_slice(keras.ops.ones((4, 2))).shape[0]
    4
    """
    size = x.shape[0] // process_count()
    return x[process_index() * size :][:size]


def gather(x: Tensor) -> Tensor:
    """Concatenate the rows of all replicas.

    The result is differentiable any number of times. Its derivative adds up, over the replicas,
    what each computes from the whole. With ``mean_over_replicas`` the gradient is then that of the
    mean of all replicas' objectives.

    Parameters
    ----------
    x : Tensor
        Rows of this replica, ``(n, …)``.

    Returns
    -------
    Tensor
        Shape ``(n · replica_count, …)``, equal on all replicas.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> backend.gather(keras.ops.ones((4, 2))).shape[0]
    4
    """
    return _Gather.apply(x) if process_count() > 1 else x


class _Gather(torch.autograd.Function):
    """Rows of all processes; the derivative is the transpose, the sum of all cotangents of mine."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        rows = [
            torch.empty_like(mine, memory_format=torch.contiguous_format)
            for _ in range(process_count())
        ]
        distributed.all_gather(rows, mine.contiguous())
        return torch.cat(rows)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        return _SumOfMine.apply(cotangent)


class _SumOfMine(torch.autograd.Function):
    """Sum over the processes, of which this one keeps its rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        total = rows.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return local_slice(total)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        return _Gather.apply(cotangent)


def mean_over_replicas(gradients: list[Tensor]) -> list[Tensor]:
    """Average gradients over the replicas, for the optimizer.

    On PyTorch this takes one message. ``DistributedDataParallel`` would wait for ``.grad``, which
    is never written here.

    Parameters
    ----------
    gradients : list of Tensor
        Gradients of this replica.

    Returns
    -------
    list of Tensor
        Tensors of the same shapes.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> float(backend.mean_over_replicas([keras.ops.ones(())])[0])
    1.0
    """
    if process_count() == 1:
        return gradients
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    parts = torch.split(flat / process_count(), [gradient.numel() for gradient in gradients])
    return [part.reshape(gradient.shape) for part, gradient in zip(parts, gradients, strict=True)]


def broadcast(text: str) -> str:
    """Return the text of the main process, in every process.

    Parameters
    ----------
    text : str
        Ignored except in the main process.

    Returns
    -------
    str

    Examples
    --------
    >>> from cosmogan_k3 import backend
    >>> backend.broadcast("epoch 3")
    'epoch 3'
    """
    if process_count() == 1:
        return text
    data = np.frombuffer(text.encode(), np.uint8)
    size = torch.tensor([len(data)])
    distributed.broadcast(size, 0)
    received = (
        torch.from_numpy(data.copy())
        if process_index() == 0
        else torch.empty(int(size), dtype=torch.uint8)
    )
    distributed.broadcast(received, 0)
    return bytes(received.tolist()).decode()
