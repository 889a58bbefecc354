"""Power that different kinds of upsampling add at the Nyquist modes of their grids.

python benchmarks/upsampling.py

White noise passes through three doublings with random weights, as at the start of a training. Where
the modes N/2 and N/4 of an axis stand out from their neighbours, the layer draws a lattice that
training has to remove.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import sys
from pathlib import Path
from typing import Any

# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import keras
import numpy as np

from cosmogan_k3._typing import Maps
from cosmogan_k3.nn.layers import MapConv2D, SeededNormal, UpsampleConv2D

KINDS = {
    "nearest, 3x3": {"mode": "nearest", "kernel_size": 3},
    "transposed, 3x3": {"mode": "transposed", "kernel_size": 3},
    "transposed, 5x5": {"mode": "transposed", "kernel_size": 5},
}


def stack(options: dict[str, Any], seed: int, channels: int) -> keras.Model:
    """Three doublings with ReLUs between them, and a convolution to one channel.

    Parameters
    ----------
    options : dict
        Arguments of ``UpsampleConv2D``.
    seed : int
        Seed of the weights.
    channels : int
        Channels of the latents and of all layers.

    Returns
    -------
    keras.Model
        From latents ``(n, N, N, channels)`` to maps ``(n, 8 N, 8 N, 1)``.
    """
    x = latent = keras.Input((None, None, channels))
    for i in range(3):
        x = UpsampleConv2D(channels, kernel_initializer=SeededNormal([seed, i]), **options)(x)
        x = keras.layers.ReLU()(x)
    x = MapConv2D(1, 3, kernel_initializer=SeededNormal([seed, 3]))(x)
    return keras.Model(latent, x)


def lattice_power(maps: Maps, mode: int) -> float:
    """Power on the lines (mode, any) and (any, mode), over that two modes nearer to zero.

    Parameters
    ----------
    maps : array (n, N, N)
        The maps.
    mode : int
        The mode of the lattice, such as N/2.

    Returns
    -------
    float
        The ratio; 1 without a lattice.
    """
    power = (np.abs(np.fft.fft2(maps)) ** 2).mean(axis=0)
    rows = np.r_[1 : mode - 3]  # beyond them the lines cross others of the lattice

    def on_line(k: int) -> float:
        return power[k, rows].mean() + power[rows, k].mean()

    return on_line(mode) / on_line(mode - 2)


def measure(options: dict[str, Any], networks: int, pixels: int, channels: int) -> np.ndarray:
    """Lattice power at N/2 and N/4 of random networks, ``(networks, 2)``."""
    ratios = []
    for seed in range(networks):
        rng = np.random.default_rng(seed)
        shape = (64, pixels // 8, pixels // 8, channels)
        latents = rng.standard_normal(shape, dtype=np.float32)
        maps = np.asarray(stack(options, seed, channels).predict_on_batch(latents))[..., 0]
        ratios.append([lattice_power(maps, pixels // k) for k in (2, 4)])
    return np.array(ratios)


def main() -> None:
    """Print the median and the central 68 % for each kind of upsampling."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--networks", type=int, default=20, help="random initializations")
    arguments = parser.parse_args()
    networks, pixels = arguments.networks, arguments.pixels
    print("power on the lattice over the power beside it:", end=" ")
    print(f"{networks} random networks, 64 maps of {pixels}²")
    print(f"{'':18}{'N/2':>20}{'N/4':>20}")
    for name, options in KINDS.items():
        ratios = measure(options, networks, pixels, arguments.channels)
        columns = np.percentile(ratios, [50, 16, 84], axis=0).T
        cells = (f"{median:8.2f} ({low:.2f}-{high:.2f})" for median, low, high in columns)
        print(f"{name:18}" + "".join(cells))


if __name__ == "__main__":
    main()
