"""Register the package with Keras as soon as Keras is there, without importing it for those who need none."""

import importlib
import importlib.abc
import importlib.util
import sys

_ROOMS = ("backend", "layers", "losses", "penalties", "optimizers", "models")
_KERAS_ROOMS = tuple(f"{__package__}.{room}" for room in _ROOMS)


def register_with_keras():
    """Import the models now if Keras is loaded; otherwise right after somebody loads it."""
    if "keras" in sys.modules:
        _import_models()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _import_models():
    # Where one of these rooms is itself what imports Keras, the registration is already under way.
    if not any(room in sys.modules for room in _KERAS_ROOMS):
        importlib.import_module(f"{__package__}.models")


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Find Keras as the other finders do, and import the models once it is complete."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module

            def load_and_register(module):
                load(module)
                _import_models()

            spec.loader.exec_module = load_and_register
        return spec
