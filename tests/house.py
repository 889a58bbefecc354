"""Measures of the source code: sizes, nesting, annotations, docstrings. Run on any tree.

::

    python tests/house.py cosmogan_k3
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINE_LENGTH = 100

_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.FunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Methods that need no docstring of their own: the class says what they do.
_NO_DOCSTRING = {"__init__", "__post_init__"}


@dataclass(frozen=True)
class Name:
    """A function, class or module, and what was measured of it.

    Parameters
    ----------
    where : str
        File and line.
    name : str
        Qualified name.
    kind : {"module", "class", "function"}
        What it is.
    public : bool
        Whether no part of the qualified name starts with an underscore.
    documented : bool
        Whether it has a docstring.
    example : bool
        Whether the docstring holds a doctest.
    lines : int
        Lines of a function's body without the docstring; lines of a module; 0 for a class.
    nesting : int
        Deepest level of blocks inside a function.
    parameters : int
        Parameters of a function other than ``self`` and ``cls``.
    annotated : int
        Those of them with an annotation.
    returns : bool
        Whether the return value is annotated.
    positional : int
        Required positional parameters.
    example_expected : bool
        Whether a reader can expect an example: public functions and classes, not methods.
    """

    where: str
    name: str
    kind: str
    public: bool
    documented: bool
    example: bool
    lines: int = 0
    nesting: int = 0
    parameters: int = 0
    annotated: int = 0
    returns: bool = True
    positional: int = 0
    example_expected: bool = False


def measure(root: Path) -> list[Name]:
    """Measure every name in the Python files below a folder."""
    names: list[Name] = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        tree = ast.parse(text)
        relative = str(path.relative_to(root))
        docstring = ast.get_docstring(tree) or ""
        names.append(
            Name(
                f"{relative}:1",
                relative,
                "module",
                public=_is_public(relative),
                documented=bool(docstring),
                example=">>>" in docstring,
                lines=len(text.splitlines()),
            )
        )
        names.extend(_names(tree, relative, (), in_class=False))
    return names


def _names(
    node: ast.AST, relative: str, outer: tuple[str, ...], *, in_class: bool
) -> Iterator[Name]:
    """Yield the functions and classes in a module, class or function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            path = (*outer, child.name)
            yield _measured(child, relative, path, in_class=in_class)
            is_class = isinstance(child, ast.ClassDef)
            inner = path if is_class else (*path, "<locals>")
            yield from _names(child, relative, inner, in_class=is_class)
        elif not isinstance(child, ast.expr):
            yield from _names(child, relative, outer, in_class=in_class)


def _measured(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    relative: str,
    path: tuple[str, ...],
    *,
    in_class: bool,
) -> Name:
    docstring = ast.get_docstring(node) or ""
    public = _is_public(relative) and not any(part.startswith(("_", "<")) for part in path)
    common = {
        "where": f"{relative}:{node.lineno}",
        "name": ".".join(path),
        "public": public,
        "documented": bool(docstring),
        "example": ">>>" in docstring,
    }
    if isinstance(node, ast.ClassDef):
        return Name(kind="class", example_expected=public, **common)
    parameters = _parameters(node, in_class=in_class)
    return Name(
        kind="function",
        lines=_body_lines(node),
        nesting=max((_depth(child) for child in node.body), default=0),
        parameters=len(parameters),
        annotated=sum(parameter.annotation is not None for parameter in parameters),
        returns=node.returns is not None,
        positional=_required_positional(node, in_class=in_class),
        example_expected=public and not in_class and len(path) == 1,
        **common,
    )


def _is_public(relative: str) -> bool:
    """Return whether no folder or module in a path starts with an underscore."""
    parts = [part for part in Path(relative).with_suffix("").parts if part != "__init__"]
    return not any(part.startswith("_") for part in parts)


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, *, in_class: bool) -> list[ast.arg]:
    """Return all parameters but ``self`` or ``cls``."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if in_class and not _is_static(node):
        positional = positional[1:]
    more = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return [*positional, *arguments.kwonlyargs, *more]


def _required_positional(node: ast.FunctionDef | ast.AsyncFunctionDef, *, in_class: bool) -> int:
    arguments = node.args
    count = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return max(0, count - (in_class and not _is_static(node)))


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines from the first statement after the docstring to the last."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _depth(node: ast.AST) -> int:
    """Return the deepest level of blocks in a statement; ``elif`` is on the level of its ``if``."""
    below = max((_depth(child) for child in _children(node)), default=0)
    return below + isinstance(node, _BLOCKS)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and child in node.orelse and isinstance(child, ast.If)
        if is_elif and len(node.orelse) == 1:
            yield from _children(child)
        else:
            yield child


def needs_docstring(name: Name) -> bool:
    """Return whether ruff's D1 rules ask for a docstring."""
    return name.public and name.name.rpartition(".")[2] not in _NO_DOCSTRING


def unannotated(names: list[Name]) -> list[str]:
    """Return where a parameter or a return value has no annotation."""
    return [
        f"{n.where} {n.name}"
        for n in names
        if n.kind == "function" and (n.annotated < n.parameters or not n.returns)
    ]


def long_lines(root: Path) -> list[str]:
    """Return where a line has more than ``LINE_LENGTH`` characters."""
    return [
        f"{path.relative_to(root)}:{number}"
        for path in sorted(root.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LINE_LENGTH
    ]


def report(root: Path) -> str:
    """Return all measures of a tree as text."""
    names = measure(root)
    modules = [n for n in names if n.kind == "module"]
    functions = [n for n in names if n.kind == "function"]
    public = [n for n in names if needs_docstring(n)]
    expected = [n for n in names if n.example_expected]
    parameters = sum(n.parameters for n in functions)
    lines = [
        f"modules                                 {len(modules)}",
        f"modules in the root                     {sum('/' not in n.name for n in modules)}",
        f"functions and methods                   {len(functions)}",
        f"lines                                   {sum(n.lines for n in modules)}",
        f"lines over {LINE_LENGTH} characters               {len(long_lines(root))}",
        f"parameters annotated                    "
        f"{_share(sum(n.annotated for n in functions), parameters)}",
        f"returns annotated                       "
        f"{_share(sum(n.returns for n in functions), len(functions))}",
        f"public names documented                 "
        f"{_share(sum(n.documented for n in public), len(public))}",
        f"public functions, classes with example  "
        f"{_share(sum(n.example for n in expected), len(expected))}",
        *_largest("files over 250 lines", modules, "lines", 250),
        *_largest("files over 350 lines", modules, "lines", 350),
        *_largest("functions over 40 lines", functions, "lines", 40),
        *_largest("functions over 50 lines", functions, "lines", 50),
        *_largest("functions nested deeper than 4", functions, "nesting", 4),
        *_largest("functions with over 6 required positional", functions, "positional", 6),
    ]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "0 of 0"


def _largest(title: str, names: list[Name], field: str, limit: int) -> list[str]:
    over = sorted((n for n in names if getattr(n, field) > limit), key=lambda n: -getattr(n, field))
    return [
        f"{title:40}{len(over)}",
        *(f"    {getattr(n, field):4} {n.where} {n.name}" for n in over),
    ]


if __name__ == "__main__":
    print(report(Path(sys.argv[1])))
