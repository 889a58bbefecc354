"""Virtual batch normalization on PyTorch, which writes both parts of a batch in place."""

from typing import Any, NamedTuple

import torch
from torch.nn import functional

from cosmogan_k3._typing import Tensor
from cosmogan_k3.backend.joint_moments import joint_moments
from cosmogan_k3.backend.private_api import (
    torch_batch_norm_parameter_gradients,
    torch_channel_moments,
    torch_native_batch_norm,
)


class VirtualBatchNormalization(torch.autograd.Function):
    """Normalize the reference by its own statistics, and the other rows by those of all rows.

    ::

        y = γ (x − μ) / σ + β
        ∂L/∂x = γ/σ [g − (Σ g + x̂ Σ g x̂) / N],    g = ∂L/∂y,  x̂ = (x − μ)/σ

    with σ² = variance + ε. Both sums and the first term run over the rows that μ and σ normalize.
    The last term applies to the rows that μ and σ were computed from; N is their number of values
    in a channel. For each channel, ∂L/∂x is linear in g and x: once the sums are known, two passes
    write it.

    ``apply(x, scale, shift, size, epsilon)`` takes x ``(n, channels, …)``, γ, β, the number of
    rows of the reference, and ε. It returns y, and mean and variance of all rows.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
    >>> one, zero = torch.ones(1), torch.zeros(1)
    >>> y, mean, variance = VirtualBatchNormalization.apply(x, one, zero, 2, 1e-9)
    >>> mean.item(), variance.item()
    (3.0, 5.0)
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, shift: Tensor, size: int, epsilon: float
    ) -> tuple[Tensor, ...]:
        """Return y, and mean and variance of all rows."""
        own, others = (torch_channel_moments(part) for part in (x[:size], x[size:]))
        joint = joint_moments(size / len(x), *own, *others)
        y = torch.empty_like(x)
        _normalize(x[:size], scale, shift, *own, epsilon, out=y[:size])
        _normalize(x[size:], scale, shift, *joint, epsilon, out=y[size:])
        ctx.size, ctx.epsilon = size, epsilon
        ctx.save_for_backward(x, scale, shift, *own, *joint)
        ctx.mark_non_differentiable(*joint)
        return y, *joint

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, γ and β."""
        x, scale, shift, mean, variance, joint_mean, joint_variance = ctx.saved_tensors
        size, epsilon = ctx.size, ctx.epsilon
        if torch.is_grad_enabled():  # a second derivative follows: PyTorch knows that of its own
            y = _composed(x, scale, shift, size, epsilon)
            return *torch.autograd.grad(y, (x, scale, shift), g, create_graph=True), None, None
        own = _linear_terms(g[:size], x[:size], scale, mean, variance, epsilon, rows=size)
        statistics = joint_mean, joint_variance, epsilon
        joint = _linear_terms(g[size:], x[size:], scale, *statistics, rows=len(x))
        # The reference contributes to the statistics of all rows, too.
        slope, offset = own.slope + joint.slope, own.offset + joint.offset
        by_x = torch.empty_like(x)
        _write(by_x[:size], own.factor, g[:size], slope, x[:size], offset)
        _write(by_x[size:], joint.factor, g[size:], joint.slope, x[size:], joint.offset)
        return by_x, own.by_scale + joint.by_scale, own.by_shift + joint.by_shift, None, None


def _composed(x: Tensor, scale: Tensor, shift: Tensor, size: int, epsilon: float) -> Tensor:
    """Return y by PyTorch's own normalization, which treats the reference twice."""
    own, joint = (
        functional.batch_norm(rows, None, None, scale, shift, True, 0.0, epsilon)
        for rows in (x[:size], x)
    )
    return torch.cat([own, joint[size:]])


def _normalize(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
    *,
    out: Tensor,
) -> None:
    """Write x, normalized by given statistics, to ``out``."""
    results = (out, x.new_empty(0), x.new_empty(0))
    torch_native_batch_norm(x, scale, shift, mean, variance, False, 0.0, epsilon, out=results)


class _LinearTerms(NamedTuple):
    """∂L/∂x = ``factor`` g + ``slope`` x + ``offset`` per channel, and the gradients of γ and β."""

    factor: Tensor
    slope: Tensor
    offset: Tensor
    by_scale: Tensor
    by_shift: Tensor


def _linear_terms(
    g: Tensor,
    x: Tensor,
    scale: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
    *,
    rows: int,
) -> _LinearTerms:
    """Return the terms of the rows x, normalized by statistics that ``rows`` rows were used for."""
    by_scale, by_shift = torch_batch_norm_parameter_gradients(
        g, x, scale, mean, variance, epsilon=epsilon
    )
    inverse = torch.rsqrt(variance + epsilon)
    factor = scale * inverse
    count = rows * x[0, 0].numel()
    slope = -factor * inverse * by_scale / count
    return _LinearTerms(
        factor, slope, -factor * by_shift / count - slope * mean, by_scale, by_shift
    )


def _write(
    out: Tensor, factor: Tensor, g: Tensor, slope: Tensor, x: Tensor, offset: Tensor
) -> None:
    factor, slope, offset = (
        value.view(-1, *[1] * (x.ndim - 2)) for value in (factor, slope, offset)
    )
    torch.addcmul(offset, slope, x, out=out).addcmul_(factor, g)
