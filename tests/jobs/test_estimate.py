"""What a run is expected to cost, and the refusal of one that cannot fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from stentrans.jobs import Manager
from stentrans.jobs.cluster import MEMORY_VARIABLE
from stentrans.jobs.estimate import Size, estimate, expected
from stentrans.store import Run, Store

SMALL, MIDDLE, LARGE = "1" * 32, "2" * 32, "3" * 32


def write_little(folder: Path) -> None:
    (folder / "values.txt").write_text("1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Sections of three sizes, known by their notes alone."""
    store = Store(tmp_path)
    for name, spots in ((SMALL, 300), (MIDDLE, 3_000), (LARGE, 400_000)):
        about = {"spots": spots, "genes": 4_000, "counts": spots * 1_000}
        store.put("sections", name, write_little, about=about)
    return store


def finished_in(store: Store, run: Run, seconds: float) -> None:
    store.put_run(run, write_little, about={"seconds": seconds})


MEASURED = {
    ("linear", 300): 0.07,
    ("linear", 3_000): 0.4,
    ("lowrank_kriging", 300): 0.2,
    ("lowrank_kriging", 3_000): 2.7,
    ("kriging", 300): 0.2,
    ("kriging", 3_000): 0.9,
    ("prior", 300): 1.8,
    ("prior", 3_000): 11.3,
    ("kernel", 300): 2.1,
    ("kernel", 3_000): 11.2,
    ("stentrans", 300): 5.0,
    ("stentrans", 3_000): 16.9,
}
"""Seconds of fit and prediction on one core, 4,000 genes."""


@pytest.mark.parametrize(("method", "spots"), MEASURED)
def test_estimate_is_within_twice_what_was_measured(method: str, spots: int) -> None:
    around = 1.5
    cost = estimate(Run("s", method=method), Size(spots, 4_000, spots * 1_000))
    assert cost is not None
    measured = MEASURED[method, spots] + around
    assert measured / 2 < cost.seconds < measured * 2


def test_more_genes_sites_steps_and_folds_take_longer() -> None:
    size, many = Size(1_000, 2_000, 10**6), Size(1_000, 20_000, 10**7)
    run = Run("s")
    seconds = [
        estimate(one, of).seconds  # type: ignore[union-attr]
        for one, of in (
            (run, size),
            (run, many),
            (Run("s", factor=4), size),
            (Run("s", settings=(("steps", 400),)), size),
            (run.holdout(), size),
        )
    ]
    assert all(longer > seconds[0] for longer in seconds[1:])
    assert estimate(Run.of("patterns", "s"), size) is None


@pytest.mark.parametrize("setting", ["epochs", "depth"])
@pytest.mark.parametrize("method", ["paper", "dist"])
def test_larger_and_longer_networks_are_estimated_to_take_longer(method: str, setting: str) -> None:
    size = Size(1_000, 2_000, 10**6)
    few, many = (
        estimate(Run("s", method=method, settings=((setting, value),)), size) for value in (2, 20)
    )
    assert few is not None
    assert many is not None
    assert many.seconds > 5 * few.seconds


def test_slow_machine_is_learned_from_its_own_runs(store: Store) -> None:
    run = Run(MIDDLE, method="kernel")
    alone = expected(run, store)
    assert alone is not None
    finished_in(store, Run(MIDDLE, method="kernel", seed=1), 3 * alone.seconds)
    finished_in(store, Run(MIDDLE, method="linear"), 1.0)
    finished_in(store, Run(MIDDLE, method="kernel").holdout(), 1.0)
    learned = expected(run, store)
    assert learned is not None
    assert learned.seconds == pytest.approx(3 * alone.seconds)
    assert learned.memory == alone.memory
    other = expected(Run(MIDDLE, method="prior"), store)
    assert other == estimate(Run(MIDDLE, method="prior"), Size(3_000, 4_000, 3_000_000))


@pytest.mark.parametrize("about", [{}, {"seconds": "long"}, {"seconds": 0}])
def test_run_whose_time_nobody_noted_teaches_nothing(
    store: Store, about: dict[str, object]
) -> None:
    run = Run(MIDDLE, method="kernel")
    alone = expected(run, store)
    store.put_run(Run(MIDDLE, method="kernel", seed=1), write_little, about=about)
    assert expected(run, store) == alone


def test_short_runs_teach_nothing(store: Store) -> None:
    run = Run(MIDDLE, method="linear")
    alone = expected(run, store)
    finished_in(store, Run(MIDDLE, method="linear", seed=1), 0.3)
    assert expected(run, store) == alone


def test_runs_of_the_closest_size_count(store: Store) -> None:
    run = Run(MIDDLE, method="kernel")
    alone = expected(run, store)
    assert alone is not None
    for seed in range(1, 4):
        small = Run(SMALL, method="kernel", seed=seed)
        of_small = estimate(small, Size(300, 4_000, 300_000))
        assert of_small is not None
        finished_in(store, Run(MIDDLE, method="kernel", seed=seed), 2 * alone.seconds)
        finished_in(store, small, 10 * of_small.seconds)
    learned = expected(run, store)
    assert learned is not None
    assert learned.seconds == pytest.approx(2 * alone.seconds)


def test_run_that_cannot_fit_is_refused_in_one_sentence_before_any_worker_starts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "2GB")
    monkeypatch.delenv("STENTRANS_SCHEDULER", raising=False)
    manager = Manager(store, open_client=lambda: pytest.fail("no worker is needed"))
    assert manager.refusal_of(Run(MIDDLE)) is None
    job = manager.submit(Run(LARGE))
    assert job.state == "failed"
    assert job.sentence == (
        "A run must fit into the memory of its worker; this one needs about 21.1 GB and the "
        f"worker may use 2.0 GB. Choose a smaller factor, or give workers more memory "
        f"({MEMORY_VARIABLE})."
    )
    manager.close()


def test_section_that_is_not_there_is_not_guessed_at(store: Store) -> None:
    assert expected(Run("4" * 32), store) is None
