"""What a complete training leaves: the evaluated, saved and registered model of its best epoch."""

import contextlib
import functools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.evaluation import figures
from cosmogan_k3.evaluation.captions import is_cross_entropy
from cosmogan_k3.evaluation.evaluate import Evaluation, evaluate_maps
from cosmogan_k3.evaluation.files import summary, write_evaluation
from cosmogan_k3.evaluation.numbers import Table
from cosmogan_k3.evaluation.report import markdown_summary
from cosmogan_k3.gan import GAN, calibrate
from cosmogan_k3.gan.map_classifier import classifier_metrics, classifier_test
from cosmogan_k3.gan.network_metrics import latent_smoothness, learned_frechet
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.maps import MapSet, Splits
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.maps.split_file import SPLIT_FILE
from cosmogan_k3.parallel.executor import thread_map
from cosmogan_k3.statistics import stopping_advice
from cosmogan_k3.tracking import champion, runs
from cosmogan_k3.tracking.datasets import data_name
from cosmogan_k3.tracking.registry import ModelCard
from cosmogan_k3.training.callbacks import EpochMonitor
from cosmogan_k3.training.progress import SCORE, Progress
from cosmogan_k3.training.setup import MODEL, START

_log = logging.getLogger(__name__)

# The latents of the final evaluation are none that training or validation used.
TEST_SEED = 1_000_003

_LONGEST_TAG = 5000  # characters, of any MLflow store


def finish(
    config: TrainConfig,
    gan: GAN | None,
    splits: Splits,
    monitor: EpochMonitor,
    parameters: dict[str, Any],
    *,
    evaluated: bool = True,
) -> tuple[Emulator, dict[str, Any]]:
    """Save the model of the best epoch, then evaluate it on the test maps, log and register it.

    Whatever fails after the model is saved leaves it there, and can be repeated.

    Parameters
    ----------
    config : TrainConfig
    gan : GAN or None
        As the last epoch left it; None if it has to be loaded again.
    splits : Splits
    monitor : EpochMonitor
        Of the training; its judge compares the model with the champion.
    parameters : dict of str to Any
        What the report says of the training.
    evaluated : bool, default True
        Whether to do what comes after saving.

    Returns
    -------
    emulator : Emulator
    metrics : dict of str to float
        Empty without an evaluation.
    """
    progress, checkpoints = monitor.progress, monitor.checkpoints
    selected = progress.best_of(checkpoints.epochs())
    if gan is None or selected != progress.epoch:
        gan = checkpoints.gan(selected)
    calibrate(gan, last=True)
    path = Path(config.out) / MODEL
    with replacing(path) as partial:
        gan.save(partial)
    emulator = Emulator(gan, splits)
    if not evaluated:
        return emulator, {}
    _log.info("evaluating epoch %d on %d test maps", selected, len(splits.test))
    with _keeping(path):
        provenance = parameters | progress.rollback_record() | {"run_id": progress.run_id}
        evaluation = _evaluate(config, emulator, splits, progress, selected, provenance)
        _record(config, gan, evaluation, monitor)
    return emulator, dict(evaluation.metrics)


@contextlib.contextmanager
def _keeping(model: Path) -> Iterator[None]:
    """Add to an error where the trained model is, and how to go on."""
    try:
        yield
    except BaseException as error:
        error.add_note(
            f"the trained model is {model}; repeat the command with --resume to evaluate and "
            "register it"
        )
        raise


def _record(config: TrainConfig, gan: GAN, evaluation: Evaluation, monitor: EpochMonitor) -> None:
    """Write and log an evaluation, and register the model."""
    folder = Path(config.out)
    paths = [*write_evaluation(folder, evaluation), folder / SPLIT_FILE]
    if monitor.film and (film := monitor.film.write(monitor.progress.epoch)):
        paths.append(film)
    card = _card(gan, evaluation)
    registered = champion.register(
        gan,
        monitor.judge.score if monitor.judge else lambda _: None,
        model_name=config.model_name,
        alias=config.alias,
        card=card,
    )
    runs.log_evidence(
        evaluation.metrics, paths, description=card.description, model_id=registered.model_id
    )
    tags = {**card.tags, "training": f"complete after epoch {monitor.progress.epoch}"}
    if evaluation.warnings:
        tags["warnings"] = "\n".join(evaluation.warnings)[:_LONGEST_TAG]
    runs.log_tags(tags)
    if not config.quiet:
        print(summary(evaluation))
        print(registered.verdict)


