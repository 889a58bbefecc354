"""What the tests of the documentation read from Markdown files."""

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT


class Block(NamedTuple):
    """A block of code."""

    language: str
    line: int
    text: str


def quick_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes use PyTorch, if it is there: it has nothing to compile."""
    if importlib.util.find_spec("torch"):
        monkeypatch.setenv("KERAS_BACKEND", "torch")


def pages() -> list[Path]:
    """Return all Markdown files that are not ignored by git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = listed.stdout.split()
    except (OSError, subprocess.CalledProcessError):  # a copy without git
        folders = (ROOT, ROOT / "docs", ROOT / "mlflow_projects")
        found = {path for folder in folders for path in folder.glob("*.md")}
        found |= {path for folder in folders[1:] for path in folder.rglob("*.md")}
        names = [str(path.relative_to(ROOT)) for path in found if "generated" not in path.parts]
    return sorted(ROOT / name for name in names if (ROOT / name).is_file())


def blocks(path: Path, language: str) -> list[Block]:
    """Return the blocks of code of one language."""
    found, opened = [], None
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if opened is None and line.startswith("```"):
            opened = number
        elif opened is not None and line.rstrip() == "```":
            if lines[opened][3:].strip() == language:
                text = "\n".join(lines[opened + 1 : number])
                found.append(Block(language, opened + 2, text))
            opened = None
    return found


def prose(path: Path) -> str:
    """Return the text of a page without code, tables, headings and directives."""
    text = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\$\$.*?^\$\$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if not re.match(r"\s*(\||#|:::|!\[|:\w)", line)]
    return "\n".join(lines)


def sentences(path: Path) -> list[str]:
    """Return the sentences of a page; an entry of a list ends one, as a full stop does."""
    parts = re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.) |(?<=[.!?:;])\s+(?=[^a-z])", prose(path))
    return [part for part in (" ".join(part.split()) for part in parts) if " " in part]


def slugs(path: Path) -> set[str]:
    """Return the anchors of the headings of a page."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.strip().replace(" ", "-") for title in plain}


def links(path: Path) -> list[tuple[str, str]]:
    """Return path and anchor of the links of a page to other files of the repository."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s:#]*)#?([^)\s:]*)\)", text)


def commands(path: Path) -> list[str]:
    """Return the lines of the shell blocks of a page, without comments, continued lines joined."""
    found = []
    for block in blocks(path, "sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            if command := re.sub(r"(^|\s)#.*$", "", line).strip():
                found.append(command)
    return found
