"""Many sections on the cluster: one table of progress, each section by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from stentrans.errors import StentransError
from stentrans.jobs import Job, Manager
from stentrans.jobs.kinds import load
from stentrans.store import Run, Store

if TYPE_CHECKING:
    from anndata import AnnData

LOOK_EVERY_S = 0.25
TELL_EVERY_S = 5.0


class Cohort:
    """Sections that are enhanced side by side, each written when it is done.

    Parameters
    ----------
    paths
        Where the sections are, each once.
    read
        Reads a section.
    run_for
        Makes the run of a section from the section and its id.
    write
        Writes the result of the section at a path and says in one line what it wrote.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        read: Callable[[Path], AnnData],
        run_for: Callable[[AnnData, str], Run],
        write: Callable[[Any, Path], str],
    ) -> None:
        self.paths, self.read, self.run_for, self.write = paths, read, run_for, write
        self.store = Store()
        self.lines: dict[Path, str] = dict.fromkeys(paths, "waiting")
        self.failed: list[Path] = []
        self.is_terminal = sys.stderr.isatty()
        self.drawn, self.told_at = 0, float("-inf")

    def run(self) -> bool:
        """Enhance all sections; True if none failed. What is in the store is read from there."""
        manager = Manager(self.store, is_tested_after=False)
        try:
            waiting = {}
            for path in self.paths:
                if (run := self._submitted(path, manager)) is not None:
                    waiting[path] = run
            while waiting:
                for path, run in list(waiting.items()):
                    job = manager.follow(run.id)
                    if job is not None and job.is_over:
                        del waiting[path]
                        self._finish(path, job)
                    elif job is not None:
                        self.lines[path] = _line(job)
                self._draw()
                sleep(LOOK_EVERY_S if waiting else 0)
        finally:
            manager.close()
        self._draw(is_last=True)
        return not self.failed

    def _submitted(self, path: Path, manager: Manager) -> Run | None:
        """Read a section and hand over its run; None if it is refused."""
        try:
            section = self.read(path)
            name = self.store.put_section(section, about={"label": path.name})
            run = self.run_for(section, name)
            manager.submit(run)
        except StentransError as error:
            self._fail(path, str(error))
            return None
        return run

    def _finish(self, path: Path, job: Job) -> None:
        """Write what is finished, or say why there is nothing to write."""
        if job.state != "finished":
            self._fail(path, job.sentence)
            return
        try:
            result = load(job.run, self.store.open("runs", job.run.id))
            self.lines[path] = "done"
            sys.stdout.write(self.write(result, path) + "\n")
            sys.stdout.flush()
        except StentransError as error:
            self._fail(path, str(error))

    def _fail(self, path: Path, sentence: str) -> None:
        self.failed.append(path)
        self.lines[path] = f"failed: {' '.join(sentence.split())}"

    def _draw(self, *, is_last: bool = False) -> None:
        """Show the table: in place on a terminal, elsewhere now and then."""
        if not (self.is_terminal or is_last or monotonic() - self.told_at >= TELL_EVERY_S):
            return
        self.told_at = monotonic()
        # As given: many sections are folders of the same name, such as "outs".
        width = max(len(str(path)) for path in self.lines)
        up = f"\033[{self.drawn}A" if self.is_terminal and self.drawn else ""
        rows = [f"{path!s:<{width}}  {line}" for path, line in self.lines.items()]
        start = "\033[K" if self.is_terminal else ""
        sys.stderr.write(up + "".join(f"{start}{row}\n" for row in rows))
        sys.stderr.flush()
        self.drawn = len(rows)


def _line(job: Job) -> str:
    return "waiting" if job.state == "queued" else f"{job.fraction:4.0%} {job.stage}"
