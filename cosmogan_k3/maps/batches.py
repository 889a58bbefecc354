"""Shuffled, augmented batches of maps in network units."""

import numpy as np

from cosmogan_k3.errors import InputError

SYMMETRIES = 8
"""Rotations by multiples of 90° with and without a reflection."""


def apply_symmetry(maps, index):
    """Rotate maps ``(…, N, N)`` by ``index % 4`` quarter turns, and reflect them where ``index`` is 4 or more.

    Example:
        >>> import numpy as np
        >>> apply_symmetry(np.array([[0, 1], [2, 3]]), 1).tolist()
        [[1, 3], [0, 2]]
    """
    turned = np.rot90(maps, index % 4, axes=(-2, -1))
    return turned[..., ::-1] if index >= 4 else turned


class Batches:
    """An epoch of training batches, indexable, in a new order each epoch.

    Every batch is full: a remainder of maps waits for a later epoch, since a smaller batch would change the batch
    statistics. The order and the symmetries follow from (``seed``, epoch) alone.

    Args:
        kappa: maps ``(n, N, N)``, in memory or on disk.
        scaling: ``Scaling`` to network units.
        batch_size: int.
        augment: bool, apply to each map one of the eight symmetries of the square.
        seed: int.
        conditions: optional float32 ``(n, parameters)``, of which each batch then brings the rows of its maps.

    Raises:
        InputError: fewer maps than a batch.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.maps.scaling import Scaling
        >>> batches = Batches(np.zeros((10, 8, 8), "float32"), Scaling(), batch_size=4)
        >>> len(batches), batches[0].shape
        (2, (4, 8, 8, 1))
    """

    def __init__(self, kappa, scaling, *, batch_size, augment=False, seed=0, conditions=None):
        if batch_size < 1 or len(kappa) < batch_size:
            raise InputError(
                f"A batch holds {batch_size} maps. Received: {len(kappa)} training maps"
            )
        self.kappa = kappa
        self.scaling = scaling
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.conditions = conditions
        self._share = slice(None)
        self.start_epoch(0)

    def set_replica(self, index, processes, devices):
        """From now on, read only this process's rows of each batch.

        Args:
            index: int, of the process.
            processes: int, how many share a batch.
            devices: int, how many all of them have together.

        Raises:
            InputError: a batch that does not split evenly.
        """
        if self.batch_size % devices:
            raise InputError(
                f"A batch is split evenly among {devices} devices: its size must be a multiple of {devices}. "
                f"Received: {self.batch_size} maps; choose another --batch-size, or --devices"
            )
        size = self.batch_size // processes
        self._share = slice(index * size, (index + 1) * size)

    def start_epoch(self, epoch):
        """Draw the order and the symmetries of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        self._order = rng.permutation(len(self.kappa))
        self._symmetry = (
            rng.integers(SYMMETRIES, size=len(self.kappa))
            if self.augment
            else np.zeros(len(self.kappa), int)
        )

    def __len__(self):
        return len(self.kappa) // self.batch_size

    def __getitem__(self, index):
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size][self._share]
        maps = self.scaling.to_network(self.kappa[chosen])
        for i, which in enumerate(chosen):
            maps[i] = apply_symmetry(maps[i], self._symmetry[which])
        return (
            maps[..., None]
            if self.conditions is None
            else (maps[..., None], self.conditions[chosen])
        )
