"""Layers, losses, penalties, optimizers and initializers, written once in Keras operations."""
