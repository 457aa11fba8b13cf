"""Where jobs run: worker processes of our own, or a lab's cluster."""

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
"""So that a short job need not wait for a long one.

Each has a process of its own: torch's random generator and number of threads belong to the whole
process, so that two jobs in one would change each other's numbers.
"""


def connect(scheduler: str | None = None, *, memory_limit: str | float = 0.75) -> Client:
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
    """Start a cluster of single-threaded worker processes, one per job at once."""
    # Together they have the cores of this machine, so that two jobs do not fight for them.
    threads = str(max(1, (os.cpu_count() or 1) // JOBS_AT_ONCE))
    return LocalCluster(
        n_workers=JOBS_AT_ONCE,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=_for_each(memory_limit),
        silence_logs=logging.ERROR,
        scheduler_kwargs={
            # A job that takes its worker down would do so again.
            "allowed_failures": 0,
            # Without a dashboard Dask still serves its health page, by default at one fixed port.
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",
        },
        # Dask's own default is one thread, for as many workers as cores; here are fewer.
        env=dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        | {"OPENBLAS_NUM_THREADS": threads},
    )


def _for_each(memory_limit: str | float) -> str | float:
    """Split a share of the machine between the workers; a size holds for each as it is."""
    try:
        share = float(memory_limit)
    except ValueError:
        return memory_limit
    return share / JOBS_AT_ONCE if share <= 1 else memory_limit
