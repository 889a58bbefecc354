"""Convolutions on TensorFlow, of maps with the channels last."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cosmogan_k3._typing import Tensor


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None = None, strides: int = 1, zeros: bool = False
) -> Tensor:
    """Convolve maps with a kernel, by ``keras.ops.conv``."""
    padding = "same" if zeros else "valid"
    y = keras.ops.conv(x, kernel, strides=strides, padding=padding, data_format="channels_last")
    return y if bias is None else tf.nn.bias_add(y, bias)


def convolve_transposed(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a transposed convolution with strides 2, cut from a larger output."""
    y = _convolve_transposed(tf.convert_to_tensor(x), tf.transpose(kernel, (0, 1, 3, 2)))
    return y if bias is None else tf.nn.bias_add(y, bias)


@tf.custom_gradient
def _convolve_transposed(
    x: Tensor, kernel: Tensor
) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """Compute the output with its margin and cut the margin off.

    On a CPU this is up to three times faster than asking for the inner part. The gradient is
    faster for the inner part.
    """
    n, rows, columns, _ = tf.unstack(tf.shape(x))
    size, reach = kernel.shape[0], kernel.shape[0] // 2
    shape = tf.stack([n, 2 * rows - 2 + size, 2 * columns - 2 + size, kernel.shape[2]])
    whole = tf.nn.conv2d_transpose(x, kernel, shape, strides=2, padding="VALID")
    cut = [reach, reach - 1]

    def gradient(cotangent: Tensor) -> tuple[Tensor, Tensor]:
        by_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=cotangent,
            filter_sizes=tf.shape(kernel),
            out_backprop=x,
            strides=[1, 2, 2, 1],
            padding="EXPLICIT",
            explicit_paddings=[0, 0, *cut, *cut, 0, 0],
        )
        by_x = tf.nn.conv2d(cotangent, kernel, strides=2, padding=[[0, 0], cut, cut, [0, 0]])
        return by_x, by_kernel

    return whole[:, reach : reach + 2 * rows, reach : reach + 2 * columns], gradient


def transposed_convolution_is_fast() -> bool:
    """Return True."""
    return True
