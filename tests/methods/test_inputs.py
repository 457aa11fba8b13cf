"""Checks and normalisation that all methods share."""

from __future__ import annotations

import pytest

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import fit_lattice
from stentrans.methods.inputs import (
    check_counts,
    check_positions,
    check_settings,
)


@pytest.mark.parametrize("allowed", [(), ("rank", "depth")], ids=["none", "some"])
def test_unknown_setting_names_the_allowed_ones(allowed):
    known = "no settings" if not allowed else "the settings depth, rank"
    with pytest.raises(ParameterError, match=f"The method linear takes {known}; got 'a', 'b'"):
        check_settings("linear", {"a": 1, "b": 2}, allowed)


def test_negative_counts_are_refused(square_counts, square_array):
    square_counts.data[0] = -1
    with pytest.raises(ParameterError, match="not negative"):
        check_counts(square_counts, fit_lattice(square_array))


def test_counts_of_other_spots_are_refused(square_counts, square_array):
    with pytest.raises(ShapeError, match=r"one row per measured spot \(42\); got shape \(41, 12\)"):
        check_counts(square_counts[:41], fit_lattice(square_array))


def test_positions_must_be_pairs():
    with pytest.raises(ShapeError, match=r"\(n_sites, 2\); got \(3,\)"):
        check_positions([1.0, 2.0, 3.0])
