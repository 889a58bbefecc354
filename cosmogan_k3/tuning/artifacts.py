"""Files of a study in Optuna's artifact store, which its dashboard shows."""

from collections.abc import Iterable
from pathlib import Path

import optuna

from cosmogan_k3._typing import PathLike

# Folder of the store, in that of the study.
ARTIFACTS = "artifacts"


def keep(study: optuna.Study, folder: PathLike, files: Iterable[Path]) -> list[str]:
    """Keep files beside a study, each once.

    Optuna changes no trial that has ended, so that the files of the winner belong to the study.

    Parameters
    ----------
    study : optuna.Study
    folder : str or Path
        Of the study.
    files : iterable of Path
        Those that do not exist are left out.

    Returns
    -------
    list of str
        Names of the files that were added.
    """
    base = Path(folder) / ARTIFACTS
    base.mkdir(parents=True, exist_ok=True)
    store = optuna.artifacts.FileSystemArtifactStore(base)
    present = [
        (each.filename, base / each.artifact_id)
        for each in optuna.artifacts.get_all_artifact_meta(study)
    ]
    added = []
    for path in files:
        same = [kept for name, kept in present if name == path.name and kept.is_file()]
        if not path.is_file() or any(kept.read_bytes() == path.read_bytes() for kept in same):
            continue
        optuna.artifacts.upload_artifact(
            artifact_store=store, file_path=str(path), study_or_trial=study
        )
        added.append(path.name)
    return added
