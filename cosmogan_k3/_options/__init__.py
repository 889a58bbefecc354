"""Options of commands: dataclass fields with help texts and bounds."""

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any, TypeVar

from cosmogan_k3.errors import InputError

Config = TypeVar("Config")


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[Any, ...] | None = None,
    minimum: float | None = None,
    within: tuple[float, float] | None = None,
    flag: bool = False,
    bare: Any = None,
    positional: bool = False,
) -> Any:
    """Return a dataclass field with the help text and the bounds that the command line checks.

    Parameters
    ----------
    default : bool, int, float or str
        Default value.
    help : str
        What the parameter is, for ``--help`` and for the docstring of the command.
    choices : tuple, optional
        All valid values.
    minimum : float, optional
        Smallest valid value.
    within : tuple of float, optional
        Smallest and largest valid value.
    flag : bool, default False
        Whether the option takes no value. MLproject has no flags: it cannot leave an option out.
    bare : object, optional
        Value of an option that is given without a value.
    positional : bool, default False
        Whether the value is given without a flag, or left out.

    Returns
    -------
    dataclasses.Field

    Examples
    --------
    >>> option(0, "seed of all random draws", minimum=0).metadata["minimum"]
    0
    """
    low, high = within or (minimum, None)
    bounds = {"choices": choices, "minimum": low, "maximum": high}
    return dataclasses.field(
        default=default,
        metadata={"help": help, "flag": flag, "bare": bare, "positional": positional, **bounds},
    )


def documented(config: type[Config]) -> type[Config]:
    """Append the parameters of a command, from the metadata of its fields, to its docstring.

    Parameters
    ----------
    config : type
        A dataclass of ``config``.

    Returns
    -------
    type
        The same class.

    Examples
    --------
    >>> from cosmogan_k3.config import InfoConfig
    >>> "backend : str" in InfoConfig.__doc__
    True
    """
    entries = "".join(
        f"{name} : {type(each.default).__name__}, default {each.default!r}\n"
        f"    {each.metadata['help']}.\n"
        for name, each in vars(config)["__dataclass_fields__"].items()
    )
    config.__doc__ = f"{config.__doc__}\n\nParameters\n----------\n{entries}"
    return config


def problem(value: Any, metadata: Mapping[str, Any]) -> str:
    """Return why a value is not valid for an option; empty if it is.

    Parameters
    ----------
    value : bool, int, float or str
    metadata : mapping
        Of the option's field.

    Returns
    -------
    str

    Examples
    --------
    >>> problem(70.0, option(0.7, "Hubble constant", within=(0.4, 1)).metadata)
    'must be at most 1'
    """
    choices = metadata["choices"]
    minimum, maximum = metadata["minimum"], metadata["maximum"]
    if choices is not None and value not in choices:
        return f"expected one of {', '.join(str(choice) for choice in choices if choice != '')}"
    if isinstance(value, float) and not math.isfinite(value):
        return "expected a finite number"
    if minimum is not None and value < minimum:
        return f"must be at least {minimum}"
    if maximum is not None and value > maximum:
        return f"must be at most {maximum}"
    return ""


def checked(config: Config) -> Config:
    """Return a configuration whose values have the types of its fields and are within bounds.

    The command line checks the same bounds when it parses the options.

    Parameters
    ----------
    config : dataclass of ``config``

    Returns
    -------
    dataclass
        Numbers of NumPy are plain numbers in it.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from cosmogan_k3.config import Simulation
    >>> checked(Simulation(h=70.0))
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: h must be at most 1.0. Received: 70.0
    """
    values = {}
    for each in dataclasses.fields(config):  # type: ignore[arg-type]
        value = _as_declared(each, getattr(config, each.name))
        if reason := problem(value, each.metadata):
            raise InputError(f"{each.name} {reason}. Received: {value!r}", parameter=each.name)
        values[each.name] = value
    return dataclasses.replace(config, **values)  # type: ignore[type-var]


def _as_declared(field: "dataclasses.Field[Any]", value: Any) -> Any:
    """Return a value in the type of its field."""
    kind = type(field.default)
    accepted = {bool: numbers.Integral, int: numbers.Integral, float: numbers.Real, str: str}[kind]
    if not isinstance(value, accepted):
        raise InputError(
            f"{field.name} expected {_KINDS[kind]}. Received: {value!r}", parameter=field.name
        )
    return kind(value)


_KINDS = {bool: "True or False", int: "an integer", float: "a number", str: "a text"}
