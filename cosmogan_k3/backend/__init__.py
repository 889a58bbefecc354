"""The functions that Keras does not offer, implemented once for each backend.

Only this folder imports JAX, TensorFlow or PyTorch. Each of the folders ``jax``, ``tensorflow``
and ``torch`` has files of the same names, which define the same functions:

=================  ================================================================================
``autodiff.py``    gradients: ``value_and_grad``, ``vjp``, ``value_and_input_gradient``, ``split``
``conv.py``        ``convolve``, ``convolve_transposed``, ``transposed_convolution_is_fast``
``norm.py``        ``batch_normalize``, ``virtual_batch_normalize``,
                   ``fused_normalization_is_fast``
``devices.py``     several devices and processes: ``use_devices``, ``gather``, ``local_slice``, …
``training.py``    what ``fit`` needs: ``TrainStep``, ``feed``, ``move_averages``, …
=================  ================================================================================

This module exports the functions of the active Keras backend. The folder ``torch`` documents them
in full; the docstrings in the other folders say what is particular there.

Some functions take ``state``, a list of all model variables that they may read or update. JAX
needs it, because a variable stands for a traced value there. The other backends ignore it.

A batch may be spread over several devices (docs/howto/devices.md). The step then runs on each
device at the same time, as one *replica*. Each replica has the same number of rows, in the order of
the devices. With one device, every function of ``devices.py`` is an identity or returns 1 (or 0).
"""

from typing import TYPE_CHECKING

import keras

from cosmogan_k3._typing import BackendName
from cosmogan_k3.backend.imports import disable_tensorflow_import as disable_tensorflow_import
from cosmogan_k3.backend.private_api import cache_keras_skipsets as cache_keras_skipsets

BACKENDS: tuple[BackendName, ...] = ("jax", "tensorflow", "torch")

name: BackendName = keras.backend.backend()

# The folders define the same names and types (tests/backend/test_interface.py), so that a type
# checker reads one of them.
if TYPE_CHECKING or name == "torch":
    from cosmogan_k3.backend.torch import *  # noqa: F403
elif name == "jax":
    from cosmogan_k3.backend.jax import *  # noqa: F403
elif name == "tensorflow":
    from cosmogan_k3.backend.tensorflow import *  # noqa: F403
else:
    raise ImportError(
        f"cosmogan_k3 runs on the Keras backends {', '.join(BACKENDS)}. "
        f"Received: KERAS_BACKEND={name!r}"
    )
