"""The film of a training: maps of the same latents after its epochs."""

from pathlib import Path

import numpy as np
from PIL import Image

from cosmogan_k3._typing import FloatMaps, PathLike
from cosmogan_k3.evaluation.film import MOST_FRAMES, film_frame, write_film
from cosmogan_k3.maps.io.atomic import replacing

# Maps of each set in a frame.
_MAPS = 4

# Folder of the frames, and the film, in the folder of a training.
FRAMES = "frames"
FILM = "training.gif"


class Film:
    """Frames of real maps above generated ones, kept in a folder from one job to the next.

    Parameters
    ----------
    folder : path
        Of the training.
    real : float array (n, N, N)
        Validation maps. The first are shown, and all fix the colour scale.
    epochs : int
        Number of epochs of the training; of many, 60 have a frame.

    Examples
    --------
    >>> import tempfile
    >>> real = np.random.default_rng(0).normal(size=(5, 16, 16))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = Film(folder, real, epochs=2)
    ...     for epoch in (1, 2):
    ...         film.add(epoch, real[::-1] / epoch)
    ...     film.write(last=2).name
    'training.gif'
    """

    def __init__(self, folder: PathLike, real: FloatMaps, epochs: int) -> None:
        self.folder = Path(folder)
        self.epochs = epochs
        self._real = np.asarray(real[:_MAPS])
        self._lowest, self._highest = np.percentile(real, [0.5, 99.5])
        chosen = np.linspace(1, epochs, min(MOST_FRAMES, epochs)).round().astype(int)
        self._chosen = set(chosen.tolist())

    def add(self, epoch: int, generated: FloatMaps) -> None:
        """Write the frame of an epoch, if it has one.

        Parameters
        ----------
        epoch : int
            From 1.
        generated : float array (m, N, N)
            Maps of the same latents as in other epochs; the first are shown.
        """
        if epoch not in self._chosen:
            return
        frame = film_frame(
            [self._real, generated[: len(self._real)]],
            lowest=self._lowest,
            highest=self._highest,
            text=f"epoch {epoch} of {self.epochs}: real above, generated below",
        )
        with replacing(self._path(epoch)) as partial:
            frame.save(partial, format="PNG")

    def write(self, last: int) -> Path | None:
        """Join the frames to a film.

        Parameters
        ----------
        last : int
            The last epoch; frames of later ones are those of an earlier training.

        Returns
        -------
        Path or None
            None if there is no frame, as after a training that an earlier version began.
        """
        paths = [self._path(epoch) for epoch in sorted(self._chosen) if epoch <= last]
        frames = [Image.open(path) for path in paths if path.exists()]
        if not frames:
            return None
        write_film(self.folder / FILM, frames)
        return self.folder / FILM

    def _path(self, epoch: int) -> Path:
        return self.folder / FRAMES / f"epoch-{epoch:04d}.png"
