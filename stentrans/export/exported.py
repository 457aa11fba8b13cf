"""Files that a job makes of an enhancement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stentrans.export.formats import write
from stentrans.methods.base import OnProgress, Scale

if TYPE_CHECKING:
    from stentrans.enhancement import Enhancement

STEM: Final = "result"
"""Files have this name in the store and get the section's when they are handed out."""


@dataclass(frozen=True, eq=False)
class Order:
    """A file to be written where it is kept; see `stentrans.export.write`.

    Parameters
    ----------
    enhancement, genes, scale, layers, on_progress
        As there.
    suffix
        End of the file's name.
    """

    enhancement: Enhancement
    suffix: str
    genes: Sequence[str] | None
    scale: Scale
    layers: Sequence[str]
    on_progress: OnProgress

    def save(self, folder: Path) -> None:
        """Write it into an empty folder; only here, as it may be larger than the memory."""
        write(
            self.enhancement,
            folder / f"{STEM}{self.suffix}",
            self.genes,
            scale=self.scale,
            layers=self.layers,
            on_progress=self.on_progress,
        )


@dataclass(frozen=True)
class Exported:
    """What `Order` wrote.

    Parameters
    ----------
    files
        The file, and what belongs to it.
    """

    files: tuple[Path, ...]

    @classmethod
    def load(cls, folder: Path) -> Exported:
        """Find the files in their folder."""
        return cls(tuple(sorted(folder.glob(f"{STEM}*"))))
