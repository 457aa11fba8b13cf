"""A listener can stop work in the middle of a stage, or end learning with what is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anndata as ad
import numpy as np
import pytest

import stentrans
from stentrans.errors import Cancelled
from stentrans.methods import progress
from stentrans.methods.progress import ENOUGH, Progress, listening, pulse, report, within

SETTINGS: dict[str, dict[str, int]] = {
    "stentrans": {"steps": 20, "tasks": 4},
    "paper": {"patch": 2, "heads": 4, "epochs": 2, "depth": 1, "batch": 64},
}
"""As little training as shows what is asked here."""


@pytest.fixture
def section() -> ad.AnnData:
    return stentrans.simulate(lattice="hexagonal", n_rows=12, n_cols=20)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A clock on which a second passes whenever it is looked at."""
    clock = iter(range(1_000_000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    return clock


class Once:
    """Answers with ``reply`` from the first report of a stage on."""

    def __init__(self, stage: str, reply: Any, *, after: int = 0) -> None:
        self.stage, self.reply, self.after, self.heard = stage, reply, after, 0

    def __call__(self, told: Progress) -> Any:
        self.heard += told.stage == self.stage
        return self.reply if self.heard > self.after else None


def test_pulse_repeats_the_latest_report(seconds: Any) -> None:
    told: list[Progress] = []
    with listening():
        report(told.append, Progress("one", 0.1))
        report(told.append, Progress("two", 0.2))
        pulse()
    assert [(one.stage, one.fraction) for one in told[1:]] == [("two", 0.2)] * 2


def test_pulse_stops_the_work_when_the_listener_says_so(seconds: Any) -> None:
    replies = iter([None, False])
    with listening():
        report(lambda told: next(replies), Progress("kriging", 0.3))
        with pytest.raises(Cancelled, match="at 30% \\(kriging\\)"):
            pulse()


def test_pulse_is_not_heard_outside_the_block(seconds: Any) -> None:
    told: list[Progress] = []
    report(told.append, Progress("before", 0.1))
    pulse()
    with listening():
        report(told.append, Progress("within", 0.2))
    pulse()
    assert [one.stage for one in told] == ["before", "within"]


def test_pulses_tell_how_far_a_stage_has_come_and_never_go_back(seconds: Any) -> None:
    told: list[Progress] = []
    with listening():
        report(told.append, Progress("predicting", 0.5, until=1.0))
        with within(0.0, 0.5):
            pulse(0.4)
            pulse(0.0)
        with within(0.5, 1.0), within(0.0, 0.5):
            pulse(1.0)
        pulse(0.5)
        report(told.append, Progress("another", 0.9))
        with within(0.0, 0.5):
            pulse(0.5)
    fractions = [round(one.fraction, 3) for one in told]
    assert fractions == [0.5, 0.6, 0.6, 0.875, 0.875, 0.9, 0.9]


@pytest.mark.parametrize("method", ["prior", "stentrans"])
def test_prediction_tells_how_far_it_has_come(
    section: ad.AnnData, method: str, seconds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("stentrans", "averaged_kriging", "local_kriging"):
        monkeypatch.setattr(f"stentrans.methods.{module}._SITES_PER_CHUNK", 100)
    heard: list[Progress] = []
    stentrans.enhance(section, method=method, on_progress=heard.append, **SETTINGS.get(method, {}))
    predicting = [one.fraction for one in heard if one.stage == "predicting"]
    assert len(set(predicting)) > 5
    assert predicting == sorted(predicting)
    assert predicting[-1] < 1.0


def test_pulses_do_not_crowd() -> None:
    told: list[Progress] = []
    with listening():
        report(told.append, Progress("one", 0.1))
        for _ in range(1000):
            pulse()
    assert len(told) < 100


@pytest.mark.parametrize("method", ["stentrans", "lowrank_kriging", "kriging", "linear"])
def test_every_report_is_a_chance_to_stop_between_two_stages(
    section: ad.AnnData, method: str, seconds: Any
) -> None:
    heard: list[Progress] = []
    stentrans.enhance(section, method=method, on_progress=heard.append, **SETTINGS.get(method, {}))
    stages = list(dict.fromkeys(one.stage for one in heard))
    # Work within stages is heard of, too: more reports than stages.
    assert len(heard) > len(stages) + 2
    fractions = [one.fraction for one in heard]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("after", [0, 2, 6], ids=["at once", "in the first", "in the second"])
def test_training_that_is_enough_gives_a_valid_enhancement(section: ad.AnnData, after: int) -> None:
    listen = Once("training", ENOUGH, after=after)
    result = stentrans.enhance(section, on_progress=listen, **SETTINGS["stentrans"])
    assert result.stopped_early.startswith("after ")
    assert result.provenance["stopped_early"] == result.provenance["fit"]["stopped_early"]
    values = result.expression(list(result.genes[:5]))
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert values.std() > 0
    # The same place to stop gives the same numbers: the words tell all.
    listen = Once("training", ENOUGH, after=after)
    again = stentrans.enhance(section, on_progress=listen, **SETTINGS["stentrans"])
    assert again.stopped_early == result.stopped_early
    np.testing.assert_array_equal(again.expression(list(result.genes[:5])), values)


def test_enough_before_training_leaves_the_correction_by_likeness(section: ad.AnnData) -> None:
    result = stentrans.enhance(section, on_progress=Once("looking at unseen spots", ENOUGH))
    assert result.stopped_early == "before the first of 4 networks"
    kernel = stentrans.enhance(section, method="kernel")
    genes = list(result.genes[:5])
    np.testing.assert_allclose(result.expression(genes), kernel.expression(genes), rtol=1e-5)


def test_image_network_stops_where_it_is(section: ad.AnnData) -> None:
    listen = Once("training", ENOUGH, after=2)
    result = stentrans.enhance(section, method="paper", on_progress=listen, **SETTINGS["paper"])
    assert result.stopped_early.startswith("after 2 of ")
    assert np.isfinite(result.expression(list(result.genes[:3]))).all()


@pytest.mark.parametrize("method", ["stentrans", "linear"])
def test_whole_run_is_not_called_stopped(section: ad.AnnData, method: str) -> None:
    # A method that learns nothing step by step goes on to its end.
    reply = ENOUGH if method == "linear" else None
    settings = SETTINGS.get(method, {})
    result = stentrans.enhance(section, method=method, on_progress=lambda told: reply, **settings)
    assert result.stopped_early == ""
    assert "stopped_early" not in result.provenance


@pytest.mark.parametrize("method", ["stentrans", "prior", "paper"])
def test_preview_shows_a_gene_at_every_spot_before_the_fit_is_done(
    section: ad.AnnData, method: str
) -> None:
    shown: list[np.ndarray] = []

    def listen(told: Progress) -> None:
        if told.preview is not None and told.fraction < 0.9:
            found = told.preview(3)
            assert found is not None
            shown.append(found)

    settings = SETTINGS.get(method, {})
    result = stentrans.enhance(section, method=method, on_progress=listen, **settings)
    assert {values.shape for values in shown} == {(section.n_obs,)}
    assert np.isfinite(shown[-1]).all()
    is_spot = (result.sites["origin"] == "measured").to_numpy()
    there = result.expression([result.genes[3]], "composition")[is_spot, 0]
    assert np.corrcoef(shown[-1], there)[0, 1] > 0.5
    if method != "prior":
        assert not np.array_equal(shown[0], shown[-1])


def test_preview_of_a_gene_that_is_hardly_seen_is_none(section: ad.AnnData) -> None:
    counts = section.X.tolil()
    counts[:, 3] = 0
    counts[0, 3] = 1
    section.X = counts.tocsr()
    previews: list[Any] = []

    def listen(told: Progress) -> None:
        if told.preview is not None:
            previews.append(told.preview(3))

    stentrans.enhance(section, method="prior", on_progress=listen)
    assert set(previews) == {None}
