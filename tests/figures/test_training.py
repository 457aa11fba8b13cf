"""The loss curve shows what was reported."""

from __future__ import annotations

import pandas as pd

from stentrans.figures.theme import DARK
from stentrans.figures.training import loss_curve


def test_loss_is_drawn_against_time() -> None:
    frame = pd.DataFrame({"elapsed_s": [0.0, 1.0], "loss": [2.0, 1.5]})
    figure = loss_curve(frame, colours=DARK)
    assert list(figure.data[0].y) == [2.0, 1.5]
    assert figure.layout.xaxis.title.text == "time (s)"
    assert figure.layout.yaxis.title.text == "training loss"


def test_no_report_yet_is_an_empty_curve() -> None:
    figure = loss_curve(pd.DataFrame({"elapsed_s": [], "loss": []}), colours=DARK)
    assert len(figure.data[0].x) == 0
