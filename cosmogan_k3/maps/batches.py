"""Shuffled, augmented batches of maps in network units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import Conditions, MapArray
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.scaling import Scaling

SYMMETRIES = 8  # rotations by multiples of 90°, with and without a reflection


def apply_symmetry(maps: NDArray[Any], index: int) -> NDArray[Any]:
    """Rotate maps by ``index % 4`` quarter turns, and reflect them if ``index`` is 4 or more.

    Parameters
    ----------
    maps : array, shape (…, N, N)
    index : int
        0 to 7, the symmetry of the square.

    Returns
    -------
    array, shape (…, N, N)
        A view of ``maps``.

    Examples
    --------
    >>> apply_symmetry(np.array([[0, 1], [2, 3]]), 1).tolist()
    [[1, 3], [0, 2]]
    """
    turned = np.rot90(maps, index % 4, axes=(-2, -1))
    return turned[..., ::-1] if index >= 4 else turned


class Batches:
    """The training batches of an epoch, indexable, in another order each epoch.

    Every batch is full: the remaining maps of an epoch are left out, since a smaller batch would
    have other batch statistics. Order and symmetries depend on ``seed`` and the epoch alone.

    Parameters
    ----------
    kappa : float array or PatchTable, shape (n, N, N)
        Convergence of the training maps, in memory or on disk.
    scaling : Scaling
        From convergence to network units.
    batch_size : int
        Maps in a batch, of all processes together.
    augment : bool
        Apply a random symmetry of the square to each map. Default False.
    seed : int
        Seed of order and symmetries. Default 0.
    conditions : float32 array, shape (n, n_conditions), optional
        Standardized parameters of the maps; each batch then holds the rows of its maps.

    Raises
    ------
    InputError
        Fewer maps than a batch.

    Examples
    --------
    >>> batches = Batches(np.zeros((10, 8, 8), "float32"), Scaling(), batch_size=4)
    >>> len(batches), batches[0].shape
    (2, (4, 8, 8, 1))
    """

    def __init__(
        self,
        kappa: MapArray,
        scaling: Scaling,
        *,
        batch_size: int,
        augment: bool = False,
        seed: int = 0,
        conditions: Conditions | None = None,
    ) -> None:
        if batch_size < 1 or len(kappa) < batch_size:
            raise InputError(
                f"A batch holds {batch_size} maps. Received: {len(kappa)} training maps",
                parameter="batch_size",
            )
        self.kappa = kappa
        self.scaling = scaling
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.conditions = conditions
        self._local_slice = slice(None)
        self.start_epoch(0)

    def set_replica(self, index: int, processes: int, devices: int) -> None:
        """Restrict each batch to the rows of one process.

        Parameters
        ----------
        index : int
            The process, from 0.
        processes : int
            Number of processes that share each batch.
        devices : int
            Number of devices of all processes together.

        Raises
        ------
        InputError
            The batch size is not a multiple of ``devices``.

        Examples
        --------
        >>> batches = Batches(np.zeros((10, 8, 8), "float32"), Scaling(), batch_size=4)
        >>> batches.set_replica(0, processes=2, devices=2)
        >>> batches[0].shape
        (2, 8, 8, 1)
        """
        if self.batch_size % devices:
            raise InputError(
                f"A batch is split evenly among {devices} devices: its size must be a multiple of "
                f"{devices}. Received: {self.batch_size} maps; choose another batch_size, or "
                "another number of devices",
                parameter="batch_size",
            )
        size = self.batch_size // processes
        self._local_slice = slice(index * size, (index + 1) * size)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order and the symmetries of an epoch.

        Parameters
        ----------
        epoch : int
            From 0.

        Examples
        --------
        >>> batches = Batches(np.zeros((10, 8, 8), "float32"), Scaling(), batch_size=4)
        >>> batches.start_epoch(1)
        """
        rng = np.random.default_rng([self.seed, epoch])
        self._order = rng.permutation(len(self.kappa))
        self._symmetry = (
            rng.integers(SYMMETRIES, size=len(self.kappa))
            if self.augment
            else np.zeros(len(self.kappa), int)
        )

    def __len__(self) -> int:
        return len(self.kappa) // self.batch_size

    def __getitem__(
        self, index: int
    ) -> NDArray[np.float32] | tuple[NDArray[np.float32], Conditions]:
        batch = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        chosen = batch[self._local_slice]
        maps = self.scaling.to_network(self.kappa[chosen])
        for i, which in enumerate(chosen):
            maps[i] = apply_symmetry(maps[i], self._symmetry[which])
        with_channel = maps[..., None]
        return with_channel if self.conditions is None else (with_channel, self.conditions[chosen])
