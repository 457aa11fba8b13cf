"""A lab's cluster: a scheduler and workers as processes of their own, on this machine only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 120


class Lab:
    """Started as the README says, and ended by `close`, each process by itself."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.open()

    def open(self) -> None:
        """Start the scheduler, at the same address as before."""
        port = self.address.rpartition(":")[2]
        self.scheduler = self._started("scheduler", "--port", port)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        return self._started("worker", self.address, "--nthreads", "1", "--no-nanny")

    def wait_for_workers(self, number: int) -> None:
        """Wait until so many workers have come."""
        with Client(self.address, timeout=STARTS_WITHIN_S, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=STARTS_WITHIN_S)

    def close(self) -> None:
        """End every process that is left."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _started(self, *words: str) -> subprocess.Popen[bytes]:
        local = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words, *local],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process


@pytest.fixture
def lab() -> Iterator[Lab]:
    opened = Lab()
    yield opened
    opened.close()
