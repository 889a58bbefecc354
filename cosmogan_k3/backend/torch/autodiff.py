"""Gradients on PyTorch: ``torch.autograd.grad``, which leaves every ``.grad`` empty."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch

from cosmogan_k3._typing import Tensor, Variable
from cosmogan_k3.backend.torch.devices import mean_over_replicas


def value_and_grad(
    objective: Callable[[], tuple[Tensor, Any]],
    variables: Sequence[Variable],
    state: Sequence[Variable],
) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    """Evaluate an objective and its gradient with respect to variables.

    With several replicas the gradient is the mean over their objectives.

    Parameters
    ----------
    objective : callable
        Function without arguments that returns a scalar and auxiliary tensors.
    variables : sequence of keras.Variable
        What to differentiate with respect to.
    state : sequence of keras.Variable
        All model variables that ``objective`` may read or update.

    Returns
    -------
    result : tuple
        The scalar and the auxiliary tensors.
    gradients : list of Tensor
        One of the shape of each variable.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> w = keras.Variable(3.0)
    >>> (value, _), (slope,) = backend.value_and_grad(lambda: (w * w, None), [w], [w])
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    value, auxiliary = objective()
    gradients = torch.autograd.grad(value, [v.value for v in variables])
    return (value.detach(), auxiliary), mean_over_replicas(list(gradients))


def vjp(
    function: Callable[[], Tensor], variables: Sequence[Variable], state: Sequence[Variable]
) -> tuple[Tensor, Callable[[Tensor], list[Tensor]]]:
    """Evaluate a function of variables and return its vector-Jacobian product.

    ::

        vᵀ J,    J = ∂ output / ∂ variables

    One forward pass gives the output and, later, the gradients. With several replicas the
    gradients are the mean over them.

    Parameters
    ----------
    function : callable
        Function without arguments that returns a tensor.
    variables : sequence of keras.Variable
        What to differentiate with respect to.
    state : sequence of keras.Variable
        All model variables that ``function`` may read or update.

    Returns
    -------
    output : Tensor
        Result of ``function``, without its history.
    product : callable
        Maps a cotangent v, of the shape of ``output``, to a list of gradients. It may be called
        once.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> w = keras.Variable([1.0, 2.0])
    >>> output, product = backend.vjp(lambda: w * w, [w], [w])
    >>> (gradient,) = product(keras.ops.convert_to_tensor([1.0, 10.0]))
    >>> keras.ops.convert_to_numpy(output).tolist(), keras.ops.convert_to_numpy(gradient).tolist()
    ([1.0, 4.0], [2.0, 40.0])
    """
    output = function()
    values = [v.value for v in variables]

    def product(cotangent: Tensor) -> list[Tensor]:
        return mean_over_replicas(list(torch.autograd.grad(output, values, grad_outputs=cotangent)))

    return output.detach(), product


def value_and_input_gradient(
    function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor, state: Sequence[Variable]
) -> tuple[tuple[Tensor, Any], Tensor]:
    """Evaluate a scalar function and its gradient with respect to a tensor.

    The gradient can be differentiated once more, as a gradient penalty needs. Values that
    ``function`` assigns to variables (moving averages of a normalization) are dropped.

    Parameters
    ----------
    function : callable
        Maps a tensor to a scalar and whatever else it computes, as tensors.
    x : Tensor
        Where to evaluate; any shape.
    state : sequence of keras.Variable
        All model variables that ``function`` may read or update.

    Returns
    -------
    value, auxiliary : Tensor and any
        ``function(x)``.
    gradient : Tensor
        Shape of ``x``.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> x = keras.ops.convert_to_tensor([1.0, 3.0])
    >>> _, slope = backend.value_and_input_gradient(lambda x: (keras.ops.sum(x * x), None), x, [])
    >>> keras.ops.convert_to_numpy(keras.ops.stop_gradient(slope)).tolist()
    [2.0, 6.0]
    """
    x = x.detach().requires_grad_()
    with keras.StatelessScope():  # holds what the function assigns, until it closes
        value, auxiliary = function(x)
    return (value, auxiliary), torch.autograd.grad(value, x, create_graph=True)[0]


def split(x: Tensor, sizes: Sequence[int], axis: int) -> Sequence[Tensor]:
    """Split a tensor into consecutive parts.

    The gradient is one concatenation; that of slices would be one map of zeros for each.

    Parameters
    ----------
    x : Tensor
        Any shape.
    sizes : sequence of int
        Lengths of the parts, which add up to the length of ``x``.
    axis : int
        The axis to split.

    Returns
    -------
    sequence of Tensor
        The parts.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3 import backend
    >>> x = keras.ops.convert_to_tensor([1.0, 2.0, 3.0])
    >>> [keras.ops.convert_to_numpy(part).tolist() for part in backend.split(x, [1, 2], axis=0)]
    [[1.0], [2.0, 3.0]]
    """
    return torch.split(x, sizes, dim=axis)
