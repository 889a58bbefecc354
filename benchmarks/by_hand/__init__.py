"""The presets ``quick`` and ``geogan`` as an expert of each framework would write them, without Keras and without us.

Each module has ``loop(system, pixels, batch, variant, precision)``, which returns a function of a NumPy batch
``(n, N, N, 1)`` that takes one step, and a function that waits for the device and returns the last losses. Networks,
losses, optimizers, averaging and penalties are those of the preset; initial weights are not the same numbers.
"""

VARIANTS = {
    "torch": ("channels_first", "channels_last", "compiled"),
    "tensorflow": ("graph", "xla"),
    "jax": ("jit",),
}

QUICK = {
    "latent": 16,
    "generator": (64, 32, 16, 8, 8),
    "discriminator": (16, 32, 64, 128, 128),
    "reference": 8,
}
QUICK |= {"rates": (1e-3, 1e-3), "betas": (0.0, 0.99), "decay": 0.998, "gamma": 0.5, "penalised": 4}
GEOGAN = {
    "latent": 64,
    "channels": (512, 256, 128, 64),
    "reference": 64,
    "kernels": 256,
    "dims": 5,
    "projection": 64,
}
GEOGAN |= {"rates": (2e-4, 2e-4), "betas": (0.5, 0.999), "decay": 0.999}
