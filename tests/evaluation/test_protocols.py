"""What is hidden, and that it stays hidden."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ParameterError
from stentrans.evaluation.protocols import PROTOCOLS, splits
from stentrans.lattice import fit_lattice


def test_phases_of_thinning_keep_every_spot_once(square_counts, square_array):
    lattice = fit_lattice(square_array)
    kept = [split.kept for split in splits(square_counts, lattice, "thinning", 4, 0)]
    assert sorted(np.concatenate(kept)) == list(range(len(square_array)))
    assert (square_array[kept[0]] % 2 == 0).all()


def test_fifths_hide_every_spot_once(square_counts, square_array):
    lattice = fit_lattice(square_array)
    hidden = [split.hidden for split in splits(square_counts, lattice, "scattered", 5, 0)]
    assert sorted(np.concatenate(hidden)) == list(range(len(square_array)))


def test_hole_is_one_round_piece(square_counts, square_array):
    lattice = fit_lattice(square_array)
    (split,) = splits(square_counts, lattice, "holes", 1, 0)
    at = square_array[split.hidden]
    assert len(at) == 4
    assert np.ptp(at, axis=0).max() <= 2


def test_halves_add_up_to_the_counts(square_counts, square_array):
    (split,) = splits(square_counts, fit_lattice(square_array), "counts", 1, 0)
    np.testing.assert_array_equal((split.seen + split.truth).toarray(), square_counts.toarray())
    assert split.seen.sum() == pytest.approx(square_counts.sum() / 2, rel=0.1)


@pytest.mark.parametrize("protocol", ["thinning", "scattered", "holes"])
def test_seen_and_hidden_are_apart(square_counts, square_array, protocol):
    for split in splits(square_counts, fit_lattice(square_array), protocol, 2, 0):
        assert not set(split.kept) & set(split.hidden)
        np.testing.assert_array_equal(split.seen.toarray(), square_counts[split.kept].toarray())


def test_more_phases_than_there_are_is_refused(square_counts, square_array):
    with pytest.raises(ParameterError, match="repeats must be at most 4"):
        splits(square_counts, fit_lattice(square_array), "thinning", 5, 0)


def test_every_protocol_says_what_it_hides():
    assert set(PROTOCOLS) == {"thinning", "scattered", "holes", "counts"}
    assert all(PROTOCOLS.values())
