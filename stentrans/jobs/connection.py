"""The line to Dask: opened on first use, opened again when it broke."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from distributed import Client, Event, Future

from stentrans.jobs.cluster import embedded_memory, is_embedded
from stentrans.jobs.listener import TOPIC, enough_event_name

ANSWER_WITHIN_S = 2
Hear = Callable[[tuple[float, Any]], None]


class Connection:
    """A Dask client that is there when it is needed.

    Parameters
    ----------
    open_client
        Returns a client; called on first use, and again after the scheduler was lost.
    hear
        Gets every report of a worker, with its time, in the client's own thread.
    """

    def __init__(self, open_client: Callable[[], Client], hear: Hear) -> None:
        self._open_client, self._hear = open_client, hear
        self._client: Client | None = None
        self._lock = Lock()

    def submit(
        self, key: str, priority: int, function: Callable[..., Any], *given: Any
    ) -> Future[Any]:
        """Hand over work; may start a cluster, which takes seconds.

        Raises
        ------
        JobError
            If there is no scheduler, and none can be started.
        """
        with self._lock:
            if self._client is not None and self._client.status != "running":
                self._close()
            if self._client is None:
                self._client = self._open_client()
                self._client.subscribe_topic(TOPIC, self._hear)
            client = self._client
        return client.submit(function, *given, key=key, pure=False, priority=priority)

    def ask_for_enough(self, key: str) -> None:
        """Ask an attempt to end with what it has."""
        with self._lock:
            if self._client is not None:
                Event(enough_event_name(key), client=self._client).set()

    def workers(self) -> dict[str, dict[str, Any]] | None:
        """Return what the scheduler knows of its workers by address; None if it does not answer."""
        client = self._client
        if client is None or client.status != "running":
            return None
        try:
            # Not `scheduler_info`, which waits for as long as it takes: a page may be waiting.
            scheduler: Any = client.scheduler
            wait = {"callback_timeout": ANSWER_WITHIN_S}
            found = client.sync(scheduler.identity, n_workers=-1, **wait)
        except (OSError, TimeoutError):
            return None
        return dict(found["workers"])

    def memory_limit(self) -> int | None:
        """Bytes that the largest worker may hold; None while nobody knows."""
        workers = self.workers()
        if workers:
            return max(int(worker["memory_limit"] or 0) for worker in workers.values()) or None
        return embedded_memory() if is_embedded() else None

    def died_of_memory(self, address: str) -> dict[str, Any] | None:
        """Return what was noted when a worker was ended for holding too much; None if it was not.

        Its ``rss`` is what it held, in bytes.
        """
        client = self._client
        if client is None or client.status != "running":
            return None
        events = client.get_events("worker-restart-memory")
        found = [event for _, event in events if event["worker"] == address]
        return found[-1] if found else None

    def drop(self) -> None:
        """Forget a scheduler that is gone, so that the next work opens another line."""
        with self._lock:
            self._close()

    def close(self) -> None:
        """End the line, and with it an embedded cluster."""
        self.drop()

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        cluster = client.cluster
        client.close(timeout=2)
        if cluster is not None:
            cluster.close()
