"""A run is named after everything that its result depends on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from stentrans.errors import StoreError
from stentrans.store import Run


def test_run_id_follows_every_setting() -> None:
    run = Run(section="s")
    others = [
        replace(run, seed=1),
        replace(run, factor=3),
        replace(run, method="linear"),
        replace(run, fill_gaps=False),
        replace(run, device="cpu"),
        replace(run, settings=(("rank", 5),)),
        replace(run, work="evaluate"),
        run.holdout(),
    ]
    assert len({run.id, *(other.id for other in others)}) == len(others) + 1
    assert Run(section="s").id == run.id


def test_order_of_the_settings_plays_no_part() -> None:
    one = Run(section="s", settings=(("rank", 5), ("steps", 9)))
    other = Run(section="s", settings=(("steps", 9), ("rank", 5)))
    assert one.id == other.id


def test_holdout_does_not_depend_on_the_factor() -> None:
    assert Run(section="s", factor=2).holdout() == Run(section="s", factor=4).holdout()


def test_run_of_another_kind_survives_json() -> None:
    run = Run.of("reveal", "s", seed=3, method="linear", hidden=[4, 2], lines=[[1, 2]])
    assert (run.work, run.method, run.seed) == ("reveal", "linear", 3)
    assert dict(run.settings) == {"hidden": (4, 2), "lines": ((1, 2),)}
    back = Run.from_dict(json.loads(json.dumps(run.to_dict())))
    assert back == run
    assert hash(back) == hash(run)
    assert back.id == run.id


@pytest.mark.parametrize(
    "told", [{"section": "s", "foreign": 1}, {}, {"section": "s", "settings": 1}]
)
def test_foreign_run_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(StoreError, match="must be one that this version wrote"):
        Run.from_dict(told)


def test_every_wish_for_a_file_is_a_run_of_its_own() -> None:
    run = Run("a" * 32)
    wishes = [
        run.export(suffix, genes=genes, scale=scale, layers=layers)
        for suffix in (".h5ad", ".csv")
        for genes in (None, ["A"], ["B"])
        for scale in ("log", "counts")
        for layers in ([], ["sd"])
    ]
    assert len({one.id for one in [run, *wishes]}) == 25
    again = [Run.from_dict(json.loads(json.dumps(one.to_dict()))) for one in wishes]
    assert again == wishes
