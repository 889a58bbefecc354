"""The presets ``quick`` and ``geogan`` written by hand in each framework, without Keras.

Each module has ``loop(system, pixels, batch, variant, precision)``. It returns two functions. One
takes a step on a NumPy batch ``(n, N, N, 1)``, the other waits for the device and returns the last
losses. Networks, losses, optimizers, averaged weights and penalties are those of the preset.
The initial weights are other random numbers.
"""

from typing import Any

VARIANTS = {
    "torch": ("channels_first", "channels_last", "compiled"),
    "tensorflow": ("graph", "xla"),
    "jax": ("jit",),
}

QUICK: dict[str, Any] = {
    "latent": 16,
    "generator": (64, 32, 16, 8, 8),
    "discriminator": (16, 32, 64, 128, 128),
    "reference": 8,
    "rates": (1e-3, 1e-3),
    "betas": (0.0, 0.99),
    "decay": 0.998,
    "gamma": 0.5,
    "penalised": 4,
}
GEOGAN: dict[str, Any] = {
    "latent": 64,
    "channels": (512, 256, 128, 64),
    "reference": 64,
    "kernels": 256,
    "dims": 5,
    "projection": 64,
    "rates": (2e-4, 2e-4),
    "betas": (0.5, 0.999),
    "decay": 0.999,
}
