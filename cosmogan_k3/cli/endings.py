"""The last lines of a command: what it wrote, and where to look."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.config import TrainConfig, TuneConfig
from cosmogan_k3.errors import masked
from cosmogan_k3.maps.split_file import SPLIT_FILE

_WIDTH = 10  # of the subjects, which stand in a column


def say(lines: Mapping[str, str], *, quiet: bool) -> None:
    """Print what a command wrote, a subject in each line, unless the command is quiet.

    Parameters
    ----------
    lines : mapping of str to str
        What is said of each subject; subjects without words are left out.
    quiet : bool

    Examples
    --------
    >>> say({"report": "evaluation/report.html", "film": ""}, quiet=False)
    report    evaluation/report.html
    """
    if not quiet:
        for subject, words in lines.items():
            if words:
                print(f"{subject:{_WIDTH}}{words}")


def maps_written(path: PathLike, count: int, pixels: int, pixel_arcmin: float) -> str:
    """Return number and size of the maps in a file, or in a folder of files.

    Parameters
    ----------
    path : str or Path
        Of the file or folder.
    count : int
        Number of maps.
    pixels : int
        Side of a map in pixels.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    str

    Examples
    --------
    >>> maps_written("maps.npz", 1000, 64, 4.6875)
    'maps.npz: 1,000 maps of 64 x 64 pixels of 4.6875 arcmin'
    """
    path = Path(path)
    files = sorted(path.glob("part-*")) if path.is_dir() else [path] if path.exists() else []
    size = sum(file.stat().st_size for file in files)
    words = f"{path}: {count:,} maps of {pixels} x {pixels} pixels of {pixel_arcmin:g} arcmin"
    words += f" in {len(files)} files" if path.is_dir() else ""
    return words + (f", {_size(size)}" if size else "")


def _size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def training_written(config: TrainConfig, metrics: Mapping[str, float]) -> dict[str, str]:
    """Return where the results of a training are, and what to type next.

    Parameters
    ----------
    config : TrainConfig
    metrics : mapping of str to float
        As the training returned them.

    Returns
    -------
    dict of str
    """
    from cosmogan_k3.training.film import FILM
    from cosmogan_k3.training.setup import MODEL

    folder = Path(config.out)
    epochs = f"{metrics['selected_epoch']:.0f} of {metrics['last_epoch']:.0f}"
    scored = "validation_score" in metrics
    chosen = (
        "the last one as good as the best on the validation maps"
        if scored
        else "too few validation maps to choose"
    )
    return {
        "model": str(folder / MODEL),
        "epoch": f"{epochs}, {chosen}",
        "report": str(folder / "report.html"),
        "split": f"{folder / SPLIT_FILE}, for cosmogan evaluate --split",
        "film": str(folder / FILM) if (folder / FILM).exists() else "",
        "maps": _generate(folder / MODEL),
        "MLflow": mlflow_pages(config.tracking),
    }


def study_written(config: TuneConfig, winner: Path | None) -> dict[str, str]:
    """Return where the results of a study are, and what to type next.

    Parameters
    ----------
    config : TuneConfig
    winner : Path or None
        File of the best retrained model, if there is one.

    Returns
    -------
    dict of str
    """
    from cosmogan_k3.tuning.artifacts import ARTIFACTS
    from cosmogan_k3.tuning.storage import dashboard_address

    folder = Path(config.out)
    figures = len(list(folder.glob("*.png")))
    address = masked(dashboard_address(config.storage))
    artifacts = shlex.quote(str(folder / ARTIFACTS))
    ends = "" if config.finish else "the same command with --finish 1 retrains and registers"
    return {
        "study": f"optuna-dashboard {shlex.quote(address)} --artifact-dir {artifacts}",
        "next": ends,
        "figures": f"{figures} as PNG in {folder}" if figures else "",
        "model": str(winner) if winner else "",
        "report": str(winner.with_name("report.html")) if winner else "",
        "maps": _generate(winner) if winner else "",
        "MLflow": mlflow_pages(config.tracking),
    }


def _generate(model: Path) -> str:
    """Return a command that draws maps of a model."""
    return f"cosmogan generate --model {shlex.quote(str(model))} --maps 1000 --out new.npz"


def mlflow_pages(tracking: str = "buffered") -> str:
    """Return how to open the pages of MLflow: the address of a server, or a command.

    Parameters
    ----------
    tracking : {"buffered", "required", "off"}
        Of the command.

    Returns
    -------
    str
        Empty if the command records nothing in MLflow.
    """
    from cosmogan_k3.tracking.store import store_address, use_store

    if tracking == "off":
        return ""
    use_store()
    address = store_address()
    is_server = address.startswith(("http://", "https://"))
    return address if is_server else f"mlflow ui --backend-store-uri {shlex.quote(address)}"
