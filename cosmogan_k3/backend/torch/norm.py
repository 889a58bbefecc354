"""Virtual batch normalisation on PyTorch: both parts of a batch are written where they belong, none is copied."""

from typing import NamedTuple

import torch
from torch.nn import functional

from cosmogan_k3.backend.joint_moments import joint_moments


class VirtualBatchNormalization(torch.autograd.Function):
    """Normalise the reference, the first rows, by its own statistics, and the others by those of all rows.

        y = γ (x − μ) / σ + β,      ∂L/∂x = γ/σ [g − (Σg + x̂ Σ g x̂) / N],      g = ∂L/∂y,  x̂ = (x − μ)/σ

    with σ² = variance + ε. Both sums, and the first term, are of the rows that μ and σ normalise; the second is of the
    N values of a channel that μ and σ are the statistics of. For a channel ∂L/∂x is linear in g and x: once the sums
    are known, two passes write it.

    ``apply(x, scale, shift, size, epsilon)`` takes x ``(n, channels, …)`` and returns y, and mean and variance of all
    rows.
    """

    @staticmethod
    def forward(ctx, x, scale, shift, size, epsilon):
        own, others = (_moments(part) for part in (x[:size], x[size:]))
        joint = joint_moments(size / len(x), *own, *others)
        y = torch.empty_like(x)
        _normalize(x[:size], scale, shift, *own, epsilon, out=y[:size])
        _normalize(x[size:], scale, shift, *joint, epsilon, out=y[size:])
        ctx.size, ctx.epsilon = size, epsilon
        ctx.save_for_backward(x, scale, shift, *own, *joint)
        ctx.mark_non_differentiable(*joint)
        return y, *joint

    @staticmethod
    def backward(ctx, g, *_):
        x, scale, shift, *statistics = ctx.saved_tensors
        size, epsilon = ctx.size, ctx.epsilon
        if (
            torch.is_grad_enabled()
        ):  # this gradient is to be differentiated in turn, as PyTorch can what it composed
            y = _composed(x, scale, shift, size, epsilon)
            return *torch.autograd.grad(y, (x, scale, shift), g, create_graph=True), None, None
        own = _terms(g[:size], x[:size], scale, *statistics[:2], epsilon, rows=size)
        joint = _terms(g[size:], x[size:], scale, *statistics[2:], epsilon, rows=len(x))
        of_x = torch.empty_like(x)
        # The statistics of all rows are the reference's too.
        _write(
            of_x[:size],
            own.factor,
            g[:size],
            own.slope + joint.slope,
            x[:size],
            own.offset + joint.offset,
        )
        _write(of_x[size:], joint.factor, g[size:], joint.slope, x[size:], joint.offset)
        return of_x, own.products + joint.products, own.sums + joint.sums, None, None


def _composed(x, scale, shift, size, epsilon):
    """The same of PyTorch's own normalisation, which treats the reference twice and joins what it made."""
    own, joint = (
        functional.batch_norm(rows, None, None, scale, shift, True, 0.0, epsilon)
        for rows in (x[:size], x)
    )
    return torch.cat([own, joint[size:]])


def _moments(x):
    """Mean and variance of each channel."""
    return torch.batch_norm_update_stats(x, None, None, 0.0)


def _normalize(x, scale, shift, mean, variance, epsilon, *, out):
    unused = {"save_mean": x.new_empty(0), "save_invstd": x.new_empty(0)}
    torch.ops.aten.native_batch_norm.out(
        x, scale, shift, mean, variance, False, 0.0, epsilon, out=out, **unused
    )


class _Terms(NamedTuple):
    """Of the gradient ``factor`` · g + ``slope`` · x + ``offset``, each for a channel; and Σ g x̂ and Σ g."""

    factor: torch.Tensor
    slope: torch.Tensor
    offset: torch.Tensor
    products: torch.Tensor
    sums: torch.Tensor


def _terms(g, x, scale, mean, variance, epsilon, *, rows):
    """What some rows put into the gradient by way of the statistics that normalise them, which are of so many rows."""
    _, products, sums = torch.ops.aten.native_batch_norm_backward(
        g, x, scale, mean, variance, None, None, False, epsilon, [False, True, True]
    )
    inverse = torch.rsqrt(variance + epsilon)
    factor = scale * inverse
    count = rows * x[0, 0].numel()
    slope = -factor * inverse * products / count
    return _Terms(factor, slope, -factor * sums / count - slope * mean, products, sums)


def _write(out, factor, g, slope, x, offset):
    factor, slope, offset = (
        value.view(-1, *[1] * (x.ndim - 2)) for value in (factor, slope, offset)
    )
    torch.addcmul(offset, slope, x, out=out).addcmul_(factor, g)
