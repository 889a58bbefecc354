"""Measure the power that ways of upsampling imprint on maps at the Nyquist modes of their grids.

python benchmarks/upsampling.py

Three doublings of white noise with random weights, as at the start of a training: where the axes' modes at N/2 (from
one pixel to the next) and N/4 stand out from their neighbours, the layer draws a lattice that training has to unlearn.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import sys
from pathlib import Path

# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import keras
import numpy as np

from cosmogan_k3.nn.layers import MapConv2D, SeededNormal, UpsampleConv2D

WAYS = {
    "nearest, 3x3": {"mode": "nearest", "kernel_size": 3},
    "transposed, 3x3": {"mode": "transposed", "kernel_size": 3},
    "transposed, 5x5": {"mode": "transposed", "kernel_size": 5},
}


def stack(way, seed, channels):
    """Three doublings with ReLUs between them, and a convolution to one channel."""
    x = latent = keras.Input((None, None, channels))
    for i in range(3):
        x = UpsampleConv2D(channels, kernel_initializer=SeededNormal([seed, i]), **way)(x)
        x = keras.layers.ReLU()(x)
    x = MapConv2D(1, 3, kernel_initializer=SeededNormal([seed, 3]))(x)
    return keras.Model(latent, x)


def lattice_power(maps, mode):
    """Power on the lines of modes (mode, any) and (any, mode), over that on the lines two modes nearer to zero."""
    power = (np.abs(np.fft.fft2(maps)) ** 2).mean(axis=0)
    rows = np.r_[1 : mode - 3]  # the lines cross others of the lattice beyond

    def on_line(k):
        return power[k, rows].mean() + power[rows, k].mean()

    return on_line(mode) / on_line(mode - 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--networks", type=int, default=20, help="random initialisations")
    arguments = parser.parse_args()
    print(
        f"power on the lattice over next to it: {arguments.networks} random networks, 64 maps of {arguments.pixels}²"
    )
    print(f"{'':18}{'N/2':>20}{'N/4':>20}")
    for name, way in WAYS.items():
        ratios = []
        for seed in range(arguments.networks):
            rng = np.random.default_rng(seed)
            side = arguments.pixels // 8
            latents = rng.standard_normal((64, side, side, arguments.channels), dtype=np.float32)
            maps = np.asarray(stack(way, seed, arguments.channels).predict_on_batch(latents))[
                ..., 0
            ]
            ratios.append([lattice_power(maps, arguments.pixels // k) for k in (2, 4)])
        middle, spread = np.median(ratios, axis=0), np.percentile(ratios, [16, 84], axis=0)
        print(
            f"{name:18}"
            + "".join(
                f"{m:8.2f} ({lo:.2f}-{hi:.2f})"
                for m, (lo, hi) in zip(middle, spread.T, strict=True)
            )
        )


if __name__ == "__main__":
    main()
