"""Comparison of recorded settings with those of a new command."""

import json
from collections.abc import Mapping
from typing import Any


def differing_names(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the names whose values differ between recorded settings and those of a command.

    Both are compared as JSON would store them: a tuple equals a list.

    Parameters
    ----------
    recorded, given : mapping
        Names to plain values.

    Returns
    -------
    list of str
        Names of ``given``, then those that only ``recorded`` has.

    Examples
    --------
    >>> differing_names({"seed": 0, "sides": [1, 2]}, {"seed": 3, "sides": (1, 2), "maps": 9})
    ['seed', 'maps']
    """
    recorded, given = json.loads(json.dumps([dict(recorded), dict(given)]))
    return [
        name
        for name in {**given, **recorded}
        if name not in given or name not in recorded or given[name] != recorded[name]
    ]
