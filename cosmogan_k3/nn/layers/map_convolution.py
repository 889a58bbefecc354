"""Convolution of maps with periodic, zero or no padding."""

from typing import Any, Literal, get_args

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Shape, Tensor
from cosmogan_k3.backend.same_margin import same_margin
from cosmogan_k3.nn.periodic_padding import pad_periodic

Padding = Literal["periodic", "zeros", "valid"]


class MapConvolution(keras.layers.Layer):
    """Base class of the convolutions of maps: the kernel, the bias, the padding and the checks.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int
        Side of the kernel in pixels, odd.
    padding : {"periodic", "zeros", "valid"}, default "periodic"
        Whether the map is a torus, surrounded by zeros, or loses the pixels that the kernel
        does not reach.
    use_bias : bool, default True
        Whether to add a trainable constant to each channel.
    kernel_initializer : keras.initializers.Initializer or str, default "glorot_normal"
        Initializer of the kernel.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the padding is unknown, the kernel size even, or a size not positive.

    Examples
    --------
    >>> isinstance(MapConv2D(8, 3), MapConvolution)
    True
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        padding: Padding = "periodic",
        use_bias: bool = True,
        kernel_initializer: keras.initializers.Initializer | str = "glorot_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if padding not in get_args(Padding):
            raise ValueError(
                f"padding must be one of {get_args(Padding)}. Received: padding={padding!r}"
            )
        if filters < 1 or kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(
                "filters must be positive and kernel_size odd and positive. "
                f"Received: filters={filters}, kernel_size={kernel_size}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        """Create the kernel (rows, columns, inputs, outputs) and the bias."""
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                f"{type(self).__name__} takes (n, rows, columns, channels) with a known number of "
                f"channels. Received: shape {tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def _bias(self) -> Tensor | None:
        return ops.convert_to_tensor(self.bias) if self.use_bias else None

    def _convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None, strides: int = 1) -> Tensor:
        """Convolve padded maps."""
        if self.padding != "periodic":
            return backend.convolve(x, kernel, bias, strides, zeros=self.padding == "zeros")
        padded = pad_periodic(x, *same_margin(kernel.shape[0], strides))
        return backend.convolve(padded, kernel, bias, strides)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class MapConv2D(MapConvolution):
    """Convolve maps without changing their size unless they are strided or not padded.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int
        Side of the kernel in pixels, odd.
    strides : {1, 2}, default 1
        Factor by which the sides are divided.
    padding : {"periodic", "zeros", "valid"}, default "periodic"
        Whether the map is a torus, surrounded by zeros, or loses the pixels that the kernel
        does not reach.
    use_bias : bool, default True
        Whether to add a trainable constant to each channel.
    kernel_initializer : keras.initializers.Initializer or str, default "glorot_normal"
        Initializer of the kernel.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the kernel size is even, the padding or the number of input channels unknown, or a side
        odd with strides 2.

    Notes
    -----
    Input ``(n, rows, columns, channels)``, output
    ``(n, rows / strides, columns / strides, filters)``. With "zeros" the result is that of
    ``keras.layers.Conv2D(padding="same")``. With "valid" sides are ``kernel_size − 1`` shorter
    before the division.

    Examples
    --------
    >>> import numpy as np
    >>> MapConv2D(8, 5, strides=2)(np.zeros((2, 64, 64, 1))).shape == (2, 32, 32, 8)
    True
    """

    def __init__(self, filters: int, kernel_size: int, *, strides: int = 1, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, **kwargs)
        if strides not in (1, 2):
            raise ValueError(f"strides must be 1 or 2. Received: strides={strides}")
        self.strides = strides

    def call(self, x: Tensor) -> Tensor:
        """Return the convolved maps."""
        if self.strides == 2 and any(side is not None and side % 2 for side in x.shape[1:3]):
            raise ValueError(
                "MapConv2D with strides 2 takes maps with even sides. "
                f"Received: shape {tuple(x.shape)}"
            )
        return self._convolve(x, ops.convert_to_tensor(self.kernel), self._bias(), self.strides)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with divided sides and ``filters`` channels."""
        lost = self.kernel_size - 1 if self.padding == "valid" else 0
        sides = [
            None if side is None else -(-(side - lost) // self.strides) for side in input_shape[1:3]
        ]
        return (input_shape[0], *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"strides": self.strides}
