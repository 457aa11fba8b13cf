"""Every kind of work can be computed, saved and read back by what its line names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import pytest

from stentrans.errors import Cancelled, MissingKeyError, StoreError
from stentrans.jobs import KINDS, Manager
from stentrans.jobs.kinds import compute, load
from stentrans.jobs.work import do_run
from stentrans.section import check_section, simulate
from stentrans.store import Run, Store

TOLD: dict[str, dict[str, Any]] = {
    "evaluate": {
        "methods": ["linear", "nearest"],
        "protocol": "scattered",
        "repeats": 1,
        "published": False,
    },
    "scores": {"methods": ["linear", "nearest"], "protocol": "scattered", "repeats": 1},
    "reveal": {"hidden": list(range(10)), "rivals": ["nearest"], "method_settings": []},
    "fill": {"lost": [[2, 6], [2, 8], [2, 10], [1, 7], [1, 9]], "repeats": 1},
    "markers": {"region": list(range(12)), "test": "t-test"},
}
"""What a kind of work must be told beside a method."""


@pytest.mark.parametrize("work", sorted(KINDS))
def test_result_of_every_kind_is_kept_and_read_back(
    work: str, tmp_path: Path, hexagonal_section: ad.AnnData
) -> None:
    store = Store(tmp_path)
    section = store.put_section(check_section(hexagonal_section))
    run = Run.of(work, section, method="linear", **TOLD.get(work, {}))
    if KINDS[work].needs == "run":
        source = Run(section, method="linear")
        do_run(source, store, lambda progress: None)
        run = source.export(".h5ad", genes=["GENE2"], scale="log", layers=[])
    if KINDS[work].needs == "evidence":
        source = Run(section, method="linear")
        for needed in (source, source.holdout()):
            do_run(needed, store, lambda progress: None)
        run = Run.of(work, section, source=source.id)
    if KINDS[work].needs == "lists":
        section = store.put_section(simulate(n_rows=12, n_cols=14))
        source = Run.of("patterns", section)
        do_run(source, store, lambda progress: None)
        run = Run.of(work, section, source=source.id, which="variable", other=section)
    stages: list[str] = []
    do_run(run, store, lambda progress: stages.append(progress.stage))
    assert stages
    assert store.run(run.id) == run
    assert load(run, store.open("runs", run.id)) is not None


def test_settings_of_the_method_reach_the_test_on_hidden_spots(
    hexagonal_section: ad.AnnData,
) -> None:
    run = Run(section="s", method="lowrank_kriging", settings=(("rank", 2),))
    tested: Any = compute(hexagonal_section, run.holdout(), lambda progress: None)
    assert {fold.prediction.factors.shape[1] for fold in tested.folds} == {2}


def test_unknown_kind_of_work_is_refused(tmp_path: Path) -> None:
    manager = Manager(Store(tmp_path))
    with pytest.raises(MissingKeyError, match=r"one of enhance, holdout.*; got 'knitting'"):
        manager.submit(Run(section="s", work="knitting"))
    manager.close()


def test_export_of_a_result_that_is_gone_is_refused(tmp_path: Path) -> None:
    run = Run("0" * 32, method="linear").export(".h5ad", genes=None, scale="log", layers=[])
    with pytest.raises(StoreError, match=r"is not in the store\. Enhance the section again"):
        do_run(run, Store(tmp_path), lambda progress: None)


def test_cancelled_export_leaves_nothing(tmp_path: Path, hexagonal_section: ad.AnnData) -> None:
    store = Store(tmp_path)
    source = Run(store.put_section(check_section(hexagonal_section)), method="linear")
    do_run(source, store, lambda progress: None)
    run = source.export(".h5ad", genes=None, scale="log", layers=["sd"])
    with pytest.raises(Cancelled):
        do_run(run, store, lambda progress: progress.stage != "checking")
    assert not store.has("runs", run.id)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_pathways_of_patterns_that_are_gone_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    section = store.put_section(simulate(n_rows=12, n_cols=14))
    run = Run.of("pathways", section, source="0" * 32, which="variable")
    with pytest.raises(StoreError, match=r"Look for patterns again"):
        do_run(run, store, lambda progress: None)