def _card(gan: GAN, evaluation: Evaluation) -> ModelCard:
    """Return what MLflow shows of the model: how it was made, and what was measured."""
    comparison, made = evaluation.comparison, evaluation.provenance
    differing = [result.name for result in comparison.results if result.differs]
    epoch = int(evaluation.metrics["selected_epoch"])
    data = data_name(made)
    verdict, _, rest = markdown_summary(comparison, evaluation.metrics).partition("\n\n")
    origin = (
        f"Preset `{made['preset']}` on {made['backend']}, seed {made['seed']}; epoch {epoch} of "
        f"{made['epochs']}. Trained on {made['train_maps']} maps of `{data}`: {gan.pixels} pixels "
        f"of {gan.pixel_arcmin:g} arcmin."
    )
    tags = {
        "preset": made["preset"],
        "backend": made["backend"],
        "data": data,
        "differs": f"{len(differing)} of {len(comparison.results)}",
        "statistics_that_differ": ", ".join(differing) or "none",
    }
    return ModelCard("\n\n".join([verdict, origin, rest]), tags, epoch)


def _evaluate(
    config: TrainConfig,
    emulator: Emulator,
    splits: Splits,
    progress: Progress,
    selected: int,
    provenance: dict[str, Any],
) -> Evaluation:
    """Compare maps of the model with the test maps."""
    gan, test, seed = emulator.gan, splits.test, config.seed
    parameters = Sampler(gan).parameters_of(test)

    def drawn(by: Emulator) -> MapSet:
        return by.sample_maps(len(test), seed=TEST_SEED + seed, parameters=parameters)

    generated = drawn(emulator)
    evaluation = evaluate_maps(
        test,
        generated,
        training=splits.train,
        start=drawn(start) if (start := _calibrated_start(config)) else None,
        seed=seed,
        betti=bool(config.betti),
        map_calls=functools.partial(thread_map, quiet=config.quiet),
        provenance=provenance,
    )
    if config.classifier:
        result = classifier_test(test, generated, seed=seed)
        evaluation = evaluation.extended(metrics=classifier_metrics(result), overall=(result,))
    return evaluation.extended(
        metrics=learned_frechet(
            splits.train, test.kappa, generated.kappa, groups=test.map_id, seed=seed
        )
        | latent_smoothness(gan, seed=TEST_SEED + seed)
        | _training_metrics(progress, selected),
        figures=_training_figures(progress, selected, provenance["loss"]),
        numbers=_training_numbers(progress),
    )


def _calibrated_start(config: TrainConfig) -> Emulator | None:
    """Return the generator before its training, calibrated as after an epoch.

    What the training adds is then not confused with what the calibration does. A training that an
    earlier version began has no such file.
    """
    path = Path(config.out) / START
    if not path.exists():
        return None
    emulator = Emulator.load(path)
    calibrate(emulator.gan)
    return emulator


def _training_metrics(progress: Progress, selected: int) -> dict[str, float]:
    """Return the speed of the training, and which epoch was chosen with which score."""
    metrics = {
        "images_per_second": float(np.median(progress.column("images_per_second"))),
        "training_seconds": progress.seconds,
        "selected_epoch": selected,
        "last_epoch": progress.epoch,
    }
    scores = progress.column(SCORE)
    if np.isfinite(scores).any():
        metrics |= {
            "validation_score": scores[selected - 1],
            "validation_score_last_epoch": scores[-1],
            "pca_best_epoch": stopping_advice(progress.column("validation_pca_merit")).best_epoch,
        }
    return metrics


def _training_figures(progress: Progress, selected: int, loss: str) -> dict[str, Any]:
    """Return the figures of validation, losses and principal components by epoch."""
    drawn = {}
    scores, history = progress.column(SCORE), progress.columns()
    if np.isfinite(scores).any():
        distances = {name.removeprefix("validation_"): rows for name, rows in history.items()}
        drawn["validation"] = figures.validation_curves(distances, scores, selected)
    drawn["losses"] = figures.loss_curves(history, undecided=is_cross_entropy(loss))
    if progress.projections:
        panels = [
            (f"epoch {epoch}", np.array(real), np.array(fake))
            for epoch, real, fake in progress.projections
        ]
        drawn["pca"] = figures.pca_by_epoch(panels)
    return drawn


def _training_numbers(progress: Progress) -> dict[str, Table]:
    """Return the numbers of these figures: one row an epoch, or one a map and epoch."""
    columns = progress.columns()
    epochs = {"epoch": range(1, progress.epoch + 1)}
    numbers: dict[str, Table] = {
        "losses": epochs | {n: v for n, v in columns.items() if not n.startswith("validation_")},
        "validation": epochs | {n: v for n, v in columns.items() if n.startswith("validation_")},
    }
    if progress.projections:
        rows = [
            (epoch, name, *point)
            for epoch, *sets in progress.projections
            for name, points in zip(("real", "generated"), sets, strict=True)
            for point in points
        ]
        names = ("epoch", "set", "first_component", "second_component")
        numbers["pca"] = dict(zip(names, zip(*rows, strict=True), strict=True))
    return numbers
