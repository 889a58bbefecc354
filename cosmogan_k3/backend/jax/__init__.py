"""The JAX backend: the functions that ``cosmogan_k3.backend`` exports if it is active."""

from cosmogan_k3.backend.jax.autodiff import (
    split,
    value_and_grad,
    value_and_input_gradient,
    vjp,
)
from cosmogan_k3.backend.jax.conv import (
    convolve,
    convolve_transposed,
    transposed_convolution_is_fast,
)
from cosmogan_k3.backend.jax.devices import (
    broadcast,
    device_count,
    gather,
    local_slice,
    mean_over_replicas,
    process_count,
    process_index,
    replica_count,
    shutdown,
    single_process,
    use_devices,
)
from cosmogan_k3.backend.jax.norm import (
    batch_normalize,
    fused_normalization_is_fast,
    virtual_batch_normalize,
)
from cosmogan_k3.backend.jax.training import (
    TrainStep,
    default_jit,
    describe,
    feed,
    move_averages,
)

__all__ = [
    "TrainStep",
    "batch_normalize",
    "broadcast",
    "convolve",
    "convolve_transposed",
    "default_jit",
    "describe",
    "device_count",
    "feed",
    "fused_normalization_is_fast",
    "gather",
    "local_slice",
    "mean_over_replicas",
    "move_averages",
    "process_count",
    "process_index",
    "replica_count",
    "shutdown",
    "single_process",
    "split",
    "transposed_convolution_is_fast",
    "use_devices",
    "value_and_grad",
    "value_and_input_gradient",
    "virtual_batch_normalize",
    "vjp",
]
