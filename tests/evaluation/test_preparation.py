"""What is known of a hold-out before a method runs."""

from __future__ import annotations

import numpy as np
import pytest

import stentrans
from stentrans.errors import ParameterError


def test_permutation_moves_spots_and_loses_none(hold_out):
    permuted = hold_out.permuted(np.random.default_rng(0)).seen.toarray()
    seen = hold_out.seen.toarray()
    assert not np.array_equal(permuted, seen)
    np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(seen, axis=0))


def test_hold_out_that_keeps_too_few_spots_is_refused(square_section):
    with pytest.raises(ParameterError, match=r"must keep at least 30 spots .* keeps 12 spots"):
        stentrans.evaluate(square_section, methods=("nearest",), repeats=1)
