"""The folders of the three backends define the same names, read without importing a framework."""

import ast

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "cosmogan_k3" / "backend"
FILES = ("autodiff", "conv", "devices", "norm", "training")
OTHER_BACKENDS = ("jax", "tensorflow")


def definitions(backend, name):
    """Signature of each public function of a file, and "class" for each public class."""
    tree = ast.parse((FOLDER / backend / f"{name}.py").read_text())
    return {
        node.name: "class" if isinstance(node, ast.ClassDef) else signature(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }


def signature(node):
    """Parameters with their annotations and defaults; and the type of the result, where one type.

    A context manager is annotated as what its decorator makes of it, a data set by its framework.
    """
    free = {"single_process", "feed"}
    returns = None if node.name in free else ast.unparse(node.returns)
    return ast.unparse(node.args), returns


def exported(backend):
    """The list ``__all__`` of a folder."""
    tree = ast.parse((FOLDER / backend / "__init__.py").read_text())
    (names,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    return ast.literal_eval(names)


@pytest.mark.parametrize("backend", OTHER_BACKENDS)
@pytest.mark.parametrize("name", FILES)
def test_files_of_one_name_define_the_same_functions(backend, name):
    reference = definitions("torch", name)
    assert reference
    assert definitions(backend, name) == reference


@pytest.mark.parametrize("backend", [*OTHER_BACKENDS, "torch"])
def test_a_folder_exports_every_function_of_its_files(backend):
    defined = {name for file in FILES for name in definitions(backend, file)}
    assert exported(backend) == sorted(defined)


def test_the_package_exports_the_functions_of_the_active_backend():
    from cosmogan_k3 import backend

    for name in exported(backend.name):
        assert getattr(backend, name).__module__.startswith(f"cosmogan_k3.backend.{backend.name}.")


def test_the_module_docstring_names_every_function_of_the_interface():
    text = ast.get_docstring(ast.parse((FOLDER / "__init__.py").read_text()))
    for name in FILES:
        assert f"``{name}.py``" in text
