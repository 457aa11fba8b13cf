"""A fresh app per test: its own store, empty caches, jobs in threads of this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event

import pytest
import streamlit as st
from distributed import Client, LocalCluster
from streamlit.testing.v1 import AppTest

from stentrans import section
from stentrans.app import cache, demo
from stentrans.jobs import Manager

APP = Path(__file__).resolve().parents[2] / "app.py"
TIMEOUT_S = 200.0  # the first neighbours of a new installation are compiled, a minute's work


def in_threads() -> Client:
    """A cluster without processes: quick to start, and no worker imports the test."""
    # Without an address Dask takes a fixed port, and warns where another test has it.
    nowhere = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    cluster = LocalCluster(
        n_workers=1, processes=False, dashboard_address=None, scheduler_kwargs=nowhere
    )
    return Client(cluster, set_as_default=False)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Give back what AppTest puts in its place: worker processes of later tests import it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def gate() -> Event:
    """No job starts before it is set."""
    opened = Event()
    opened.set()
    return opened


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Event) -> Iterator[Manager]:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(demo, "METHOD", "linear")
    monkeypatch.setattr(section, "simulate", partial(section.simulate, n_rows=14, n_cols=20))
    st.cache_resource.clear()
    st.cache_data.clear()

    def open_client() -> Client:
        gate.wait(TIMEOUT_S)
        return in_threads()

    jobs = Manager(cache.store(), open_client=open_client)
    monkeypatch.setattr(cache, "manager", lambda: jobs)
    yield jobs
    gate.set()
    jobs.close()
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def no_worker(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs wait for ever: nothing is launched, so that nothing has to end."""
    monkeypatch.setattr(manager, "_start", lambda run: None)


@pytest.fixture
def app(manager: Manager) -> AppTest:
    return AppTest.from_file(str(APP), default_timeout=TIMEOUT_S)


@pytest.fixture
def finish(manager: Manager) -> Callable[[], None]:
    """Wait until every job that was submitted is over, those that follow included."""

    def wait_for_test(test: str) -> None:
        with manager._changed:
            manager._changed.wait_for(lambda: test in manager._jobs, TIMEOUT_S)
        manager.wait(test, timeout_s=TIMEOUT_S)

    def wait() -> None:
        for job in manager.jobs():
            manager.wait(job.run.id, timeout_s=TIMEOUT_S)
            if job.run.work == "enhance":
                wait_for_test(job.run.holdout().id)

    return wait
