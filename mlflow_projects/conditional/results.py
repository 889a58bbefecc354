"""Tables, figure and metrics of the project."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparison import DISTANCES, Record
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cosmogan_k3.evaluation.figures.style import BEFORE, GENERATED, REAL, new_figure
from cosmogan_k3.maps.io.atomic import replacing

SETS = ("generated", "start", "null", "neighbour")
COLOURS = {"simulated": REAL, "generated": GENERATED, "start": BEFORE, "lognormal": "#8f6bb3"}
Answers = Mapping[str, Mapping[str, Any]]


def write(
    folder: Path,
    names: Sequence[str],
    records: list[Record],
    answers: Answers,
    options: argparse.Namespace,
) -> None:
    """Write the tables, the figure and the metrics."""
    means = {
        name: {key: float(np.mean([record[name][key] for record in records])) for key in DISTANCES}
        for name in SETS
    }
    tables = [
        *distance_table(names, [*records, dict.fromkeys(names, "mean") | means]),
        "",
        *answer_table(names, answers),
    ]
    (folder / "table.md").write_text("\n".join([*tables, "", caption(records, options), ""]))
    with replacing(folder / "conditional.png") as partial:
        figure(names, records, answers).savefig(partial, format="png", dpi=110)
    metrics = {"mean": means, "cosmologies": records, "inference": answers}
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")


def distance_table(names: Sequence[str], records: Sequence[Record]) -> Iterator[str]:
    """Yield a row for each cosmology: each distance, that of the start, null and neighbour."""
    yield from heading([*names, *DISTANCES.values()])
    for record in records:
        cells = [number(record[name], ".3f") for name in names]
        for key in DISTANCES:
            found, start, null, neighbour = (record[name][key] for name in SETS)
            cells.append(f"{found:.4f}, {start:.4f} ({null:.4f}) [{neighbour:.3f}]")
        yield row(cells)


def answer_table(names: Sequence[str], answers: Answers) -> Iterator[str]:
    """Yield a row for each kind of maps to learn from."""
    columns = ("shift", "difference", "largest_difference", "scatter")
    yield from heading(["learned from", *names, "coverage"])
    for kind, answer in answers.items():
        cells = [
            f"{shift:+.2f}, {difference:+.2f} ({largest:.2f}) [{scatter:.4f}]"
            for shift, difference, largest, scatter in zip(
                *(answer[column] for column in columns), strict=True
            )
        ]
        yield row([kind, *cells, f"{answer['coverage_error']:.3f}"])


def heading(cells: Sequence[str]) -> Iterator[str]:
    yield row(cells)
    yield row(["---"] * len(cells))


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def number(value: Any, spec: str) -> str:
    return value if isinstance(value, str) else format(value, spec)


def caption(records: Sequence[Record], options: argparse.Namespace) -> str:
    """Caption of the tables."""
    count = options.held_maps // len(records)
    return (
        f"First table: distance of generated maps, that of the calibrated start, (that between two "
        f"halves of the simulated boxes), [that to the nearest other cosmology]. Each compares "
        f"{count // 2} with {count // 2} maps; means over several halves. There are no training "
        f"maps of these cosmologies. Second table: parameters of all {options.held_maps} simulated "
        f"maps, inferred by what {options.maps} maps of each kind teach. Mean error, mean "
        f"difference from what simulated maps teach, (the largest at one cosmology), all in units "
        f"of the scatter of what simulated maps teach, and [the scatter]. Coverage: its largest "
        f"difference from the credibility (TARP). "
        f"Trained on maps of {options.cosmologies} cosmologies in {options.vary}, method "
        f"{options.method}; preset {options.preset} on {options.backend}, seed {options.seed}."
    )


def figure(names: Sequence[str], records: list[Record], answers: Answers) -> Figure:
    """Plot P(ℓ) over that of simulated maps, the shifts, and the coverage."""
    drawing, axes = new_figure(13, 4, columns=3)
    plot_power(axes[0], records)
    plot_shifts(axes[1], names, answers)
    plot_coverage(axes[2], answers)
    return drawing


def plot_power(axis: Axes, records: Sequence[Record]) -> None:
    for i, record in enumerate(records):
        for name in ("start", "generated"):
            ratio = np.divide(record[f"{name}_power"], record["simulated_power"])
            label = name if i == 0 else None
            axis.semilogx(record["ell"], ratio, color=COLOURS[name], lw=0.8, label=label)
    axis.axhline(1, color=REAL, lw=0.8)
    axis.set(xlabel="ℓ", ylabel="P / P of simulated maps", ylim=(0.7, 1.3))
    axis.legend(frameon=False, fontsize="small")


def plot_shifts(axis: Axes, names: Sequence[str], answers: Answers) -> None:
    """Plot the mean errors as bars; the band is a fifth of the scatter."""
    places, width = np.arange(len(names)), 0.8 / len(answers)
    for i, (kind, answer) in enumerate(answers.items()):
        axis.bar(places + i * width, answer["shift"], width, color=COLOURS[kind], label=kind)
    axis.axhspan(-0.2, 0.2, color=REAL, alpha=0.15, lw=0)
    axis.set_xticks(places + 0.4 - width / 2, names)
    axis.set(ylabel="mean error / scatter")
    above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 2}  # bars are anywhere
    axis.legend(frameon=False, fontsize="small", title="learned from", **above)


def plot_coverage(axis: Axes, answers: Answers) -> None:
    for kind, answer in answers.items():
        fractions = np.linspace(0, 1, len(answer["credibility"]))
        axis.plot(answer["credibility"], fractions, color=COLOURS[kind], label=kind)
    axis.plot([0, 1], [0, 1], color=REAL, lw=0.8, ls=":")
    axis.set(xlabel="credibility", ylabel="expected coverage")
