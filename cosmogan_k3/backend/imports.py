"""Which frameworks Keras may import beside the active backend."""

import sys

import keras


def disable_tensorflow_import() -> None:
    """Keep Keras from importing TensorFlow in a process that runs another backend.

    Keras imports TensorFlow, wherever it is installed, when it first serializes a layer. That
    takes 3 s and 470 MB. This function lets Keras look for TensorFlow once while Python reports
    that it is missing; Keras remembers the answer. Afterwards Keras accepts no
    ``tf.data.Dataset`` in this process. The function does nothing on the TensorFlow backend, or
    if TensorFlow is imported already.

    Examples
    --------
    >>> disable_tensorflow_import()
    """
    if "tensorflow" in sys.modules:
        return
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # Python: "cannot be imported"
    try:
        keras.saving.serialize_keras_object(keras.initializers.Zeros())
    finally:
        del sys.modules["tensorflow"]
