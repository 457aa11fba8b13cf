"""Where jobs run: worker processes of our own, or a lab's cluster."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import os

from distributed import Client, LocalCluster
from distributed.worker_memory import parse_memory_limit

from stentrans.errors import JobError

SCHEDULER_VARIABLE = "STENTRANS_SCHEDULER"
MEMORY_VARIABLE = "STENTRANS_WORKER_MEMORY"
CONNECT_TIMEOUT_S = 8
JOBS_AT_ONCE = 2
"""So that a short job need not wait for a long one.

Each has a process of its own: torch's random generator and number of threads belong to the whole
process, so that two jobs in one would change each other's numbers.
"""
SHARE_OF_MEMORY = 0.75
SILENT_S = 60
"""A worker that does not even say that it lives for so long is given up."""


def connect(scheduler: str | None = None, *, memory_limit: str | float = SHARE_OF_MEMORY) -> Client:
    """Return a Dask client.

    Parameters
    ----------
    scheduler
        Address of a running scheduler; None for ``$STENTRANS_SCHEDULER``, else an embedded
        cluster: one worker process per job at once, reachable from this machine only.
    memory_limit
        Of the embedded workers: a size for each ("4GiB"), or the share of this machine's memory
        that all of them have together; a job that needs more dies alone.
        ``$STENTRANS_WORKER_MEMORY`` goes first.

    Raises
    ------
    JobError
        If the scheduler does not answer.
    """
    address = scheduler or os.environ.get(SCHEDULER_VARIABLE)
    if address:
        try:
            return Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise JobError(
                f"The scheduler at {address} must answer; it did not ({error}). Check "
                f"{SCHEDULER_VARIABLE}, or unset it to compute on this machine."
            ) from error
    try:
        return Client(_embedded(embedded_memory(memory_limit)), set_as_default=False)
    except (OSError, RuntimeError) as error:
        raise JobError(
            f"A worker process must be able to start on this machine; it was not ({error}). "
            "Free some memory and start the run again."
        ) from error


def is_embedded() -> bool:
    """Say whether jobs run on this machine, in worker processes of our own."""
    return not os.environ.get(SCHEDULER_VARIABLE)


def embedded_memory(memory_limit: str | float = SHARE_OF_MEMORY) -> int:
    """Bytes that each embedded worker may hold; see `connect`.

    Raises
    ------
    JobError
        If ``$STENTRANS_WORKER_MEMORY`` is neither a size nor a share.
    """
    told = os.environ.get(MEMORY_VARIABLE) or memory_limit
    try:
        limit = parse_memory_limit(told, 1, logger=logging.getLogger(__name__))
    except ValueError as error:
        raise JobError(
            f"{MEMORY_VARIABLE} must be a size such as 4GiB or a share of the memory such as 0.5; "
            f"got {told!r}."
        ) from error
    return (limit or 0) // (JOBS_AT_ONCE if _is_share(told) else 1)


def _is_share(told: str | float) -> bool:
    try:
        return float(told) <= 1
    except ValueError:
        return False


def _embedded(memory_limit: int) -> LocalCluster:
    """Start a cluster of single-threaded worker processes, one per job at once."""
    # Together they have the cores of this machine, so that two jobs do not fight for them.
    threads = str(max(1, (os.cpu_count() or 1) // JOBS_AT_ONCE))
    return LocalCluster(
        n_workers=JOBS_AT_ONCE,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=memory_limit,
        silence_logs=logging.ERROR,
        preload=["stentrans.jobs.courteous"],
        scheduler_kwargs={
            # A job that takes its worker down would do so again.
            "allowed_failures": 0,
            "worker_ttl": f"{SILENT_S}s",
            # Without a dashboard Dask still serves its health page, by default at one fixed port.
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",
        },
        # Dask's own default is one thread, for as many workers as cores; here are fewer.
        env=dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        | {"OPENBLAS_NUM_THREADS": threads},
    )
