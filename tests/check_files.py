"""Check files before a commit: size, trailing white space, TOML and YAML syntax.

::

    python tests/check_files.py FILE...
"""

import sys
import tomllib
from pathlib import Path

import yaml

LARGEST_BYTES = 500_000
TEXT = {".cff", ".cfg", ".j2", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
YAML = {".cff", ".yaml", ".yml"}


def problems(path: Path) -> list[str]:
    """Return what is wrong with a file, one line per problem."""
    if path.is_symlink() or not path.is_file():
        return []
    found = []
    if path.stat().st_size > LARGEST_BYTES:
        found.append(f"{path}: larger than {LARGEST_BYTES} bytes")
    if path.suffix in TEXT:
        found += _text_problems(path)
    try:
        if path.suffix == ".toml":
            tomllib.loads(path.read_text())
        elif path.suffix in YAML or path.name == "MLproject":
            yaml.safe_load(path.read_text())
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        found.append(f"{path}: {' '.join(str(error).split())}")
    return found


def _text_problems(path: Path) -> list[str]:
    text = path.read_text()
    found = [
        f"{path}:{number}: trailing white space"
        for number, line in enumerate(text.splitlines(), start=1)
        if line != line.rstrip()
    ]
    if text and not text.endswith("\n"):
        found.append(f"{path}: no newline at the end")
    return found


if __name__ == "__main__":
    found = [problem for name in sys.argv[1:] for problem in problems(Path(name))]
    print("\n".join(found))
    raise SystemExit(bool(found))
