"""Numbers of 16 bits in the networks: features in bfloat16, maps and weights in float32.

Layers record their dtype policy when they are made, and in the file of a model. Nothing here
matters afterwards.
"""

import contextlib
from collections.abc import Iterator

import keras

from cosmogan_k3.errors import InputError


@contextlib.contextmanager
def building_in(precision: str) -> Iterator[None]:
    """Build layers that compute in a precision.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        bfloat16 is Keras's policy mixed_bfloat16. float32 leaves the policy of Keras as it is.

    Raises
    ------
    InputError
        If the precision is another.

    Examples
    --------
    >>> with building_in("bfloat16"):
    ...     keras.layers.Dense(1).compute_dtype, keras.layers.Dense(1).variable_dtype
    ('bfloat16', 'float32')
    """
    if precision == "float32":
        yield
        return
    if precision != "bfloat16":
        raise InputError(
            f"expected float32 or bfloat16. Received: {precision}", parameter="precision"
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def map_dtype() -> str:
    """Return the dtype of layers that make or measure maps: that of the weights.

    bfloat16 has eight bits: a pixel would be rounded by up to 0.4 %, and a field's mean lost.

    Examples
    --------
    >>> with building_in("bfloat16"):
    ...     map_dtype()
    'float32'
    """
    return keras.config.dtype_policy().variable_dtype
