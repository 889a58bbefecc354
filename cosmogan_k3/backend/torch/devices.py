"""PyTorch on several devices: one process each, started by ``torchrun``; gloo on CPUs, NCCL on GPUs."""

import contextlib
import os

import numpy as np
import torch
from torch import distributed

from cosmogan_k3.errors import InputError


def use_devices(number):
    world = int(os.environ.get("WORLD_SIZE", 1))
    if number not in (None, world):
        raise InputError(
            f"PyTorch runs one process a device. Received: {number} devices for {world} "
            f"process{'es' if world > 1 else ''}; start with torchrun --nproc-per-node {number} -m cosmogan_k3 …"
        )
    if world > 1:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        # Texts between processes lie in the memory of the host, whatever the networks run on.
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        )


def shutdown():
    if distributed.is_initialized():
        distributed.destroy_process_group()


single_process = contextlib.nullcontext


def process_count():
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_index():
    return distributed.get_rank() if distributed.is_initialized() else 0


def device_count():
    return process_count()


replica_count = process_count


def local_slice(x):
    size = x.shape[0] // process_count()
    return x[process_index() * size :][:size]


def gather(x):
    return _Gather.apply(x) if process_count() > 1 else x


class _Gather(torch.autograd.Function):
    """The rows of all processes; its derivative is its transpose, the sum of what all of them ask of mine."""

    @staticmethod
    def forward(context, mine):
        rows = [
            torch.empty_like(mine, memory_format=torch.contiguous_format)
            for _ in range(process_count())
        ]
        distributed.all_gather(rows, mine.contiguous())
        return torch.cat(rows)

    @staticmethod
    def backward(context, cotangent):
        return _SumOfMine.apply(cotangent)


class _SumOfMine(torch.autograd.Function):
    @staticmethod
    def forward(context, rows):
        total = rows.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return local_slice(total)

    @staticmethod
    def backward(context, cotangent):
        return _Gather.apply(cotangent)


def mean_over_replicas(gradients):
    """Average gradients in one message. (DistributedDataParallel would wait for a ``.grad`` that nobody writes.)"""
    if process_count() == 1:
        return gradients
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    parts = torch.split(flat / process_count(), [gradient.numel() for gradient in gradients])
    return [part.reshape(gradient.shape) for part, gradient in zip(parts, gradients, strict=True)]


def broadcast(text):
    """The text of process 0, on all."""
    if process_count() == 1:
        return text
    data = np.frombuffer(text.encode(), np.uint8)
    size = torch.tensor([len(data)])
    distributed.broadcast(size, 0)
    data = (
        torch.from_numpy(data.copy())
        if process_index() == 0
        else torch.empty(int(size), dtype=torch.uint8)
    )
    distributed.broadcast(data, 0)
    return bytes(data.tolist()).decode()
