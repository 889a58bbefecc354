"""Mutated model files are refused in one line; ``benchmarks/fuzz_models.py`` has a thousand."""

from collections import Counter

import pytest

from benchmarks import fuzz_models
from cosmogan_k3.emulator import Emulator
from tests.gan.tiny_gan import tiny_gan


@pytest.mark.slow
def test_mutants_are_refused_or_draw_the_same_maps(tmp_path):
    tiny_gan().save(tmp_path / "whole.keras")
    data = (tmp_path / "whole.keras").read_bytes()
    expected = Emulator.load(tmp_path / "whole.keras").sample(1)
    counts = {}
    for number in range(24):
        kind, mutant = fuzz_models.mutant(data, number)
        (tmp_path / "mutant.keras").write_bytes(mutant)
        found = fuzz_models.outcome(tmp_path / "mutant.keras", expected)
        counts.setdefault(kind, Counter())[found] += 1
    for kind, found in counts.items():
        # Without SHA-256 nothing tells an edited number from another model's.
        allowed = {"refused", "same"} | ({"other maps"} if kind.endswith("none") else set())
        assert set(found) <= allowed, kind
        # What an edit without a SHA-256 hits depends on the layout of the file; a cut is certain.
        if kind.startswith("cut") or (kind.startswith("edited") and kind.endswith("SHA-256")):
            assert set(found) == {"refused"}, kind
