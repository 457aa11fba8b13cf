"""Where a section came from and how it was read, so that it can be read again another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stentrans.section import ReadOptions


@dataclass(frozen=True)
class Source:
    """What was handed over, and what was decided about it.

    Parameters
    ----------
    label
        The name the user knows it by.
    upload
        Name of the store's copy of uploaded files; empty for a path.
    path
        A place on the computer that runs the app; empty for an upload.
    options
        How it was read.
    """

    label: str
    upload: str = ""
    path: str = ""
    options: ReadOptions = field(default_factory=ReadOptions)

    def read_with(self, options: ReadOptions) -> Source:
        """Return the same files, read with other options."""
        return replace(self, options=options)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; `from_dict` is the inverse."""
        return {
            "label": self.label,
            "upload": self.upload,
            "path": self.path,
            "options": self.options.given(),
        }

    @classmethod
    def from_dict(cls, told: object) -> Source | None:
        """Rebuild a source from what `to_dict` gave; None where it is none."""
        if not isinstance(told, Mapping):
            return None
        try:
            texts = {name: str(told.get(name, "")) for name in ("label", "upload", "path")}
            return cls(**texts, options=ReadOptions.from_dict(told.get("options", {})))
        except (TypeError, ValueError, AttributeError):
            return None
