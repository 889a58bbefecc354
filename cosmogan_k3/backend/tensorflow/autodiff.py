"""Gradients on TensorFlow: gradient tapes inside one ``tf.function``."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from cosmogan_k3._typing import Tensor, Variable
from cosmogan_k3.backend.tensorflow.devices import mean_over_replicas


def value_and_grad(
    objective: Callable[[], tuple[Tensor, Any]],
    variables: Sequence[Variable],
    state: Sequence[Variable],
) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    """Evaluate an objective and its gradient, by a ``tf.GradientTape``."""
    with tf.GradientTape() as tape:
        value, auxiliary = objective()
    gradients = tape.gradient(value, [v.value for v in variables])
    return (value, auxiliary), mean_over_replicas(gradients)


def vjp(
    function: Callable[[], Tensor], variables: Sequence[Variable], state: Sequence[Variable]
) -> tuple[Tensor, Callable[[Tensor], list[Tensor]]]:
    """Evaluate a function and return its vector-Jacobian product, by ``output_gradients``."""
    with tf.GradientTape() as tape:
        output = function()

    def product(cotangent: Tensor) -> list[Tensor]:
        values = [v.value for v in variables]
        return mean_over_replicas(tape.gradient(output, values, output_gradients=cotangent))

    return output, product


def value_and_input_gradient(
    function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor, state: Sequence[Variable]
) -> tuple[tuple[Tensor, Any], Tensor]:
    """Evaluate a scalar function and its gradient; an outer tape differentiates it once more."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        with keras.StatelessScope():  # holds what the function assigns, until it closes
            value, auxiliary = function(x)
    return (value, auxiliary), tape.gradient(value, x)


def split(x: Tensor, sizes: Sequence[int], axis: int) -> Sequence[Tensor]:
    """Split a tensor into consecutive parts, by ``tf.split``."""
    return tf.split(x, sizes, axis=axis)
