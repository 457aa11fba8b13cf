"""Bars of what was found, hollow ones beside them for permuted spots."""

from __future__ import annotations

import pandas as pd

from stentrans.figures.patterns import WAYS, counted_bars
from stentrans.figures.theme import DARK, LIGHT


def test_every_kind_has_its_bars_and_those_of_nothing():
    table = pd.DataFrame(
        {
            "kind": ["variable genes", "domains"],
            **{way: [10 + i, 3] for i, way in enumerate(WAYS)},
            **{f"{way}_null": [i, 2] for i, way in enumerate(WAYS)},
        }
    )
    for colours in (LIGHT, DARK):
        figure = counted_bars(table, colours=colours)
        assert [list(trace.x) for trace in figure.data] == [
            [10, 11, 12, 13, 14],
            [0, 1, 2, 3, 4],
            [3] * 5,
            [2] * 5,
        ]
        assert figure.data[0].marker.color == colours.accent
        assert figure.data[1].marker.color == "rgba(0,0,0,0)"
