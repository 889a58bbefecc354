"""A limit on the weights of a model while Keras builds it from a file."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from cosmogan_k3.errors import InputError

_lock = threading.RLock()  # one thread at a time replaces the method of Keras


@contextmanager
def at_most(numbers: int) -> Iterator[None]:
    """Refuse to create more weights than so many numbers, before memory is taken for them.

    A configuration of a few bytes can ask for layers of any size. All layers, those of Keras and of
    a user among them, create their weights with ``keras.layers.Layer.add_weight``. It counts them
    in this thread until the context ends.

    Parameters
    ----------
    numbers : int
        Limit of the sum over all weights.

    Raises
    ------
    InputError
        In the context, at the first weight beyond the limit.

    Examples
    --------
    >>> with at_most(100):
    ...     keras.layers.Dense(1000).build((None, 1000))
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: its configuration asks for more numbers than its weights hold
    """
    with _lock:
        add_weight, thread, left = keras.layers.Layer.add_weight, threading.get_ident(), numbers

        def counted(layer: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if threading.get_ident() == thread:
                left -= math.prod(keras.tree.flatten(shape or ()))
                if left < 0:
                    raise InputError(
                        "its configuration asks for more numbers than its weights hold"
                    )
            return add_weight(layer, shape, *args, **kwargs)

        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add_weight
