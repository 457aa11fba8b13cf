"""Errors that a person reads: what must hold, what was given, what to do."""

from __future__ import annotations


class StentransError(Exception):
    """Base of every error raised on purpose; its text is one sentence for a person."""


class ParameterError(StentransError, ValueError):
    """A setting or argument is outside what is allowed."""


class ShapeError(StentransError, ValueError):
    """Two arrays that belong together do not fit together."""


class SectionFormatError(StentransError, ValueError):
    """A file or an AnnData is not a usable section.

    Parameters
    ----------
    message
        The sentence shown to the user.
    code
        Refusal code of the loader (``"R3"``), or None where no code exists.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class MissingKeyError(StentransError, KeyError):
    """A name (gene, column, method) that was asked for does not exist."""

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        return str(self.args[0])


class StoreError(StentransError):
    """A saved section or run cannot be written or read."""


class DamageError(StoreError):
    """A stored entry is not as it was written; it was removed and has to be made again."""


class JobError(StentransError):
    """A job cannot be started or followed."""


class FetchError(StentransError):
    """Something cannot be fetched from the internet."""


class Cancelled(StentransError):
    """The caller asked for the work to stop."""
