"""PyTorch: ``torch.autograd.grad``, which leaves no ``.grad`` behind."""

import torch
from torch.nn import functional

from cosmogan_k3.backend.feeding import MapSequence
from cosmogan_k3.backend.same_margin import same_margin
from cosmogan_k3.backend.torch.devices import mean_over_replicas
from cosmogan_k3.backend.torch.norm import VirtualBatchNormalization


def value_and_grad(objective, variables, state):
    value, auxiliary = objective()
    gradients = torch.autograd.grad(value, [v.value for v in variables])
    return (value.detach(), auxiliary), mean_over_replicas(list(gradients))


def vjp(function, variables, state):
    output = function()
    values = [v.value for v in variables]

    def pull(cotangent):
        return mean_over_replicas(list(torch.autograd.grad(output, values, grad_outputs=cotangent)))

    return output.detach(), pull


def value_and_input_gradient(function, x, state):
    kept = [(v, v.value._version, v.value.detach().clone()) for v in state if not v.trainable]
    x = x.detach().requires_grad_()
    value = function(x)
    gradient = torch.autograd.grad(value, x, create_graph=True)[0]
    for variable, version, before in kept:
        if (
            variable.value._version != version
        ):  # what was only read must stay untouched: the gradient may need it
            variable.assign(before)
    return value, gradient


def convolve(x, kernel, bias=None, strides=1, zeros=False):
    # The permuted views are PyTorch's channels_last layout, so that neither maps nor features are copied.
    x, weight = x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1).contiguous()
    before, after = same_margin(kernel.shape[0], strides) if zeros else (0, 0)
    if before != after:  # PyTorch's own margins are as wide on either side
        x, before = functional.pad(x, (before, after, before, after)), 0
    return functional.conv2d(x, weight, bias, strides, before).permute(0, 2, 3, 1)


def convolve_transposed(x, kernel, bias=None):
    options = {"stride": 2, "padding": kernel.shape[0] // 2, "output_padding": 1}
    weight = kernel.permute(2, 3, 0, 1).contiguous()
    return functional.conv_transpose2d(x.permute(0, 3, 1, 2), weight, bias, **options).permute(
        0, 2, 3, 1
    )


def split(x, sizes, axis):
    return torch.split(x, sizes, dim=axis)


def transposed_pays():
    return True


def batch_normalize(x, scale, shift, axis, epsilon):
    # Eager arithmetic would pass over the features a dozen times, forward and backward; this passes three times.
    y, mean, inverse = torch.native_batch_norm(
        x.movedim(axis, 1), scale, shift, None, None, True, 0.0, epsilon
    )
    return y.movedim(1, axis), mean.detach(), (inverse.detach() ** -2 - epsilon).clamp(min=0)


def virtual_batch_normalize(x, scale, shift, size, axis, epsilon):
    y, mean, variance = VirtualBatchNormalization.apply(
        x.movedim(axis, 1), scale, shift, size, epsilon
    )
    return y.movedim(1, axis), mean, variance


class TrainStep:
    """Run the step of the GAN as it stands: variables are stateful here."""

    def train_step(self, data):
        return self.train_on_maps(data)


def feed(batches):
    return MapSequence(batches, _on_device)


def _on_device(batch):
    if isinstance(batch, tuple):
        return tuple(map(_on_device, batch))
    tensor = torch.from_numpy(batch)
    return (
        tensor.pin_memory().to("cuda", non_blocking=True) if torch.cuda.is_available() else tensor
    )


def default_jit():
    """``torch.compile`` recompiles this step at every turn or fails inside Inductor."""
    return False


def describe():
    count = torch.cuda.device_count()
    devices = [torch.cuda.get_device_name(i) for i in range(count)] or ["cpu"]
    return {"version": torch.__version__, "devices": ", ".join(devices)}
