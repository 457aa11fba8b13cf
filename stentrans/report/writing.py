"""Write a report as a file: a page or slides, by the end of its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType
from typing import Final

from stentrans.errors import ParameterError, StoreError
from stentrans.methods.base import OnProgress
from stentrans.report.story import Story

Make = Callable[[Story, OnProgress | None], bytes]


def _page(story: Story, on_progress: OnProgress | None) -> bytes:
    from stentrans.report.html import html_report

    return html_report(story, on_progress).encode("utf-8")


def _slides(story: Story, on_progress: OnProgress | None) -> bytes:
    from stentrans.report.slides import slides

    return slides(story, on_progress)


KINDS: Final = MappingProxyType({".html": _page, ".pptx": _slides})
"""What makes the content of a file, by the end of its name."""


def check_report_name(path: Path) -> None:
    """Raise ParameterError unless a report can have this name, before anything is computed."""
    if path.suffix.lower() not in KINDS:
        raise ParameterError(
            f"A report must be written to a file that ends in {' or '.join(KINDS)}; got "
            f"{path.name!r}. Change the end of the name."
        )
    if path.is_dir():
        raise ParameterError(f"A report must be written to a file; {path} is a folder.")


def write_report(story: Story, path: str | Path, on_progress: OnProgress | None = None) -> None:
    """Write a report as one file that needs nothing else: ``.html``, or ``.pptx`` for slides.

    Parameters
    ----------
    story
        What is told; `stentrans.report.story.story_of` makes it.
    path
        The file; under its name it is complete, or it is what was there before.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Raises
    ------
    ParameterError
        If the name ends in neither.
    StoreError
        If the file cannot be written.
    Cancelled
        If ``on_progress`` returned False; nothing is left behind.
    """
    target = Path(path)
    check_report_name(target)
    content = KINDS[target.suffix.lower()](story, on_progress)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            unfinished = Path(file.name)
            try:
                file.write(content)
                file.close()
                unfinished.chmod(0o666 & ~_umask())
                unfinished.replace(target)
            finally:
                with suppress(OSError):
                    unfinished.unlink()
    except OSError as error:
        raise StoreError(
            f"{target} could not be written ({error.strerror or error}). Choose another folder or "
            "free some space; nothing was changed."
        ) from error


def _umask() -> int:
    """What this process leaves out of the rights of a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
