"""Many sections on a lab's cluster: each by itself, none lost, none computed twice."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import anndata as ad
import pytest

import stentrans
from stentrans.__main__ import main
from stentrans.cli import cohort
from stentrans.jobs import Manager
from stentrans.jobs.work import DoRun
from stentrans.store import Store

pytestmark = pytest.mark.slow
N_SECTIONS = 8


def when_told(flag: Path) -> DoRun:
    """Do the work as always, but only once the flag is there."""
    place = str(flag)

    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        from pathlib import Path
        from threading import Event

        from stentrans.jobs.work import do_run
        from stentrans.methods.base import Progress, report

        tick = Event()
        while not Path(place).exists():
            tick.wait(0.02)
            report(on_progress, Progress("waiting", 0.0))
        return do_run(run, store, on_progress)

    return do


@pytest.fixture
def sections(tmp_path: Path) -> list[Path]:
    """Files of small sections, and one that is none among them."""
    files = [tmp_path / f"section{seed}.h5ad" for seed in range(N_SECTIONS)]
    for seed, file in enumerate(files):
        stentrans.simulate(n_rows=9, n_cols=10, seed=seed).write_h5ad(file)
    broken = tmp_path / "broken.h5ad"
    broken.write_bytes(b"nothing of ours")
    return [*files[:3], broken, *files[3:]]


def kill_when_all_work(
    monkeypatch: pytest.MonkeyPatch, worker: subprocess.Popen[bytes], flag: Path, n_workers: int
) -> None:
    """Kill a worker as soon as every worker has a section in hand, then let the rest finish."""
    draw = cohort.Cohort._draw

    def drawn(self: cohort.Cohort, **options: Any) -> None:
        # "waiting" alone is a section that no worker has yet.
        if sum(line == "  0% waiting" for line in self.lines.values()) == n_workers:
            worker.kill()
            flag.touch()
        draw(self, **options)

    monkeypatch.setattr(cohort.Cohort, "_draw", drawn)
    monkeypatch.setattr(cohort, "Manager", partial(Manager, do=when_told(flag)))


def test_two_workers_share_a_cohort_and_a_killed_one_loses_nothing(
    lab: Any,
    sections: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STENTRANS_SCHEDULER", lab.address)
    workers = [lab.add_worker() for _ in range(2)]
    lab.wait_for_workers(2)
    kill_when_all_work(monkeypatch, workers[0], tmp_path / "flag", 2)
    asked = ["enhance", *map(str, sections), "--method", "linear", "-o"]
    assert main([*asked, str(tmp_path / "out")]) == 2
    assert workers[0].wait() != 0
    told = capsys.readouterr()
    assert re.search(r"broken\.h5ad +failed: ", told.err)
    assert told.out.count("sites (") == N_SECTIONS
    written = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in written] == [
        f"section{seed}_linear_x2.h5ad" for seed in range(N_SECTIONS)
    ]
    made = {name: Store().about("runs", name)["made_at"] for name in Store().names("runs")}
    assert len(made) == N_SECTIONS
    # Nobody is there to compute: what was finished is taken from the store.
    lab.close()
    assert main([*asked, str(tmp_path / "again")]) == 2
    assert {name: Store().about("runs", name)["made_at"] for name in made} == made
    for file in written:
        assert (ad.read_h5ad(tmp_path / "again" / file.name).X == ad.read_h5ad(file).X).all()
