"""Exchanges of independent units between two sets, for p-values."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import IntArray
from cosmogan_k3.statistics.two_sample.units import Units


@dataclass(frozen=True)
class Exchanges:
    """Assignments of rows to two sets, the true one first.

    Parameters
    ----------
    rows : int64 array (k,)
        Rows that take part, of the rows of both sets one after the other.
    memberships : bool array (assignments, k)
        True where a row belongs to the first set.
    smallest_pvalue : float
        Smallest p-value that these exchanges can give, however different the sets are.
    pairs : int64 array (k,), optional
        Pair of each row, if members of pairs are swapped: only tests of means are then valid.
    """

    rows: IntArray
    memberships: NDArray[np.bool_]
    smallest_pvalue: float
    pairs: IntArray | None = None


def draw_exchanges(
    first: Units, second: Units, *, permutations: int, rng: np.random.Generator
) -> Exchanges:
    """Draw exchanges under which two sets of the same kind stay two sets of the same kind.

    If all units have the same number of rows, whole units are assigned to the sets at random. The
    test is then exact.

    If not, as with patches of four maps against independent maps, a unit of one set is no unit of
    the other. The units of the set that has more of them are then collected into blocks, one block
    of about as many rows for each unit of the other set. Each exchange swaps some of these pairs.
    Under the null hypothesis the difference between the two members of a pair has mean zero, and
    its sign is random where its distribution is symmetric. This holds whatever the correlations
    inside a unit are. Rows in excess of the other member of the pair are left out.

    There are few exchanges of few units. All of them are taken once if they are no more than
    ``permutations`` + 1.

    Parameters
    ----------
    first, second : Units
        Of the rows of each set.
    permutations : int
        Number of random exchanges.
    rng : numpy.random.Generator
        Source of the exchanges.

    Returns
    -------
    Exchanges

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> maps, four = Units(256), Units(256, np.arange(256) // 64)
    >>> draw_exchanges(four, four, permutations=499, rng=rng).smallest_pvalue == 1 / 35
    True
    >>> draw_exchanges(four, maps, permutations=499, rng=rng).smallest_pvalue == 1 / 8
    True

    References
    ----------
    Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses: exchange of units, and of
    signs in matched pairs.
    """
    if len({*first.sizes.tolist(), *second.sizes.tolist()}) == 1:
        return _exchange_units(first, second, permutations, rng)
    return _swap_pairs(first, second, permutations, rng)


def _exchange_units(
    first: Units, second: Units, permutations: int, rng: np.random.Generator
) -> Exchanges:
    """Assign units of one size to the sets in all ways, or in random ones."""
    n, total = len(first), len(first) + len(second)
    observed = np.arange(total) < n
    distinct = math.comb(total, n)
    if distinct <= permutations + 1:
        chosen = np.array(list(itertools.combinations(range(total), n)))
        memberships = np.zeros((distinct, total), bool)
        np.put_along_axis(memberships, chosen, True, axis=1)
    else:
        random = (rng.permutation(observed) for _ in range(permutations))
        memberships = np.stack([observed, *random])
    unit_of_row = np.concatenate([first.index, n + second.index])
    # Two sets of one size can change places without a change of their distance.
    return Exchanges(
        np.arange(len(unit_of_row)),
        memberships.take(unit_of_row, axis=1),
        max(1 / len(memberships), (2 if 2 * n == total else 1) / distinct),
    )


def _swap_pairs(
    first: Units, second: Units, permutations: int, rng: np.random.Generator
) -> Exchanges:
    """Swap the members of pairs in all ways, or in random ones."""
    rows, pair_of_row = _pairs(first, second, rng)
    pairs = int(pair_of_row.max()) + 1
    if 2**pairs <= permutations + 1:
        swaps = np.array(list(itertools.product([False, True], repeat=pairs)))
    else:
        swaps = rng.random((permutations + 1, pairs)) < 0.5
        swaps[0] = False
    memberships = (rows < len(first.index)) ^ swaps.take(pair_of_row, axis=1)
    return Exchanges(rows, memberships, max(1 / len(swaps), 2 / 2**pairs), pair_of_row)


def _pairs(first: Units, second: Units, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Rows that take part, increasing, and the pair that each of them is in."""
    if len(first) <= len(second):
        pairs = [first.index, _collected(second, first, rng)]
    else:
        pairs = [_collected(first, second, rng), second.index]
    count = min(len(first), len(second))
    common = np.min([np.bincount(pair, minlength=count) for pair in pairs], axis=0)
    kept = np.concatenate([_first_rows(pair, common, rng) for pair in pairs])
    # A pair may be left without rows on one side.
    number = np.cumsum(common > 0) - 1
    return np.flatnonzero(kept), number[np.concatenate(pairs)[kept]]


def _collected(units: Units, blocks: Units, rng: np.random.Generator) -> IntArray:
    """Block of each row: units in random order, until a block has its fraction of the rows."""
    order = rng.permutation(len(units))
    sizes = units.sizes[order]
    middle = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    ends = np.cumsum(blocks.sizes) / blocks.sizes.sum()
    block = np.empty(len(units), np.int64)
    block[order] = np.minimum(np.searchsorted(ends, middle), len(blocks) - 1)
    return block[units.index]


def _first_rows(
    pair_of_row: IntArray, counts: IntArray, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Whether each row is among the first of its pair, in random order, ``counts`` of each pair."""
    order = rng.permutation(len(pair_of_row))
    by_pair = order[np.argsort(pair_of_row[order], kind="stable")]
    sizes = np.bincount(pair_of_row, minlength=len(counts))
    rank = np.empty(len(order), np.int64)
    rank[by_pair] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rank < counts[pair_of_row]
