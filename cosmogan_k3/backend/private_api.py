"""The private or undocumented names of the frameworks that the backends rely on.

``tests/backend/test_private_api.py`` fails when a release removes or changes one of them.
"""

from cosmogan_k3._typing import Tensor

# JAX records this event between the end of a compilation and the first run of the result. There
# is no public name for it. Without the event, memory is not returned (``jax/memory.py``).
JAX_COMPILATION_EVENT = "/jax/core/compile/backend_compile_duration"


# Kinds of objects in a GAN whose attributes Keras reads when it saves them.
_SAVED_KINDS = ("Operation", "Layer", "Functional", "Metric", "Optimizer", "Loss")


def cache_keras_skipsets() -> None:
    """Let Keras remember which attributes of an object it skips in saving.

    Keras 3.15 stores these names as ``saving_attr_skipset_…`` and looks for
    ``saving_attr_skiplist_…``. It therefore makes an example of each object that it saves, such as
    an optimizer with new variables. TensorFlow keeps 35 kB for each new name of a variable.
    """
    from keras.src.backend.common import global_state
    from keras.src.saving import saving_lib

    for kind in _SAVED_KINDS:
        names = saving_lib.get_attr_skipset(kind)
        global_state.set_global_attribute(f"saving_attr_skiplist_{kind}", names)


def torch_native_batch_norm(*arguments: Tensor, out: tuple[Tensor, ...] | None = None) -> Tensor:
    """Call ``torch.native_batch_norm``, which is exported but not documented.

    ``torch.nn.functional.batch_norm`` neither returns the statistics that it computed nor writes
    into a given tensor.

    Parameters
    ----------
    *arguments
        Input, weight, bias, running mean, running variance, training, momentum and epsilon.
    out : tuple of tensors, optional
        Where output, mean and inverse standard deviation are written.

    Returns
    -------
    tuple of tensors
        Output, mean and inverse standard deviation.
    """
    import torch

    return torch.native_batch_norm(*arguments, out=out)


def torch_channel_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel, in one pass.

    ``torch.batch_norm_update_stats`` is exported but not documented. ``torch.var_mean`` gives the
    same numbers; over all axes but the second it is several times slower on a CPU.

    Parameters
    ----------
    x : Tensor
        Shape ``(n, channels, …)``.

    Returns
    -------
    mean, variance : Tensor
        Shape ``(channels,)``.
    """
    import torch

    return torch.batch_norm_update_stats(x, None, None, 0.0)


def torch_batch_norm_parameter_gradients(
    cotangent: Tensor, x: Tensor, scale: Tensor, mean: Tensor, variance: Tensor, *, epsilon: float
) -> tuple[Tensor, Tensor]:
    """Return the gradients of scale and shift of a normalization by given statistics.

    ``torch.ops.aten`` is PyTorch's internal table of operations. ``torch.autograd.grad`` reaches
    this one only after a forward pass, which the caller has done already.

    Parameters
    ----------
    cotangent, x : Tensor
        Gradient of the output, and the input, ``(n, channels, …)``.
    scale, mean, variance : Tensor
        Shape ``(channels,)``.
    epsilon : float
        Added to the variance.

    Returns
    -------
    by_scale, by_shift : Tensor
        Shape ``(channels,)``.
    """
    import torch

    arguments = (mean, variance, None, None, False, epsilon, [False, True, True])
    return torch.ops.aten.native_batch_norm_backward(cotangent, x, scale, *arguments)[1:]
