"""The only folder that names a framework: gradients and the training step, once for each backend.

Every module here defines the same names:

``value_and_grad(objective, variables, state)``
    ``objective()`` returns a scalar and auxiliary tensors; the result is the same pair and the gradient of the
    scalar with respect to ``variables``.
``pullback(function, variables, state)``
    Output of ``function()`` and the map from a cotangent of it to gradients of ``variables``, so that one
    forward pass serves two uses.
``value_and_input_gradient(function, x, state)``
    ``function(x)``, a scalar, and its gradient with respect to the tensor ``x``, which can be differentiated once
    more. What ``function`` assigns to variables (averages of a normalisation, say) is undone.
``convolve(x, kernel, strides)``
    Convolution without padding, channels last.
``convolve_transposed(x, kernel)``
    Transposed convolution with strides 2, uncropped: a map of n pixels becomes one of 2 (n − 1) + kernel size.
``transposed_pays()``
    Whether that is faster than the same arithmetic as convolutions of the coarse grid.
``batch_normalize(x, scale, shift, axis, epsilon)``
    ``x`` normalised along all axes but one, in a kernel of the framework, with the mean and variance that it used; None
    where the compiler does as well with plain arithmetic.
``TrainStep``
    The mix-in that turns ``GAN.train_on_maps`` into what the backend's own ``fit`` calls.
``feed(batches)``
    ``data.Batches`` as what the backend's ``fit`` reads fastest.
``default_jit()``
    Whether XLA (or its like) pays on the device at hand.
``describe()``
    Version and devices, as text.

``state`` lists every model variable that the functions may read or update. JAX needs it, because there a
variable is a name for a traced value; the others ignore it.
"""

import keras

BACKENDS = ("jax", "tensorflow", "torch")

_active = keras.backend.backend()
if _active == "jax":
    from cosmogan_k3.backend import jax as _module
elif _active == "tensorflow":
    from cosmogan_k3.backend import tensorflow as _module
elif _active == "torch":
    from cosmogan_k3.backend import torch as _module
else:
    raise ImportError(
        f"cosmogan_k3 runs on the Keras backends {', '.join(BACKENDS)}. Received: KERAS_BACKEND={_active!r}"
    )

name = _active
value_and_grad = _module.value_and_grad
pullback = _module.pullback
value_and_input_gradient = _module.value_and_input_gradient
convolve = _module.convolve
convolve_transposed = _module.convolve_transposed
transposed_pays = _module.transposed_pays
batch_normalize = _module.batch_normalize
TrainStep = _module.TrainStep
feed = _module.feed
default_jit = _module.default_jit
describe = _module.describe
