"""Connecting to a scheduler that is not there ends in one sentence."""

from __future__ import annotations

import pytest

from stentrans.errors import JobError
from stentrans.jobs import cluster


def test_absent_scheduler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT_S", 0.2)
    monkeypatch.setenv("STENTRANS_SCHEDULER", "tcp://127.0.0.1:1")
    with pytest.raises(JobError, match=r"tcp://127\.0\.0\.1:1 must answer"):
        cluster.connect()


def test_embedded_worker_is_one_process_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STENTRANS_SCHEDULER", raising=False)
    client = cluster.connect(memory_limit="1GiB")
    workers = client.scheduler_info()["workers"]
    assert len(workers) == 1
    assert all(address.startswith("tcp://127.0.0.1:") for address in workers)
    assert next(iter(workers.values()))["nthreads"] == cluster.JOBS_AT_ONCE
    own = client.cluster
    client.close()
    own.close()


def test_two_apps_on_one_machine_do_not_meet() -> None:
    # A warning about a port in use would be an error here.
    clients = [cluster.connect(memory_limit="1GiB") for _ in range(2)]
    for client in clients:
        own = client.cluster
        client.close()
        own.close()
