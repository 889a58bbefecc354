"""The only folder that names a framework: gradients and the training step, once for each backend.

Every module here defines the same names:

``value_and_grad(objective, variables, state)``
    ``objective()`` returns a scalar and auxiliary tensors; the result is the same pair and the gradient of the
    scalar with respect to ``variables``.
``vjp(function, variables, state)``
    Output of ``function()`` and the map from a cotangent of it to gradients of ``variables``, so that one
    forward pass serves two uses.
``value_and_input_gradient(function, x, state)``
    ``function(x)``, a scalar, and its gradient with respect to the tensor ``x``, which can be differentiated once
    more. What ``function`` assigns to variables (averages of a normalisation, say) is undone.
``convolve(x, kernel, bias, strides, zeros)``
    Convolution, channels last, of maps as they are, or with zeros around them so that no pixel is lost (Keras's padding
    'same'); with a bias, or None.
``convolve_transposed(x, kernel, bias)``
    Transposed convolution with strides 2, of an odd kernel of size k: the adjoint of a convolution padded by (k − 1)/2
    zeros on each side. A map of n pixels becomes one of 2 n.
``split(x, sizes, axis)``
    ``x`` in consecutive parts of these sizes, whose gradient is one concatenation.
``transposed_pays()``
    Whether that is faster than the same arithmetic as convolutions of the coarse grid.
``batch_normalize(x, scale, shift, axis, epsilon)``
    ``x`` normalised along all axes but one, in a kernel of the framework, with the mean and variance that it used; None
    where the compiler does as well with plain arithmetic.
``virtual_batch_normalize(x, scale, shift, size, axis, epsilon)``
    The same for ``VirtualBatchNorm``: the first ``size`` rows by their own statistics, the others by those of all rows,
    which are returned beside the result.
``TrainStep``
    The mix-in that turns ``GAN.train_on_maps`` into what the backend's own ``fit`` calls.
``feed(batches)``
    ``data.Batches`` as what the backend's ``fit`` reads fastest.
``default_jit()``
    Whether XLA (or its like) pays on the device at hand.
``describe()``
    Version and devices, as text.

A batch may be spread over several devices (docs/devices.md). A step then runs once on each, over its *share*: as many
rows as the others have, in the order of the devices. The modules ``*_devices`` define

``use_devices(number)``, ``shutdown()``
    Join the processes of a training and take so many devices (None: all accelerators at hand, or one CPU); part again.
``single_process()``
    A context for what one process does by itself, such as writing a checkpoint.
``process_count()``, ``process_index()``, ``device_count()``
    Of the training; process 0 is the chief, which alone writes and speaks.
``replica_count()``
    How many devices run the code at hand side by side: 1 outside a step, except on PyTorch.
``local_slice(x)``
    This device's rows of a tensor of the whole batch.
``gather(x)``
    The rows of all devices from those of each; differentiable any number of times. The derivative of what each device
    makes of the whole adds up over the devices, so that with ``mean_over_replicas`` of the gradients the result is the
    gradient of the mean of all devices' objectives. The gradients above are such means.
``broadcast(text)``
    The chief's text, on every process.

With one device all of these are free: identities, and 1.

``state`` lists every model variable that the functions may read or update. JAX needs it, because there a
variable is a name for a traced value; the others ignore it.
"""

import contextlib
import sys

import keras

BACKENDS = ("jax", "tensorflow", "torch")

_active = keras.backend.backend()
if _active == "jax":
    from cosmogan_k3.backend.jax import autodiff as _module
    from cosmogan_k3.backend.jax import devices as _devices
elif _active == "tensorflow":
    from cosmogan_k3.backend.tensorflow import autodiff as _module
    from cosmogan_k3.backend.tensorflow import devices as _devices
elif _active == "torch":
    from cosmogan_k3.backend.torch import autodiff as _module
    from cosmogan_k3.backend.torch import devices as _devices
else:
    raise ImportError(
        f"cosmogan_k3 runs on the Keras backends {', '.join(BACKENDS)}. Received: KERAS_BACKEND={_active!r}"
    )

name = _active
value_and_grad = _module.value_and_grad
vjp = _module.vjp
value_and_input_gradient = _module.value_and_input_gradient
convolve = _module.convolve
convolve_transposed = _module.convolve_transposed
split = _module.split
transposed_pays = _module.transposed_pays
batch_normalize = _module.batch_normalize
virtual_batch_normalize = _module.virtual_batch_normalize
TrainStep = _module.TrainStep
feed = _module.feed
default_jit = _module.default_jit
describe = _module.describe

use_devices = _devices.use_devices
shutdown = _devices.shutdown
single_process = _devices.single_process
process_count = _devices.process_count
process_index = _devices.process_index
device_count = _devices.device_count
replica_count = _devices.replica_count
local_slice = _devices.local_slice
gather = _devices.gather
broadcast = _devices.broadcast


def leave_out_tensorflow():
    """Keep Keras from importing TensorFlow beside another backend, for processes that are ours alone.

    Keras does so wherever it is installed, to serialise a layer: 3 s and 470 MB. Afterwards Keras takes no
    ``tf.data.Dataset`` in this process.
    """
    if name == "tensorflow" or "tensorflow" in sys.modules:
        return
    with contextlib.suppress(
        ImportError
    ):  # not public; without it TensorFlow is imported as before
        from keras.src.utils import module_utils

        module_utils.tensorflow._available = False
