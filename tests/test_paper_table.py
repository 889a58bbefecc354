"""The table of mlflow_projects/paper, from folders of complete and incomplete runs."""

import json

import numpy as np
import pytest

from cosmogan_k3.training.progress import SCORE
from tests.conftest import ROOT

TEST_METRICS = {
    **{"ks_histogram_pvalue": 0.98, "ks_histogram_pvalue_null": 0.99},
    **{"ks_pixels_distance": 0.02, "ks_pixels_distance_null": 0.004, "ks_pixels_pvalue": 0.001},
    **{"power_spectrum_error_mean": 0.2, "power_spectrum_error_mean_null": 0.05},
    **{"duplicate_rate": 0.25, "effective_share": 0.5},
    **{"train_maps": 2400, "validation_maps": 400, "test_maps": 1200},
}


@pytest.fixture
def claims(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "mlflow_projects" / "paper"))
    import claims

    return claims


def write_run(folder, scores, *, merits=None, total=9, metrics=None, failure=""):
    checkpoint = folder / "checkpoints" / f"epoch-{len(scores):04d}"
    checkpoint.mkdir(parents=True)
    epochs = [
        {
            SCORE: score,
            "validation_pca_merit": merit,
            "validation_pca_distance": 2.0,
            "validation_power_spectrum_error_mean": 0.1,
            "validation_power_spectrum_error_mean_null": 0.05,
            "validation_ks_pixels_distance": 0.03,
            "validation_ks_pixels_distance_null": 0.004,
            "validation_diversity": 0.7,
            "generator_loss": 1.0,
            "discriminator_loss": 0.5,
        }
        for score, merit in zip(scores, merits or scores, strict=True)
    ]
    progress = {"epochs": epochs, "identity": {"epochs": total}}
    (checkpoint / "progress.json").write_text(json.dumps(progress))
    if metrics:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    if failure:
        (folder / "failure.txt").write_text(f"{failure}\n")
    (folder.parent / "settings.json").write_text(json.dumps({"width": 0.0625, "data": ""}))


def rows(folder, claim):
    """The cells of a claim's rows, each from the run on."""
    lines = [line[2:-2].split(" | ") for line in (folder / "table.md").read_text().splitlines()]
    first = next(i for i, line in enumerate(lines) if claim in line[0])
    last = next(i for i in range(first + 1, len(lines)) if lines[i][0] or len(lines[i]) == 1)
    return [line[1:] for line in lines[first:last]]


def test_a_row_says_how_far_its_run_is(claims, tmp_path):
    write_run(tmp_path / "geogan-0", [3.0, 2.0, 2.5], total=40)
    write_run(tmp_path / "cosmogan-1", [1.0, 1.5], total=2, metrics=TEST_METRICS)
    write_run(tmp_path / "best-0", [1.0], failure="Training diverged\nin epoch 2")
    claims.write_table(tmp_path)
    assert rows(tmp_path, "0.989") == [
        ["`geogan`, seed 0", "–", "3 of 40"],
        ["`cosmogan`, seed 1", "p = 0.980 (0.990)", "2"],
        ["`rodriguez`", "–", "not begun"],
        ["`rodriguez_wgan`", "–", "not begun"],
        ["`best`, seed 0", "–", "1 of 9, then: Training diverged in epoch 2"],
    ]
    assert rows(tmp_path, "more stable")[0] == ["`geogan`, seed 0", "–", "3 of 40"]
    partial, complete, *_ = (measured for _, measured, _ in rows(tmp_path, "earlier systems"))
    assert partial == (
        "score 2.00 (0); validation maps: \\|ΔP/P\\| 0.100 (0.050), pixel KS 0.0300 (0.0040)"
    )
    assert complete == (
        "score 1.00 (0); test maps: \\|ΔP/P\\| 0.200 (0.050), pixel KS 0.0200 (0.0040)"
    )
    table = (tmp_path / "table.md").read_text()
    assert "width 0.0625" in table
    assert "2,400 training, 400 validation and 1,200 test maps" in table


def test_stability_is_worst_over_median_of_the_last_third(claims, tmp_path):
    write_run(tmp_path / "geogan-0", [5.0] * 6 + [0.0, np.log(2.0), 0.0])
    claims.write_table(tmp_path)
    assert rows(tmp_path, "more stable")[0][1:] == ["e^score: 2.00; \\|ΔP/P\\|: 1.00", "9 of 9"]


def test_the_advice_of_the_pca_is_ranked_by_the_score(claims, tmp_path):
    write_run(tmp_path / "geogan-0", [4.0, 3.0, 2.0, 1.0], merits=[9.0, 1.0, 5.0, 5.0])
    claims.write_table(tmp_path)
    expected = "at epochs 1, 2, 3, 4; advises epoch 2 of score 3.00, rank 3; best epoch 4, score 1"
    assert expected in rows(tmp_path, "when to stop")[0][1]


def test_a_folder_without_runs_is_refused(claims, tmp_path, capsys):
    assert claims.main(["--out", str(tmp_path)]) == 2
    assert "holds no runs" in capsys.readouterr().err
