"""Scores are drawn as they are, with the ceiling beside them."""

from __future__ import annotations

import pandas as pd
import pytest

from stentrans.figures.scores import score_bars
from stentrans.figures.theme import LIGHT

FRAME = pd.DataFrame(
    {"name": ["stEnTrans", "linear"], "value": [0.4, -0.1], "is_chosen": [True, False]}
)


def test_bars_hold_the_scores_in_order() -> None:
    figure = score_bars(FRAME, ceiling=None, colours=LIGHT)
    assert list(figure.data[0].x) == [0.4, -0.1]
    assert list(figure.data[0].y) == ["stEnTrans", "linear"]
    assert list(figure.data[0].marker.color) == [LIGHT.accent, LIGHT.faint]


@pytest.mark.parametrize("ceiling", [None, 0.7])
def test_ceiling_is_a_line_where_it_is_known(ceiling: float | None) -> None:
    figure = score_bars(FRAME, ceiling=ceiling, colours=LIGHT)
    assert len(figure.layout.shapes) == (0 if ceiling is None else 1)
    assert figure.layout.xaxis.range[1] > max(0.4, ceiling or 0)
