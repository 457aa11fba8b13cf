"""Progress of a fit on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stentrans.methods.base import Progress

if TYPE_CHECKING:
    from stentrans.section.public import Fetching


class ProgressLines:
    """Listens to a fit: one line that moves on a terminal, a line per tenth elsewhere.

    Parameters
    ----------
    title
        What is being worked on, at the start of every line.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._moves = sys.stderr.isatty()
        self._shown: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, progress: Progress) -> None:
        """Show ``progress`` if it differs enough from what was shown last."""
        tenth = round(progress.fraction * 100) // 10
        if not self._moves and self._shown == (progress.stage, tenth):
            return
        self._shown = (progress.stage, tenth)
        line = f"{self._title}: {progress.fraction:4.0%} {progress.stage}"
        sys.stderr.write(f"\r\033[K{line}" if self._moves else f"{line}\n")
        sys.stderr.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._moves and self._shown is not None:
            sys.stderr.write("\n")


class DownloadLines:
    """Listens to a download: one line that moves on a terminal, a line per file elsewhere."""

    def __init__(self) -> None:
        self._moves = sys.stderr.isatty()
        self._file = ""

    def __enter__(self) -> Self:
        return self

    def __call__(self, told: Fetching) -> None:
        """Show how much of a file is there."""
        if not self._moves and told.file == self._file:
            return
        self._file = told.file
        of = "" if told.total is None else f" of {told.total / 1e6:.1f}"
        line = f"{told.file}: {told.done / 1e6:.1f}{of} MB"
        sys.stderr.write(f"\r\033[K{line}" if self._moves else f"{line}\n")
        sys.stderr.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._moves and self._file:
            sys.stderr.write("\n")
