"""Convolutions for maps: periodic padding, and upsampling done on the coarse grid."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.backend.same_margin import same_margin

PADDINGS = ("periodic", "zeros")

_FEW_OUTPUTS = 4
"""Up to so many, a transposed convolution is faster by phases: the frameworks' own are slow where outputs are few."""


def pad_around(x, before, after):
    """Pad the two spatial axes of ``(n, rows, columns, channels)`` around the torus."""
    for axis in (1, 2):
        side = x.shape[axis]
        if side is not None and side < max(before, after):
            raise ValueError(
                f"A map of {side} pixels cannot be padded by {max(before, after)} around the torus."
            )
        if side is not None and side >= before + after:
            # The gradient of a slice is a map of zeros around it; that of parts that make up the whole needs none.
            first, middle, last = backend.split(x, [after, side - before - after, before], axis)
            x = ops.concatenate([last, first, middle, last, first], axis)
        else:
            last = x[:, -before:] if axis == 1 else x[:, :, -before:]
            first = x[:, :after] if axis == 1 else x[:, :, :after]
            x = ops.concatenate(
                [part for part, width in ((last, before), (x, 1), (first, after)) if width], axis
            )
    return x


class _MapConvolution(keras.layers.Layer):
    """What both convolutions share: the kernel (rows, columns, inputs, outputs), the bias, the checks."""

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        padding="periodic",
        use_bias=True,
        kernel_initializer="glorot_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if padding not in PADDINGS:
            raise ValueError(f"padding must be one of {PADDINGS}. Received: padding={padding!r}")
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

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                f"{type(self).__name__} takes (n, rows, columns, channels) with a known number of channels. "
                f"Received: shape {tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def _bias(self):
        return ops.convert_to_tensor(self.bias) if self.use_bias else None

    def _convolve(self, x, kernel, bias, strides=1):
        """The convolution of padded maps; the framework itself puts zeros around them where it can."""
        if self.padding == "zeros":
            return backend.convolve(x, kernel, bias, strides, zeros=True)
        return backend.convolve(
            pad_around(x, *same_margin(kernel.shape[0], strides)), kernel, bias, strides
        )

    def get_config(self):
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class MapConv2D(_MapConvolution):
    """Convolve maps, keeping their size (or dividing it by ``strides``), with periodic or zero padding.

    Args:
        filters: int, output channels.
        kernel_size: int, odd.
        strides: int, 1 or 2.
        padding: "periodic" (the map is a torus) or "zeros".
        use_bias: bool.
        kernel_initializer: as in ``keras.layers.Conv2D``.

    Input ``(n, rows, columns, channels)``, output ``(n, ⌈rows/strides⌉, ⌈columns/strides⌉, filters)``. With
    "zeros" the result is that of ``keras.layers.Conv2D(padding="same")``.

    Raises:
        ValueError: even kernel, unknown padding, or unknown number of input channels.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import MapConv2D
        >>> MapConv2D(8, 5, strides=2)(np.zeros((2, 64, 64, 1))).shape == (2, 32, 32, 8)
        True
    """

    def __init__(self, filters, kernel_size, *, strides=1, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        if strides not in (1, 2):
            raise ValueError(f"strides must be 1 or 2. Received: strides={strides}")
        self.strides = strides

    def call(self, x):
        if self.strides == 2 and any(side is not None and side % 2 for side in x.shape[1:3]):
            raise ValueError(
                f"MapConv2D with strides 2 takes maps with even sides. Received: shape {tuple(x.shape)}"
            )
        return self._convolve(x, ops.convert_to_tensor(self.kernel), self._bias(), self.strides)

    def compute_output_shape(self, input_shape):
        sides = [None if side is None else -(-side // self.strides) for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def get_config(self):
        return super().get_config() | {"strides": self.strides}


def phase_taps(kernel_size, mode):
    """Where each tap of a fine kernel falls on the coarse grid: ``(2 phases, 3 offsets, taps)`` of 0 and 1.

    A fine pixel 2m + p sees, through tap k, the coarse pixel m + o. For "nearest", the fine kernel acts on the
    repeated map: o = ⌊(p + k − r)/2⌋ with r = (kernel_size − 1)/2. For "transposed", the adjoint of a strided
    convolution padded by r on each side: k = p + r − 2 o.
    """
    taps = np.zeros((2, 3, kernel_size), "float32")
    reach = (kernel_size - 1) // 2
    for phase in range(2):
        for tap in range(kernel_size):
            if mode == "nearest":
                taps[phase, (phase + tap - reach) // 2 + 1, tap] = 1
            elif (phase + reach - tap) % 2 == 0:
                taps[phase, (phase + reach - tap) // 2 + 1, tap] = 1
    return taps


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class UpsampleConv2D(_MapConvolution):
    """Double the size of maps and convolve, computed exactly on the coarse grid.

    Each of the four phases of the fine grid is a 3x3 convolution of the coarse grid with a fixed linear
    combination of the kernel's taps; the phases are then interleaved (depth to space). No repeated map is formed, and
    what is slow on XLA's CPU backend is avoided. Transposed convolutions to more than four channels are left to the
    framework where it is good at them.

    Args:
        filters: int, output channels.
        kernel_size: int, 3 or 5.
        mode: "nearest" (repeat each pixel, then convolve) or "transposed" (transposed convolution, stride 2, as
            ``torch.nn.ConvTranspose2d(padding=kernel_size // 2, output_padding=1)``).
        padding: "periodic" or "zeros".
        use_bias: bool.
        kernel_initializer: as in ``keras.layers.Conv2D``.

    Input ``(n, rows, columns, channels)``, output ``(n, 2 rows, 2 columns, filters)``.

    Raises:
        ValueError: unknown mode or padding, other kernel sizes, unknown number of input channels.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import UpsampleConv2D
        >>> UpsampleConv2D(4, 3)(np.zeros((2, 8, 8, 16))).shape == (2, 16, 16, 4)
        True
    """

    MODES = ("nearest", "transposed")

    def __init__(self, filters, kernel_size, *, mode="nearest", **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        if mode not in self.MODES:
            raise ValueError(f"mode must be one of {self.MODES}. Received: mode={mode!r}")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size must be 3 or 5. Received: kernel_size={kernel_size}")
        self.mode = mode

    def call(self, x):
        kernel = ops.convert_to_tensor(self.kernel)
        direct = (
            self.mode == "transposed"
            and self.filters > _FEW_OUTPUTS
            and backend.transposed_convolution_is_fast()
        )
        return (self._transposed if direct else self._by_phases)(x, kernel, self._bias())

    def _transposed(self, x, kernel, bias):
        """The transposed convolution as the framework has it."""
        if self.padding == "zeros":
            return backend.convolve_transposed(x, kernel, bias)
        return backend.convolve_transposed(pad_around(x, 1, 1), kernel, bias)[:, 2:-2, 2:-2]

    def _by_phases(self, x, kernel, bias):
        """Four convolutions of the coarse grid at once, interleaved."""
        taps = ops.convert_to_tensor(
            phase_taps(self.kernel_size, self.mode), dtype=self.compute_dtype
        )
        inputs = self.kernel.shape[2]
        kernel = ops.einsum("pok,qrl,klic->oripqc", taps, taps, kernel)
        kernel = ops.reshape(kernel, (3, 3, inputs, 4 * self.filters))
        y = self._convolve(x, kernel, bias if bias is None else ops.tile(bias, 4))
        rows, columns = (ops.shape(x)[1], ops.shape(x)[2])
        y = ops.reshape(y, (-1, rows, columns, 2, 2, self.filters))
        return ops.reshape(
            ops.transpose(y, (0, 1, 3, 2, 4, 5)), (-1, 2 * rows, 2 * columns, self.filters)
        )

    def compute_output_shape(self, input_shape):
        sides = [None if side is None else 2 * side for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def get_config(self):
        return super().get_config() | {"mode": self.mode}
