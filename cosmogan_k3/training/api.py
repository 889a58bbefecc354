"""``cosmogan_k3.train``: from maps to an emulator in one line of Python."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from cosmogan_k3 import backend
from cosmogan_k3._options import checked
from cosmogan_k3._typing import FloatMaps, PathLike
from cosmogan_k3.config import TrainConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.maps import MapSet
from cosmogan_k3.maps.mapset import as_map_set
from cosmogan_k3.training.setup import exclusive_folder, prepare
from cosmogan_k3.training.trainer import train as run_training


def train(
    maps: MapSet | FloatMaps,
    preset: str = "best",
    *,
    pixel_arcmin: Any = None,
    epochs: int = 0,
    batch_size: int = 0,
    width: float = 1.0,
    loss: str = "",
    condition: Sequence[str] = (),
    periodic: Literal["auto", "yes", "no"] = "auto",
    start: PathLike = "",
    patience: int = 0,
    seed: int = 0,
    out: PathLike | None = None,
    overwrite: bool = False,
    track: bool = False,
    model_name: str = "",
    quiet: bool = False,
) -> Emulator:
    """Train a generator on maps.

    The maps are split into maps to learn from, maps that choose the epoch, and test maps, which
    nothing has seen: ``emulator.splits.test``. Patches of one larger map, and maps of one
    simulated box, stay together.

    Nothing is left on disk, in MLflow or in a registry, unless it is asked for by ``out``,
    ``track`` or ``model_name``. In this case the model is also evaluated on the test maps.

    Parameters
    ----------
    maps : MapSet, or float array of shape (n, N, N)
        Convergence.
    preset : str, default "best"
        Architecture and training recipe, one of ``cosmogan_k3.gan.PRESETS``.
    pixel_arcmin : float or astropy.units.Quantity, optional
        Side of a pixel of an array.
    epochs, batch_size : int, optional
        Those of the preset by default.
    width : float, default 1
        Factor on the channels of both networks.
    loss : str, optional
        Adversarial loss; that of the preset by default.
    condition : sequence of str, optional
        Parameters of the maps to condition on, such as ``["omega_m", "sigma_8"]``.
    periodic : {"auto", "yes", "no"}
        Whether opposite edges of the maps join; by default this is measured.
    start : str or Path, optional
        Model whose weights to start from.
    patience : int, optional
        Stop after so many epochs without a better validation score; 0 for never.
    seed : int, default 0
        Seed of all random draws.
    out : str or Path, optional
        Folder to keep: model, checkpoints, figures and report.
    overwrite : bool, default False
        Replace a training in the folder.
    track : bool, default False
        Record an MLflow run.
    model_name : str, optional
        Register the model under this name, with its run.
    quiet : bool, default False
        Show no progress.

    Returns
    -------
    Emulator
        Of the last epoch that is as good as the best on the validation maps.

    Raises
    ------
    InputError
        Maps that cannot be used, an unknown preset, a folder that holds a training, or a training
        that diverges again and again.

    Examples
    --------
    ::

        maps = cosmogan_k3.read_maps("my_maps/", pixels=64)
        emulator = cosmogan_k3.train(maps, epochs=4)
        report = cosmogan_k3.evaluate(emulator.splits.test, emulator.sample(500))
    """
    backend.disable_tensorflow_import()  # which a backend beside it would import, for seconds
    maps = as_map_set(maps, pixel_arcmin)
    track = track or bool(model_name)
    with _folder(out) as folder:
        # Records that MLflow does not take would be lost with the folder.
        tracking = "off" if not track else "required" if out is None else "buffered"
        config = TrainConfig(
            preset=preset,
            epochs=epochs,
            batch_size=batch_size,
            width=width,
            loss=loss,
            condition=",".join(condition),
            periodic=periodic,
            start=str(start),
            patience=patience,
            seed=seed,
            out=str(folder),
            overwrite=int(overwrite),
            tracking=tracking,
            model_name=model_name,
            quiet=quiet,
        )
        config = checked(config)
        with exclusive_folder(config):
            prepared = prepare(config)
            prepared.architecture.check_trainable(maps.pixels)
            trained = run_training(config, prepared, maps, evaluated=track or out is not None)
    assert trained is not None  # without a limit of time, one process completes it
    return trained[0]


@contextlib.contextmanager
def _folder(out: PathLike | None) -> Iterator[PathLike]:
    """Return the folder to keep, or one that is removed at the end."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="cosmogan-") as folder:
        yield folder
