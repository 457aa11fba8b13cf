"""Where jobs run: a worker process of our own, or a lab's cluster."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import os

from distributed import Client, LocalCluster

from stentrans.errors import JobError

SCHEDULER_VARIABLE = "STENTRANS_SCHEDULER"
MEMORY_VARIABLE = "STENTRANS_WORKER_MEMORY"
CONNECT_TIMEOUT_S = 20
JOBS_AT_ONCE = 2
"""So that a short job need not wait for a long one; they share the memory of one process."""


def connect(scheduler: str | None = None, *, memory_limit: str | float = 0.75) -> Client:
    """Return a Dask client.

    Parameters
    ----------
    scheduler
        Address of a running scheduler; None for ``$STENTRANS_SCHEDULER``, else an embedded
        cluster: one worker process, reachable from this machine only.
    memory_limit
        Of the embedded worker: a size ("4GiB") or a share of this machine's memory; a job that
        needs more dies alone. ``$STENTRANS_WORKER_MEMORY`` goes first.

    Raises
    ------
    JobError
        If the scheduler does not answer.
    """
    address = scheduler or os.environ.get(SCHEDULER_VARIABLE)
    if address:
        try:
            return Client(address, timeout=CONNECT_TIMEOUT_S)
        except (OSError, ValueError) as error:
            raise JobError(
                f"The scheduler at {address} must answer; it did not ({error}). Check "
                f"{SCHEDULER_VARIABLE}, or unset it to compute on this machine."
            ) from error
    try:
        return Client(_embedded(os.environ.get(MEMORY_VARIABLE, memory_limit)))
    except (OSError, RuntimeError) as error:
        raise JobError(
            f"A worker process must be able to start on this machine; it was not ({error}). "
            "Free some memory and start the run again."
        ) from error


def _embedded(memory_limit: str | float) -> LocalCluster:
    """Start the cluster of one worker process."""
    threads = str(os.cpu_count() or 1)
    return LocalCluster(
        n_workers=1,
        threads_per_worker=JOBS_AT_ONCE,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=memory_limit,
        silence_logs=logging.ERROR,
        scheduler_kwargs={
            # A job that takes its worker down would do so again.
            "allowed_failures": 0,
            # Without a dashboard Dask still serves its health page, by default at one fixed port.
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",
        },
        # Dask's own default is one thread, for many workers per machine; here is only one.
        env=dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        | {"OPENBLAS_NUM_THREADS": threads},
    )
