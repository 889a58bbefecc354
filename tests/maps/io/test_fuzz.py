"""A short version of ``benchmarks/fuzz_readers.py``, in this process."""

import pytest

from benchmarks import fuzz_readers


@pytest.mark.parametrize("ending", fuzz_readers.FORMATS)
def test_damaged_files_are_refused_or_read_right(tmp_path, ending):
    """Formats without checksums may return other maps; nothing else may happen."""
    originals = fuzz_readers.write_originals(tmp_path)[ending]
    whole = {path: fuzz_readers.read(path) for path in originals}
    for number in range(150):
        path, original = fuzz_readers.write_damaged(originals, number, tmp_path)
        found = fuzz_readers.outcome(path, whole[original], original.name)
        assert not found.startswith("failed"), (original.name, number, found)


def test_the_outcomes_are_told_apart(tmp_path):
    originals = fuzz_readers.write_originals(tmp_path)
    npy, npz = originals["npy"][1], originals["npz"][0]
    whole = fuzz_readers.read(npy)
    assert fuzz_readers.outcome(npy, whole, npy.name) == "unchanged"
    assert fuzz_readers.outcome(npy, (), npy.name) == "altered"
    assert fuzz_readers.outcome(npz, (), npz.name) == "failed: altered in spite of checksums"
    npy.write_bytes(npy.read_bytes()[:-1])
    assert fuzz_readers.outcome(npy, whole, npy.name) == "refused"
    assert fuzz_readers.outcome(None, whole, "none").startswith("failed: AttributeError")
