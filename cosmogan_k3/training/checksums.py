"""Checksums of the files of a folder, in the format that ``sha256sum --check`` reads."""

import hashlib
from pathlib import Path

CHECKSUMS = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file of a folder into its file ``SHA256SUMS``.

    Parameters
    ----------
    folder : Path
        Without subfolders.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     _ = Path(name, "notes.txt").write_text("whole")
    ...     write_checksums(Path(name))
    ...     _ = Path(name, "notes.txt").write_text("half")
    ...     damage(Path(name))
    'notes.txt is not as it was written'
    """
    lines = [f"{_digest(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / CHECKSUMS).write_text("".join(lines))


def damage(folder: Path) -> str:
    """Return what is wrong with a folder of checksummed files; empty if nothing is.

    Parameters
    ----------
    folder : Path
    """
    try:
        lines = (folder / CHECKSUMS).read_text().splitlines()
        recorded = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        wrong = [name for name, digest in recorded.items() if _digest(folder / name) != digest]
    except (OSError, ValueError) as error:
        return f"{CHECKSUMS} or a file that it names cannot be read ({type(error).__name__})"
    if not recorded:
        return f"{CHECKSUMS} names no file"
    return f"{', '.join(wrong)} is not as it was written" if wrong else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
