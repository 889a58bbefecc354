"""Options of commands: dataclass fields with help texts and bounds."""

from dataclasses import field
from typing import Any, TypeVar

Config = TypeVar("Config")


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[Any, ...] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    flag: bool = False,
    bare: Any = None,
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
    maximum : float, optional
        Largest valid value.
    above : float, optional
        Largest number that is too small.
    flag : bool, default False
        Whether the option takes no value. MLproject has no flags: it cannot leave an option out.
    bare : object, optional
        Value of an option that is given without a value.

    Returns
    -------
    dataclasses.Field

    Examples
    --------
    >>> option(0, "seed of all random draws", minimum=0).metadata["minimum"]
    0
    """
    bounds = {"choices": choices, "minimum": minimum, "maximum": maximum, "above": above}
    return field(default=default, metadata={"help": help, "flag": flag, "bare": bare, **bounds})


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
