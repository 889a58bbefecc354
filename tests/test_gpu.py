"""What is made for a card runs on a CPU, on tiny settings."""

import pytest

from tests.harness import run_python

pytestmark = pytest.mark.slow  # two processes


def test_the_page_of_a_card(tmp_path):
    page = tmp_path / "gpu.md"
    chosen = ["--small", "--backends", "torch", "--precisions", "bfloat16"]
    run_python("-m", "benchmarks.gpu", *chosen, "--out", page)
    text = page.read_text()
    assert "Not measured" not in text
    for name in ("images/s", "maps/s", "share of the matrix rate", "phases ms", "framework ms"):
        assert f"| {name} |" in text


def test_trainings_in_pieces_are_complete_and_leave_weights_and_a_table(tmp_path):
    chosen = ["--small", "--backend", "torch", "--out", tmp_path]
    first = run_python("-m", "benchmarks.card_trainings", *chosen, "--minutes", "0.05")
    assert "repeat the command" in first.stdout
    last = run_python("-m", "benchmarks.card_trainings", *chosen, "--minutes", "8")
    assert last.stdout.splitlines()[-1] == "complete"
    for name in ("best", "geogan"):
        assert (tmp_path / name / "run" / "model.keras").exists()
    assert "not complete" not in (tmp_path / "table.md").read_text()
