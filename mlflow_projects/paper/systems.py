"""The systems that are trained: those of the paper, those before and after it, and ablations."""

from dataclasses import dataclass, field, replace
from typing import Any

from cosmogan_k3.gan import Preset, get_preset
from cosmogan_k3.nn.losses import GeometricHinge

# The paper does not average weights. Its relativistic loss is a system of its own here.
_PAPER = {"loss_schedule": {0: GeometricHinge()}, "average_decay": 0.0}


@dataclass(frozen=True)
class System:
    """A preset with changes.

    Parameters
    ----------
    preset : str
    changes, network_changes : dict
        Fields of ``Preset`` and of its architecture.
    seeds : int
        Number of seeds.
    start : str
        System from whose trained weights it starts.
    share : float
        Part of the epochs after which its validation curve is flat.
    """

    preset: str
    changes: dict[str, Any] = field(default_factory=dict)
    network_changes: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1
    start: str = ""
    share: float = 1.0

    def prepared(self, *, width: float, epochs: int) -> Preset:
        """Return the preset to train."""
        preset = get_preset(self.preset, width)
        networks = replace(preset.architecture, **self.network_changes)
        epochs = max(1, int(self.share * epochs))
        return replace(preset, architecture=networks, epochs=epochs, **self.changes)


# In the order in which they are trained.
SYSTEMS = {
    "geogan": System("geogan", _PAPER, seeds=3),
    "cosmogan": System("cosmogan", seeds=3),
    "geogan_no_minibatch": System("geogan", _PAPER, {"minibatch_kernels": 0}),
    "geogan_batch_norm": System("geogan", _PAPER, {"generator_norm": "batch", "reference_size": 0}),
    "geogan_relativistic": System(
        "geogan_relativistic", {"average_decay": 0.0}, start="geogan", share=0.5
    ),
    "geogan_continued": System("geogan", _PAPER, start="geogan", share=0.5),
    "rodriguez": System("rodriguez"),
    "rodriguez_wgan": System("rodriguez_wgan"),
    "best": System("best", share=0.125),
    "geogan_averaged": System("geogan", {"loss_schedule": _PAPER["loss_schedule"]}),
}


def planned(names: list[str]) -> list[tuple[str, int]]:
    """Return systems and seeds in the order of training: the first seed of all comes first.

    Examples
    --------
    >>> planned(["geogan", "best"])
    [('geogan', 0), ('best', 0), ('geogan', 1), ('geogan', 2)]
    """
    runs = [(name, seed) for name in names for seed in range(SYSTEMS[name].seeds)]
    return sorted(runs, key=lambda run: run[1])
