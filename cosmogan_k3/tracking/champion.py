"""The champion of a registered model: the best of the versions that can be compared."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan import GAN
from cosmogan_k3.maps.io.tolerance import differ
from cosmogan_k3.tracking import registry
from cosmogan_k3.tracking.registry import ModelCard
from cosmogan_k3.tracking.runs import is_withheld
from cosmogan_k3.tracking.sender import UNAVAILABLE

_log = logging.getLogger(__name__)

CHAMPION, CHALLENGER = "champion", "challenger"

# Returns the validation score of a GAN, smaller is better; None if it cannot be compared.
Score = Callable[[GAN], float | None]


@dataclass(frozen=True)
class Registered:
    """What became of a model.

    Parameters
    ----------
    verdict : str
        The decision and its reason, as one line; empty if the model is not registered.
    model_id : str
        Of the logged model; empty if it is not logged.
    """

    verdict: str = ""
    model_id: str = ""


def register(
    gan: GAN,
    score_of: Score,
    *,
    model_name: str,
    alias: str = "",
    card: ModelCard | None = None,
) -> Registered:
    """Log a GAN to the active run, and register it as champion or challenger.

    It becomes the champion if there is none, or if it was trained on the same data for maps of the
    same size and has the better validation score. Both are scored now, on the same validation
    maps: a score that was recorded is one of other maps if the split had another seed. Test maps
    decide nothing, so that the champion's test metrics stay unbiased.

    Parameters
    ----------
    gan : GAN
    score_of : callable
        Returns the validation score of a GAN, smaller is better; None if it cannot be compared.
    model_name : str
        Of the registered model; empty to register none.
    alias : str
        Alias that the new version takes whatever its score; empty to compete for ``champion``.
    card : ModelCard, optional
        What MLflow shows of the model.

    Returns
    -------
    Registered
        Empty if MLflow does not answer; standard error then says so.

    Raises
    ------
    InputError
        If the registry cannot be read.
    """
    reason = "tracking is off or MLflow does not answer"
    if not is_withheld():
        try:
            _log.info("storing the model in MLflow%s", model_name and f" as {model_name}")
            return _register(gan, score_of, model_name, alias, card or ModelCard())
        except UNAVAILABLE as error:
            reason = one_line(error, 200)
    if model_name:
        print(
            f"{model_name}: not registered ({reason}); resume the complete training to register it",
            file=sys.stderr,
        )
    return Registered()


def _register(
    gan: GAN, score_of: Score, model_name: str, alias: str, card: ModelCard
) -> Registered:
    if not model_name:
        return Registered(model_id=registry.log_gan(gan, card=card).model_id)
    score = score_of(gan)
    chosen, reason = (
        (alias, "as asked for") if alias else _contest(gan, score, score_of, model_name)
    )
    if score is not None:
        card = replace(card, tags={**card.tags, "validation_score": f"{score:.6g}"})
    info = registry.log_gan(gan, registered_name=model_name, alias=chosen, card=card)
    version = info.registered_model_version
    advice = "" if chosen != CHALLENGER or alias else f"; the alias {CHAMPION} replaces it anyway"
    verdict = f"{model_name} version {version} is the {chosen}: {reason}{advice}"
    return Registered(verdict, info.model_id)


def _contest(gan: GAN, score: float | None, score_of: Score, name: str) -> tuple[str, str]:
    """Return the alias of a new version, and why."""
    present = registry.version_with_alias(name, CHAMPION)
    if present is None:
        return CHAMPION, "there was none before"
    holder = f"the champion (version {present.version})"
    try:
        rival = registry.load_gan(f"models:/{name}/{present.version}")
    except InputError as error:
        return CHALLENGER, f"{holder} cannot be loaded: {error}"
    data = rival.provenance.data_sha256 or registry.data_of_run(present.run_id)
    if difference := _difference(gan, rival, data):
        return CHALLENGER, f"{holder} {difference}"
    rival_score = None if score is None else score_of(rival)
    if score is None or rival_score is None:
        return CHALLENGER, f"it cannot be compared with {holder} on these validation maps"
    scores = f"validation score {score:.4f}, {holder} has {rival_score:.4f}"
    return (CHAMPION if score < rival_score else CHALLENGER), scores


def _difference(gan: GAN, rival: GAN, data: str) -> str:
    """Return why two GANs cannot be compared; empty if they can."""
    if gan.pixels != rival.pixels or differ(gan.pixel_arcmin, rival.pixel_arcmin):
        sizes = [f"{each.pixels} pixels of {each.pixel_arcmin:g} arcmin" for each in (rival, gan)]
        return f"draws maps of another size ({sizes[0]}, this model {sizes[1]})"
    names = [
        ", ".join(each.conditioning.names) if each.conditioning else "none" for each in (rival, gan)
    ]
    if names[0] != names[1]:
        return f"depends on other parameters ({names[0]}, this model {names[1]})"
    if not data:
        return "does not record its data"
    return "" if data == gan.provenance.data_sha256 else "was trained on other data"
