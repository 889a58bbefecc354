"""Upsampling convolution, computed on the coarse grid."""

from typing import Any, Literal, get_args

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cosmogan_k3 import backend
from cosmogan_k3._typing import Shape, Tensor
from cosmogan_k3.nn.layers.map_convolution import MapConvolution
from cosmogan_k3.nn.periodic_padding import pad_periodic

Mode = Literal["nearest", "transposed"]

# Up to this many output channels, a transposed convolution is faster as four convolutions of the
# coarse grid: the transposed convolutions of the frameworks are slow for few outputs.
_FEW_OUTPUTS = 4


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class UpsampleConv2D(MapConvolution):
    """Double the size of maps and convolve them, exactly, on the coarse grid.

    Each of the four phases of the fine grid is a 3x3 convolution of the coarse grid, whose kernel
    is a fixed linear combination of the taps of the fine kernel (``phase_taps``). The phases are
    then interleaved (depth to space). No upsampled map is formed, and operations that are slow in
    XLA on CPUs are avoided. Transposed convolutions with more than four output channels use the
    framework's own operation where that is faster.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : {3, 5}
        Side of the kernel in pixels of the fine grid.
    mode : {"nearest", "transposed"}, default "nearest"
        Repeat each pixel and convolve, or transposed convolution with stride 2, as
        ``torch.nn.ConvTranspose2d(padding=kernel_size // 2, output_padding=1)``.
    padding : {"periodic", "zeros", "valid"}, default "periodic"
        Whether the map is a torus, surrounded by zeros, or loses a pixel at each edge before it is
        doubled.
    use_bias : bool, default True
        Whether to add a trainable constant to each channel.
    kernel_initializer : keras.initializers.Initializer or str, default "glorot_normal"
        Initializer of the kernel.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the mode, the padding or the number of input channels is unknown, or the kernel has
        another size.

    Notes
    -----
    Input ``(n, rows, columns, channels)``, output ``(n, 2 rows, 2 columns, filters)``; with "valid"
    ``(n, 2 rows − 4, 2 columns − 4, filters)``.

    Examples
    --------
    >>> UpsampleConv2D(4, 3)(np.zeros((2, 8, 8, 16))).shape == (2, 16, 16, 4)
    True
    """

    def __init__(
        self, filters: int, kernel_size: int, *, mode: Mode = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(filters, kernel_size, **kwargs)
        if mode not in get_args(Mode):
            raise ValueError(f"mode must be one of {get_args(Mode)}. Received: mode={mode!r}")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size must be 3 or 5. Received: kernel_size={kernel_size}")
        self.mode = mode

    def call(self, x: Tensor) -> Tensor:
        """Return the upsampled and convolved maps."""
        kernel = ops.convert_to_tensor(self.kernel)
        direct = (
            self.mode == "transposed"
            and self.filters > _FEW_OUTPUTS
            and backend.transposed_convolution_is_fast()
        )
        return (self._transposed if direct else self._by_phases)(x, kernel, self._bias())

    def _transposed(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """Use the framework's transposed convolution."""
        if self.padding == "zeros":
            return backend.convolve_transposed(x, kernel, bias)
        padded = pad_periodic(x, 1, 1) if self.padding == "periodic" else x
        return backend.convolve_transposed(padded, kernel, bias)[:, 2:-2, 2:-2]

    def _by_phases(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve the coarse grid for the four phases at once and interleave them."""
        taps = ops.convert_to_tensor(
            phase_taps(self.kernel_size, self.mode), dtype=self.compute_dtype
        )
        inputs = self.kernel.shape[2]
        kernel = ops.einsum("pok,qrl,klic->oripqc", taps, taps, kernel)
        kernel = ops.reshape(kernel, (3, 3, inputs, 4 * self.filters))
        y = self._convolve(x, kernel, bias if bias is None else ops.tile(bias, 4))
        rows, columns = (ops.shape(y)[1], ops.shape(y)[2])
        y = ops.reshape(y, (-1, rows, columns, 2, 2, self.filters))
        y = ops.transpose(y, (0, 1, 3, 2, 4, 5))
        return ops.reshape(y, (-1, 2 * rows, 2 * columns, self.filters))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with doubled sides and ``filters`` channels."""
        lost = 2 if self.padding == "valid" else 0
        sides = [None if side is None else 2 * (side - lost) for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"mode": self.mode}


def phase_taps(kernel_size: int, mode: Mode) -> NDArray[np.float32]:
    """Map the taps of a fine kernel to the pixels of the coarse grid, along one axis.

    With r = (kernel_size − 1)/2, the fine pixel 2m + p uses, through tap k, the coarse pixel m + o
    with::

        o = ⌊(p + k − r)/2⌋      "nearest": the kernel acts on the map of repeated pixels
        k = p + r − 2 o          "transposed": adjoint of a strided convolution padded by r

    Parameters
    ----------
    kernel_size : int
        Number of taps, 3 or 5.
    mode : {"nearest", "transposed"}
        Kind of upsampling.

    Returns
    -------
    float32 array, shape (2, 3, kernel_size)
        1 where phase p, offset o + 1 and tap k belong together, else 0.

    Examples
    --------
    >>> phase_taps(3, "nearest")[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
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
