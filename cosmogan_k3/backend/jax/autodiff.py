"""JAX: pure functions over explicit state, opened and closed with ``keras.StatelessScope``."""

import itertools

import jax
import keras
from jax import numpy as jnp

from cosmogan_k3.backend.feeding import MapSequence
from cosmogan_k3.backend.jax.conv import cpu_convolve, xla_convolve
from cosmogan_k3.backend.jax.devices import device_count, mean_over_replicas, spread
from cosmogan_k3.backend.jax.memory import release_after_compilation
from cosmogan_k3.backend.same_margin import same_margin


def _as_function(function, variables, state):
    """Turn ``function``, which reads variables, into a pure one of the values of ``variables``.

    The inner scope maps *every* model variable, because scopes do not inherit from an outer one and ``fit``
    has emptied the variables themselves. The values that ``function`` assigned come back beside its output.
    """
    known = {id(v) for v in variables}
    others = [v for v in state if id(v) not in known]
    current = [jnp.asarray(v.value) for v in others]

    def pure(values):
        mapping = [*zip(others, current, strict=True), *zip(variables, values, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            output = function()
        return output, [scope.get_current_value(v) for v in others]

    return pure, others


def _commit(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def value_and_grad(objective, variables, state):
    pure, others = _as_function(objective, variables, state)

    def scalar_first(values):
        (value, auxiliary), updates = pure(values)
        return value, (auxiliary, updates)

    (value, (auxiliary, updates)), gradients = jax.value_and_grad(scalar_first, has_aux=True)(
        [v.value for v in variables]
    )
    _commit(others, updates)
    return (value, auxiliary), mean_over_replicas(gradients)


def vjp(function, variables, state):
    pure, others = _as_function(function, variables, state)
    output, pull, updates = jax.vjp(pure, [v.value for v in variables], has_aux=True)
    _commit(others, updates)
    return output, lambda cotangent: mean_over_replicas(pull(cotangent)[0])


def value_and_input_gradient(function, x, state):
    def pure(x):
        output, _ = _as_function(lambda: function(x), [], state)[0]([])
        return output

    return jax.value_and_grad(pure)(x)


def convolve(x, kernel, bias=None, strides=1, zeros=False):
    if zeros:
        margin = same_margin(kernel.shape[0], strides)
        x = jnp.pad(x, [(0, 0), margin, margin, (0, 0)])
    y = (cpu_convolve if jax.default_backend() == "cpu" else xla_convolve)(x, kernel, strides)
    return y if bias is None else y + bias


def convolve_transposed(x, kernel, bias=None):
    sides = [(size // 2, size // 2 + 1) for size in kernel.shape[:2]]
    y = jax.lax.conv_general_dilated(
        x,
        kernel[::-1, ::-1],
        (1, 1),
        sides,
        lhs_dilation=(2, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y if bias is None else y + bias


def split(x, sizes, axis):
    return jnp.split(x, list(itertools.accumulate(sizes[:-1])), axis=axis)


def transposed_pays():
    """Not on a CPU, where XLA's gradients of dilated convolutions are many times slower than the plain ones."""
    return jax.default_backend() != "cpu"


batch_normalize = None
virtual_batch_normalize = None


class TrainStep:
    """Run the stateful step of the GAN as a function from state to state."""

    def make_train_function(self, force=False):
        release_after_compilation()
        super().make_train_function(force)

    def train_step(self, state, data):
        return spread(self._pure_step)(state, data)

    def _pure_step(self, state, data):
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        mapping = [
            pair
            for group, values in zip(groups, state, strict=True)
            for pair in zip(group, values, strict=True)
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.train_on_maps(data)
        return logs, tuple([scope.get_current_value(v) for v in group] for group in groups)


def feed(batches):
    # With several devices, Keras itself cuts a batch into their rows.
    return MapSequence(batches, jax.device_put) if device_count() == 1 else MapSequence(batches)


def default_jit():
    return True


def describe():
    return {"version": jax.__version__, "devices": ", ".join(str(d) for d in jax.devices())}
