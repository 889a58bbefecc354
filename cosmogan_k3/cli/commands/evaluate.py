"""``cosmogan evaluate``: distances between two sets of maps, tables and figures.

Needs no Keras unless a classifier is asked for.
"""

import sys
from pathlib import Path
from typing import Any

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.endings import say
from cosmogan_k3.cli.outputs import output_folder
from cosmogan_k3.cli.survey import survey_of
from cosmogan_k3.config import EvaluateConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.evaluate import Evaluation, evaluate_maps
from cosmogan_k3.evaluation.files import NUMBERS, RESULTS, summary, write_evaluation
from cosmogan_k3.evaluation.measurable import statistics_as_input_errors
from cosmogan_k3.maps import MapSet, read_maps, read_mask
from cosmogan_k3.maps.split_file import part_of_split
from cosmogan_k3.parallel.executor import executor, wants_dask
from cosmogan_k3.survey import Survey, observe_set, reconstruct_set


def run(config: EvaluateConfig) -> None:
    """Compare generated maps with real ones; write metrics, tables, figures and the report.

    Raises
    ------
    InputError
        If a set of maps is missing, cannot be read or cannot be measured.
    """
    for name in ("real", "generated"):
        if not getattr(config, name):
            raise InputError("name the maps to compare", parameter=name)
    wants_dask(config.workers, config.scheduler)
    with output_folder(config.out, RESULTS, overwrite=config.overwrite):
        evaluation = _evaluate(config)
        write_evaluation(config.out, evaluation)
    for warning in evaluation.warnings:
        print(f"cosmogan evaluate: warning: {warning}", file=sys.stderr)
    if not config.quiet:
        print(summary(evaluation), end="\n\n")
    folder, count = Path(config.out), len(evaluation.figures)
    *tables, report = RESULTS
    written = {
        "report": str(folder / report),
        "tables": f"{', '.join(tables)} in {folder}",
        "figures": f"{count} as PNG and PDF in {folder}, and as CSV in {folder / NUMBERS}",
    }
    say(written, quiet=config.quiet)


def _evaluate(config: EvaluateConfig) -> Evaluation:
    """Read the maps and compare them."""
    inputs, provenance = _read(config)
    survey = survey_of(config)
    with (
        executor(config.workers, config.scheduler, quiet=config.quiet) as map_calls,
        statistics_as_input_errors(),
    ):
        evaluation = evaluate_maps(
            **inputs,
            survey=survey if survey.changes_pixels else None,
            survey_area_deg2=config.survey_area,
            seed=config.seed,
            betti=bool(config.betti),
            map_calls=map_calls,
            provenance=provenance,
        )
    return _with_classifier(config, evaluation, inputs, survey) if config.classifier else evaluation


def _with_classifier(
    config: EvaluateConfig, evaluation: Evaluation, inputs: dict[str, Any], survey: Survey
) -> Evaluation:
    """Add the test of a classifier, which sees the maps as they were compared."""
    use_backend(config.backend)
    from cosmogan_k3.gan.map_classifier import classifier_metrics, classifier_test

    sets, mask = [inputs[name] for name in ("real", "generated")], inputs["mask"]
    if survey.changes_pixels:
        streams = zip(sets, ("real", "generated"), strict=True)
        sets = [observe_set(maps, survey, stream=name, mask=mask) for maps, name in streams]
    result = classifier_test(*sets, mask=mask, seed=config.seed)
    return evaluation.extended(metrics=classifier_metrics(result), overall=(result,))


def _read(config: EvaluateConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sets of maps and the mask, and where they come from."""
    paths = {name: getattr(config, name) for name in ("real", "generated", "training")}
    paths = {name: path for name, path in paths.items() if path}
    sets = {name: _read_set(config, name) for name in paths}
    if config.split:
        sets["real"] = part_of_split(sets["real"], config.split, config.part)
    mask = read_mask(config.mask, pixels=sets["real"].pixels) if config.mask else None
    provenance = paths | ({"mask": config.mask} if config.mask else {})
    provenance |= {"split": config.split, "part": config.part} if config.split else {}
    for name, maps in sets.items():
        provenance[f"{name}_maps_read"] = maps.describe()
        if not config.quiet:
            print(f"{name} maps: {maps.describe()}")
    return sets | {"mask": mask}, provenance


def _read_set(config: EvaluateConfig, name: str) -> MapSet:
    """Read the real, generated or training maps; an error names the option of these maps.

    Two arrays are the components of the shear, of which κ is reconstructed.
    """
    parameter = "generated_field" if name == "generated" else "field"
    fields = getattr(config, parameter).split(",")
    if len(fields) > 2:
        raise InputError("name one array, or the two of the shear", parameter=parameter)
    try:
        sets = [
            read_maps(
                getattr(config, name),
                pixels=config.pixels or None,
                pixel_arcmin=config.pixel_arcmin or None,
                field=field.strip(),
                external=config.external,
            )
            for field in fields
        ]
    except InputError as error:
        named = parameter if error.parameter == "field" else error.parameter
        raise InputError(str(error), parameter=named) from error
    if len(sets) == 1:
        return sets[0]
    mask = read_mask(config.mask, pixels=sets[0].pixels) if config.mask else None
    return reconstruct_set(*sets, mask=mask)
