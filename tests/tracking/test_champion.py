"""The champion: a version takes the alias only from one that it can be compared with and beats."""

from dataclasses import replace

import mlflow
import numpy as np
import pytest

from cosmogan_k3.gan import build_gan
from cosmogan_k3.gan.provenance import Provenance
from cosmogan_k3.maps import Conditioning, MapSet
from cosmogan_k3.tracking import champion, registry, runs
from cosmogan_k3.tracking.registry import ModelCard
from cosmogan_k3.training.epoch_judge import EpochJudge

pytestmark = pytest.mark.backend

CONDITIONING = Conditioning(("a",), (0.0,), (1.0,), (-1.0,), (1.0,))


def a_gan(data="data", **options):
    options = {"pixels": 16, "pixel_arcmin": 3.0} | options
    gan = build_gan("tiny", **options)
    gan.provenance = replace(gan.provenance, data_sha256=data)
    return gan


@pytest.fixture
def rivals(monkeypatch):
    """Fill the place of the registry with versions and their aliases; nothing is saved."""
    versions, aliases = [], {}

    class Info:
        registered_model_version = property(lambda self: len(versions))
        model_id = property(lambda self: f"m-{len(versions)}")

    class Version:
        def __init__(self, version):
            self.version, self.run_id = version, f"run {version}"

    def log_gan(gan, *, registered_name, alias, card):
        versions.append({"gan": gan, "tags": card.tags})
        aliases[alias] = len(versions)
        return Info()

    monkeypatch.setattr(registry, "log_gan", log_gan)
    monkeypatch.setattr(
        registry,
        "version_with_alias",
        lambda name, alias: Version(aliases[alias]) if alias in aliases else None,
    )
    monkeypatch.setattr(
        registry, "load_gan", lambda uri: versions[int(uri.rsplit("/", 1)[1]) - 1]["gan"]
    )
    monkeypatch.setattr(registry, "data_of_run", lambda run_id: "old data")
    return versions, aliases


def register(gan, scores, **options):
    """Register a GAN; ``scores`` has the score of each. Return the verdict."""
    return champion.register(gan, scores.get, model_name="maps", **options).verdict


def test_only_a_better_model_takes_the_alias(rivals):
    versions, aliases = rivals
    first, worse, better = a_gan(), a_gan(), a_gan()
    scores = {first: 0.2, worse: 0.3, better: 0.1}
    assert register(first, scores) == "maps version 1 is the champion: there was none before"
    assert register(worse, scores) == (
        "maps version 2 is the challenger: validation score 0.3000, the champion (version 1) has "
        "0.2000; the alias champion replaces it anyway"
    )
    assert aliases == {"champion": 1, "challenger": 2}
    assert "is the champion: validation score 0.1000" in register(better, scores)
    assert aliases["champion"] == 3
    assert versions[2]["tags"] == {"validation_score": "0.1"}
    assert "challenger" in register(first, scores | {first: 0.1}), "a tie"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"pixels": 8}, "draws maps of another size (16 pixels of 3 arcmin, this model 8 pixels"),
        ({"pixel_arcmin": 3.1}, "draws maps of another size"),
        ({"conditioning": CONDITIONING}, "depends on other parameters (none, this model a)"),
        ({"data": "other"}, "was trained on other data"),
    ],
)
def test_a_model_of_other_maps_is_a_challenger_whatever_its_score(rivals, options, reason):
    first, other = a_gan(), a_gan(**options)
    scores = {first: 9.0, other: 0.0}
    register(first, scores)
    verdict = register(other, scores)
    assert verdict.startswith("maps version 2 is the challenger: the champion (version 1) ")
    assert reason in verdict
    assert rivals[1] == {"champion": 1, "challenger": 2}


def test_an_alias_that_is_given_is_taken(rivals):
    first, other = a_gan(), a_gan("other")
    register(first, {})
    assert register(other, {}, alias="champion") == ("maps version 2 is the champion: as asked for")
    assert rivals[1] == {"champion": 2}


def test_without_scores_there_is_nothing_to_compare(rivals):
    register(a_gan(), {})
    assert "it cannot be compared with the champion" in register(a_gan(), {})


def test_the_data_of_an_old_champion_are_those_of_its_run(rivals, monkeypatch):
    old = a_gan()
    old.provenance = Provenance()
    new = a_gan("old data")
    register(old, {})
    assert "is the champion: validation" in register(new, {old: 2.0, new: 1.0})
    assert "was trained on other data" in register(old, {})
    monkeypatch.setattr(registry, "data_of_run", lambda run_id: "")
    register(old, {}, alias="champion")
    assert "does not record its data" in register(new, {})


def test_a_registered_model_competes_with_the_version_in_the_registry():
    maps = np.random.default_rng(0).lognormal(sigma=0.3, size=(12, 16, 16)).astype("float32")
    score = EpochJudge(MapSet(maps, 3.0)).score
    gan = a_gan()
    assert score(a_gan(pixels=8)) is None
    with runs.training_run("run", {"data_fingerprint": "data"}) as run:
        logged = champion.register(gan, score, model_name="")
        assert logged.verdict == ""
        assert mlflow.MlflowClient().get_logged_model(logged.model_id).source_run_id == run.run_id
        card = ModelCard("**found**" + 5000 * "x", {"preset": "tiny"}, epoch=2)
        first = champion.register(gan, score, model_name="maps", card=card)
        assert "there was none before" in first.verdict
        again = champion.register(gan, score, model_name="maps").verdict
    found = score(gan)
    assert f"score {found:.4f}, the champion (version 1) has {found:.4f}" in again
    version = registry.version_with_alias("maps", "challenger")
    assert version.tags["validation_score"] == f"{found:.6g}"
    best = registry.version_with_alias("maps", "champion")
    assert int(best.version) == 1
    assert best.description.startswith("**found**")
    assert len(best.description) == 5000, "all that a database of MLflow holds"
    assert best.tags == {"preset": "tiny", "validation_score": f"{found:.6g}"}
    model = mlflow.MlflowClient().get_logged_model(first.model_id)
    assert model.params["pixel_arcmin"] == "3.0"
    assert "maps@champion" in mlflow.MlflowClient().get_registered_model("maps").description
    assert registry.data_of_run(run.run_id) == "data"
    assert registry.data_of_run("none") == registry.data_of_run("") == ""
