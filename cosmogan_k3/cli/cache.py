"""The cache of the user: folders of what one command leaves to the next."""

import os
import sys
from pathlib import Path

import platformdirs

# Variable of the environment that names another folder for the cache.
CACHE = "COSMOGAN_CACHE"

# JAX's own variables. The user's values come first.
_FOLDER = "JAX_COMPILATION_CACHE_DIR"
_LIMITS = {
    # Shorter compilations take about as long as reading their result.
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    # JAX removes what was not used for longest. With a limit, JAX also locks the folder.
    "JAX_COMPILATION_CACHE_MAX_SIZE": str(2**30),
}

# How JAX names an entry, and the time of access that it writes after it.
_ENTRY, _ACCESS = "-cache", "-atime"


def cache_folder(name: str) -> Path:
    """Return a folder of the user's cache, which may not exist.

    Parameters
    ----------
    name : str
        What the folder holds.

    Returns
    -------
    Path

    Examples
    --------
    >>> cache_folder("simulated").name
    'simulated'
    """
    return Path(os.environ.get(CACHE) or platformdirs.user_cache_dir("cosmogan_k3")) / name


def keep_jax_compilations() -> None:
    """Let JAX keep compiled programs in the user's cache; call it before JAX is imported.

    JAX trusts these files: they are programs that it runs. A folder to which others can write is
    therefore not used. Nothing is changed if the user has set JAX's own variable of the folder,
    even to an empty text. JAX_ENABLE_COMPILATION_CACHE=false turns JAX's cache off. On macOS the
    variable must be set: some versions of JAX crash there when they read a program.
    """
    if _FOLDER in os.environ or sys.platform == "darwin":
        return
    folder = cache_folder("compiled")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        private = _is_private(folder)
    except OSError:
        return  # a home that cannot be written to costs time alone
    if not private:
        print(
            f"cosmogan: warning: {folder}: others can write to it; JAX's compiled programs are not "
            "kept there",
            file=sys.stderr,
        )
        return
    _remove_partial_entries(folder)
    os.environ[_FOLDER] = str(folder)
    for variable, value in _LIMITS.items():
        os.environ.setdefault(variable, value)


def _is_private(folder: Path) -> bool:
    """Whether a folder belongs to this user, and nobody else can write to it."""
    if not hasattr(os, "getuid"):  # Windows, where the folders of a user are private
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _remove_partial_entries(folder: Path) -> None:
    """Remove what a killed process left: JAX would fail to read it, but never replace it.

    JAX writes the time of access after the entry. An entry that another process is writing at this
    moment may be removed too; it is then compiled again.
    """
    for entry in folder.glob(f"*{_ENTRY}"):
        if not entry.with_name(entry.name.removesuffix(_ENTRY) + _ACCESS).exists():
            entry.unlink(missing_ok=True)
