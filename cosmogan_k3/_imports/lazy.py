"""Public names of a package that are imported on first use, so that the package starts at once."""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cosmogan_k3._imports.extras import explained


def on_first_use(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names are imported on first use.

    The package lists the imports under ``if TYPE_CHECKING:``, where type checkers see them too, and
    the names in ``__all__``. Completion offers these names alone.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.

    Examples
    --------
    >>> get, names = on_first_use("cosmogan_k3")
    >>> get("InputError").__module__
    'cosmogan_k3.errors'
    """
    module = sys.modules[package]
    origins = _origins(Path(str(module.__file__)).read_text(encoding="utf-8"))

    def get(name: str) -> Any:
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = _imported(origins[name], name)
        setattr(module, name, value)  # the next use does not come here
        return value

    return get, lambda: sorted(module.__all__)


def _origins(source: str) -> dict[str, str]:
    """Return the module of each name that is imported under ``if TYPE_CHECKING:``."""
    blocks = (
        node.body
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    imports = (node for block in blocks for node in block if isinstance(node, ast.ImportFrom))
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def _imported(module: str, name: str) -> Any:
    """Import a name from a module, or a module from a package."""
    try:
        if module == "cosmogan_k3":
            return importlib.import_module(f"{module}.{name}")
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise explained(error) from error
