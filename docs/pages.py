"""Pages of the site that are made from other files: commands, API, and pages of the repository.

``conf.py`` calls ``write_pages`` before Sphinx looks for documents. The folder ``generated`` is not
in version control.
"""

import importlib
import inspect
import os
import re
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from types import ModuleType

from cosmogan_k3.cli.parser import flags_of
from cosmogan_k3.config import COMMANDS

DOCS = Path(__file__).parent
ROOT = DOCS.parent
GENERATED = "generated"

# Pages of the repository that the site shows, with their names there.
REPOSITORY_PAGES = {
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changes",
    "SECURITY.md": "security",
    "mlflow_projects/README.md": "projects",
    "mlflow_projects/conditional/README.md": "project-conditional",
    "mlflow_projects/paper/README.md": "project-paper",
    "mlflow_projects/serve/README.md": "project-serve",
    "mlflow_projects/study/README.md": "project-study",
}

# Modules of the reference, in the order in which a user meets them.
MODULES = (
    "cosmogan_k3",
    "cosmogan_k3.maps",
    "cosmogan_k3.simulation",
    "cosmogan_k3.statistics",
    "cosmogan_k3.survey",
    "cosmogan_k3.evaluation.evaluate",
    "cosmogan_k3.evaluation.files",
    "cosmogan_k3.pretrained",
    "cosmogan_k3.gan",
    "cosmogan_k3.nn.layers",
    "cosmogan_k3.nn.losses",
    "cosmogan_k3.nn.penalties",
    "cosmogan_k3.training.trainer",
    "cosmogan_k3.tuning.space",
    "cosmogan_k3.tuning.objective",
    "cosmogan_k3.tracking.registry",
    "cosmogan_k3.parallel.executor",
    "cosmogan_k3.config",
    "cosmogan_k3.errors",
)

_LINK = re.compile(r"\[((?:`[^`]*`|[^\[\]`])*)\]\(([^)\s:#]+)(#[^)\s]*)?\)")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def write_pages(folder: Path) -> None:
    """Write all generated pages; files that have not changed keep their time.

    Parameters
    ----------
    folder : Path
        The folder ``generated`` of the site's source.
    """
    pages = {"commands.md": commands_page()}
    pages |= {f"{name}.md": repository_page(path) for path, name in REPOSITORY_PAGES.items()}
    pages |= {f"api/{name}.rst": module_page(name) for name in MODULES}
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def commands_page() -> str:
    """Return the page of all commands with their parameters, from ``config.py``.

    Returns
    -------
    str
        Markdown.
    """
    parts = [
        "# Commands\n\nEvery command of `cosmogan` with its parameters. In Python they are the "
        "fields of the classes in `cosmogan_k3.config`; in `mlflow run` they have the same names. "
        "`cosmogan COMMAND --help` prints the same.\n"
    ]
    for name, config in COMMANDS.items():
        summary = (config.__doc__ or "").strip().splitlines()[0]
        entries = "\n".join(_parameter(field) for field in fields(config))
        parts.append(f"## cosmogan {name}\n\n{summary}\n\n{entries}")
    return "\n".join(parts)


def _parameter(field: Field) -> str:
    """Return an entry of a definition list: flag and default, meaning, valid values."""
    data = field.metadata
    flag = f"`{field.name.upper() if data['positional'] else flags_of(field.name)}`"
    kind = "" if data["flag"] else f" {field.type.__name__}"
    default = "" if data["flag"] or field.default == "" else f" = {field.default}"
    values = ""
    if data["choices"]:
        values = " One of " + ", ".join(f"`{c}`" for c in data["choices"] if c != "") + "."
    elif data["maximum"] is not None:
        values = f" From {data['minimum']:,} to {data['maximum']:,}."
    elif data["minimum"] is not None:
        values = f" At least {data['minimum']:,}."
    text = data["help"].replace("*", r"\*")
    return f"{flag}{kind}{default}\n: {text[0].upper()}{text[1:]}.{values}\n"


def module_page(module: str) -> str:
    """Return the page of a module: its docstring, a table of its public names, and these.

    Parameters
    ----------
    module : str

    Returns
    -------
    str
        reStructuredText.
    """
    entries = sorted(_public(importlib.import_module(module)), key=lambda entry: entry[0].lower())
    elsewhere = _homes() if module == "cosmogan_k3" else {}
    table = "\n".join(f"   {elsewhere.get(value, name)}" for name, value in entries)
    parts = "\n".join(_entry(name, value) for name, value in entries if value not in elsewhere)
    return (
        f"{module}\n{'=' * len(module)}\n\n.. automodule:: {module}\n   :no-members:\n\n"
        f".. currentmodule:: {module}\n\n.. autosummary::\n   :nosignatures:\n\n{table}\n\n"
        f"{parts}"
    )


def _homes() -> dict[object, str]:
    """Return the page's name of each object that another page than the first documents."""
    return {
        value: f"~{module.removeprefix('cosmogan_k3.')}.{name}"
        for module in MODULES[1:]
        for name, value in _public(importlib.import_module(module))
    }


def _public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield what a module offers, with its names: ``__all__``, or what it defines."""
    for name in getattr(module, "__all__", vars(module)):
        value = getattr(module, name)
        ours = hasattr(module, "__all__") or getattr(value, "__module__", "") == module.__name__
        if (inspect.isfunction(value) or inspect.isclass(value)) and ours and name[0] != "_":
            yield name, value


def _entry(name: str, value: object) -> str:
    """Return the directive that documents a class or a function."""
    if inspect.isclass(value):
        return f".. autoclass:: {name}\n   :members:\n"
    return f".. autofunction:: {name}\n"


def repository_page(path: str) -> str:
    """Return a page of the repository with links that work in the site.

    Parameters
    ----------
    path : str
        Path in the repository.

    Returns
    -------
    str
        Markdown.
    """
    text = (ROOT / path).read_text()
    return site_links(text, path, f"docs/{GENERATED}/{REPOSITORY_PAGES[path]}.md")


def site_links(text: str, source: str, page: str) -> str:
    """Replace links to the repository by links to pages of the site, or by their text.

    Parameters
    ----------
    text : str
        Markdown.
    source, page : str
        Path in the repository of the file that the links are relative to, and of the page that
        shows the text.

    Returns
    -------
    str

    Examples
    --------
    >>> site_links("[a](../../SECURITY.md) [b](../../setup)", "docs/x/y.md", "docs/x/y.md")
    '[a](../generated/security.md) b'
    """

    def replaced(match: re.Match) -> str:
        label, target, anchor = match[1], match[2], match[3] or ""
        path = os.path.normpath(Path(source).parent / target)
        if (ROOT / path / "README.md").is_file():
            path = f"{path}/README.md"
        if path in REPOSITORY_PAGES:
            path = f"docs/{GENERATED}/{REPOSITORY_PAGES[path]}.md"
        elif not path.startswith("docs/"):
            return label
        return f"[{label}]({os.path.relpath(path, Path(page).parent)}{anchor})"

    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_LINK.sub(replaced, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, _LINK.sub(replaced, text[end:])])
