"""What ``fit`` needs on JAX: the step as a function from state to state, and its batches."""

from collections.abc import Sequence
from typing import Any

import jax
import keras
from jax.sharding import PartitionSpec

from cosmogan_k3._typing import Tensor, Variable
from cosmogan_k3.backend.feeding import MapSequence
from cosmogan_k3.backend.jax.devices import BATCH_AXIS, device_count
from cosmogan_k3.backend.jax.memory import release_after_compilation

State = tuple[list[Tensor], ...]  # trainable, non-trainable, optimizer and metric variables


class TrainStep:
    """Run the stateful step of the GAN as a function from state to state."""

    # Attributes of the ``keras.Model`` that this class is mixed into.
    trainable_variables: Any
    non_trainable_variables: Any
    optimizer: Any
    metrics_variables: Any
    train_on_maps: Any

    def make_train_function(self, force: bool = False) -> None:
        """Build the train function, and return the compiler's memory after compilation."""
        release_after_compilation()
        super().make_train_function(force)  # type: ignore[misc]  # of keras.Model

    def train_step(self, state: State, data: Any) -> tuple[dict[str, Tensor], State]:
        """Train on one batch, on every device of the distribution."""
        distribution = keras.distribution.distribution()
        if distribution is None:
            return self._pure_step(state, data)
        replicated, rows = PartitionSpec(), PartitionSpec(BATCH_AXIS)
        # JAX cannot infer through a gather that the results are equal on all devices, so that its
        # check is off. tests/parity/test_devices.py compares them instead.
        step = jax.shard_map(
            self._pure_step,
            mesh=distribution.device_mesh.backend_mesh,
            in_specs=(replicated, rows),
            out_specs=(replicated, replicated),
            check_vma=False,
        )
        return step(state, data)

    def _pure_step(self, state: State, data: Any) -> tuple[dict[str, Tensor], State]:
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


def feed(batches: Any) -> MapSequence:
    """Prepare batches for ``fit``; on one device they are transferred ahead of the step.

    With several devices, Keras itself distributes the rows of a batch of NumPy arrays.
    """
    return MapSequence(batches, jax.device_put) if device_count() == 1 else MapSequence(batches)


def move_averages(
    averages: Sequence[Variable], values: Sequence[Variable], decay: Tensor | float
) -> None:
    """Move averages towards new values, one by one: the compiler fuses them."""
    for average, value in zip(averages, values, strict=True):
        average.assign(decay * average + (1 - decay) * value)


def default_jit() -> bool:
    """Return True: JAX compiles every step."""
    return True


def describe() -> dict[str, str]:
    """Return version and devices, as JAX prints them."""
    return {"version": jax.__version__, "devices": ", ".join(str(d) for d in jax.devices())}
