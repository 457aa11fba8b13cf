"""Connecting to a scheduler that is not there ends in one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from distributed import Client, system

from stentrans.errors import JobError
from stentrans.jobs import cluster


def test_absent_scheduler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT_S", 0.2)
    monkeypatch.setenv("STENTRANS_SCHEDULER", "tcp://127.0.0.1:1")
    with pytest.raises(JobError, match=r"tcp://127\.0\.0\.1:1 must answer"):
        cluster.connect()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.delenv("STENTRANS_SCHEDULER", raising=False)
    monkeypatch.setenv("STENTRANS_WORKER_MEMORY", "1GiB")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    opened = cluster.connect()
    yield opened
    own = opened.cluster
    opened.close()
    own.close()


def test_embedded_workers_have_a_process_per_job_on_loopback(client: Client) -> None:
    workers = client.scheduler_info()["workers"]
    assert len(workers) == cluster.JOBS_AT_ONCE
    assert all(address.startswith("tcp://127.0.0.1:") for address in workers)
    assert {worker["nthreads"] for worker in workers.values()} == {1}
    assert {worker["memory_limit"] for worker in workers.values()} == {2**30}
    assert len(set(client.run(os.getpid).values())) == cluster.JOBS_AT_ONCE


def test_embedded_workers_share_the_cores(client: Client) -> None:
    told = client.run(os.getenv, "OMP_NUM_THREADS")
    assert set(told.values()) == {"3"}


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="needs a system with priorities")
def test_pages_go_before_embedded_workers(client: Client) -> None:
    here = os.getpriority(os.PRIO_PROCESS, 0)
    told = client.run(os.getpriority, os.PRIO_PROCESS, 0)
    assert all(priority > here for priority in told.values())


@pytest.mark.parametrize(
    ("told", "each"),
    [("0.5", 0.25 * 2**35), ("4GiB", 4 * 2**30), ("4e9", 4e9), ("", 0.375 * 2**35)],
)
def test_share_of_the_memory_is_split_and_a_size_is_not(
    monkeypatch: pytest.MonkeyPatch, told: str, each: float
) -> None:
    monkeypatch.setattr(system, "MEMORY_LIMIT", 2**35)
    monkeypatch.setenv("STENTRANS_WORKER_MEMORY", told)
    assert cluster.embedded_memory() == each


def test_memory_that_is_no_size_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENTRANS_WORKER_MEMORY", "plenty")
    with pytest.raises(JobError, match=r"must be a size such as 4GiB .* got 'plenty'"):
        cluster.connect()


def test_two_apps_on_one_machine_do_not_meet() -> None:
    # A warning about a port in use would be an error here.
    clients = [cluster.connect(memory_limit="1GiB") for _ in range(2)]
    for client in clients:
        own = client.cluster
        client.close()
        own.close()
