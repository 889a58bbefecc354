"""Gradients on JAX: pure functions of explicit state, inside ``keras.StatelessScope``."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
from jax import numpy as jnp

from cosmogan_k3._typing import Tensor, Variable
from cosmogan_k3.backend.jax.devices import mean_over_replicas


def value_and_grad(
    objective: Callable[[], tuple[Tensor, Any]],
    variables: Sequence[Variable],
    state: Sequence[Variable],
) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    """Evaluate an objective and its gradient, by ``jax.value_and_grad`` of a pure function."""
    pure, others = _as_pure_function(objective, variables, state)

    def scalar_first(values: list[Tensor]) -> tuple[Tensor, Any]:
        (value, auxiliary), updates = pure(values)
        return value, (auxiliary, updates)

    differentiate = jax.value_and_grad(scalar_first, has_aux=True)
    (value, (auxiliary, updates)), gradients = differentiate([v.value for v in variables])
    _assign(others, updates)
    return (value, auxiliary), mean_over_replicas(gradients)


def vjp(
    function: Callable[[], Tensor], variables: Sequence[Variable], state: Sequence[Variable]
) -> tuple[Tensor, Callable[[Tensor], list[Tensor]]]:
    """Evaluate a function and return its vector-Jacobian product, by ``jax.vjp``."""
    pure, others = _as_pure_function(function, variables, state)
    output, product, updates = jax.vjp(pure, [v.value for v in variables], has_aux=True)
    _assign(others, updates)
    return output, lambda cotangent: mean_over_replicas(product(cotangent)[0])


def value_and_input_gradient(
    function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor, state: Sequence[Variable]
) -> tuple[tuple[Tensor, Any], Tensor]:
    """Evaluate a scalar function and its gradient; the updates of the inner scope are dropped."""

    def pure(x: Tensor) -> tuple[Tensor, Any]:
        output, _ = _as_pure_function(lambda: function(x), [], state)[0]([])
        return output

    return jax.value_and_grad(pure, has_aux=True)(x)


def split(x: Tensor, sizes: Sequence[int], axis: int) -> Sequence[Tensor]:
    """Split a tensor into consecutive parts; JAX takes the positions, not the sizes."""
    return jnp.split(x, list(itertools.accumulate(sizes[:-1])), axis=axis)


def _as_pure_function(
    function: Callable[[], Any], variables: Sequence[Variable], state: Sequence[Variable]
) -> tuple[Callable[[list[Tensor]], tuple[Any, list[Tensor]]], list[Variable]]:
    """Turn a function that reads variables into a pure function of the values of ``variables``.

    The inner scope maps every model variable: scopes do not inherit from an outer scope, and
    ``fit`` has emptied the variables themselves. The pure function also returns the new values of
    the other variables.
    """
    known = {id(v) for v in variables}
    others = [v for v in state if id(v) not in known]
    current = [jnp.asarray(v.value) for v in others]

    def pure(values: list[Tensor]) -> tuple[Any, list[Tensor]]:
        mapping = [*zip(others, current, strict=True), *zip(variables, values, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            output = function()
        return output, [scope.get_current_value(v) for v in others]

    return pure, others


def _assign(variables: list[Variable], values: list[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
