"""Progress of one fit as a part of many."""

from __future__ import annotations

import pytest

from stentrans.errors import Cancelled
from stentrans.evaluation import compare
from stentrans.evaluation.parts import part_of
from stentrans.methods.base import Progress


def test_part_is_told_as_a_share_of_the_whole():
    told = []
    part_of(told.append, "linear", start=0.5, share=0.25)(Progress("fitting", 0.4, loss=1.0))
    assert told == [Progress("linear: fitting", pytest.approx(0.6), loss=1.0)]


def test_nobody_may_listen():
    assert part_of(None, "linear", start=0.0, share=1.0)(Progress("fitting", 0.4)) is None


def test_comparison_reports_forwards_to_the_end(section):
    told = []
    compare(section, methods=("linear", "nearest"), repeats=2, on_progress=told.append)
    shares = [progress.fraction for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "nearest, hold-out 2" in told[-2].stage


def test_comparison_is_cancelled_on_request(section):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        compare(section, methods=("linear",), on_progress=lambda progress: False)
