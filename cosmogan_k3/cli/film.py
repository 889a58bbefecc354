"""``cosmogan generate --film``: a GIF of maps along a path through latents or parameters."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from cosmogan_k3._typing import Maps, PathLike
from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.endings import say
from cosmogan_k3.cli.outputs import output_file
from cosmogan_k3.cli.survey import survey_of
from cosmogan_k3.config import GenerateConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.film import MOST_FRAMES, film_frame, write_film
from cosmogan_k3.maps.conditioning import parse_parameters
from cosmogan_k3.maps.io.atomic import check_writable


def film(config: GenerateConfig) -> None:
    """Draw maps along a path, and write them as a film.

    Parameters
    ----------
    config : GenerateConfig
        Options of the command.

    Raises
    ------
    InputError
        An output that is no GIF, options that films do not have, or as ``latent_path`` and
        ``parameter_path``.
    """
    if config.workers or config.scheduler or config.mask or survey_of(config).metadata:
        raise InputError(
            "a film shows the maps as they are drawn, by this process; leave out noise, smoothing, "
            "mask, workers and scheduler",
            parameter="film",
        )
    with output_file(config.out, overwrite=config.overwrite, check=_check_film):
        use_backend(config.backend)
        frames = list(_frames(config))
        write_film(config.out, frames)
    size = f"{frames[0].width} x {frames[0].height} pixels"
    say({"wrote": f"{config.out}: a film of {len(frames)} frames of {size}"}, quiet=config.quiet)


def _check_film(path: PathLike) -> None:
    if Path(path).suffix.lower() != ".gif":
        raise InputError(f"{path}: a film ends in .gif", parameter="out")
    check_writable(Path(path).parent)


def _frames(config: GenerateConfig) -> Iterator[Image.Image]:
    """Yield the frames, whose first one fixes the colour scale."""
    scale: tuple[float, float] | None = None
    maps, texts = _path(config)
    bar = tqdm(maps, "drawing", MOST_FRAMES, unit="frame", disable=config.quiet or None)
    for of_frame, text in zip(bar, texts, strict=True):
        if scale is None:
            low, high = np.percentile(of_frame, [0.5, 99.5])
            scale = float(low), max(float(high), float(low) + 1e-12)
        yield film_frame([of_frame], lowest=scale[0], highest=scale[1], text=text)


def _path(config: GenerateConfig) -> tuple[Iterable[Maps], Sequence[str]]:
    """Return the maps of each frame, and what it says."""
    from cosmogan_k3.emulator import Emulator
    from cosmogan_k3.gan.interpolation import latent_path, parameter_path

    gan = Emulator.load(config.model).gan
    options: dict[str, Any] = {
        "pixels": config.pixels or None,
        "seed": config.seed,
        "parameters": parse_parameters(config.parameters),
    }
    if config.film == "latents":
        return latent_path(gan, MOST_FRAMES, **options), [""] * MOST_FRAMES
    maps, values = parameter_path(gan, MOST_FRAMES, **options)
    return maps, [", ".join(f"{name} = {p:.3f}" for name, p in each.items()) for each in values]
