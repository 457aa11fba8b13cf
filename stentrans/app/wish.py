"""What a user wants in a file."""

from __future__ import annotations

from dataclasses import dataclass

from stentrans import export
from stentrans.enhancement import Enhancement
from stentrans.store import Run
from stentrans.words import Reading


@dataclass(frozen=True)
class Wish:
    """A file to be made; see `stentrans.export.write`.

    Parameters
    ----------
    format
        Which kind of file.
    genes
        Which genes, None for all.
    scale, layers
        What the values are and what stands beside them.
    """

    format: export.Format
    genes: tuple[str, ...] | None
    scale: Reading
    layers: tuple[str, ...]

    def contents(self, enhancement: Enhancement) -> export.Contents:
        """Return what will be written."""
        return export.Contents.of(enhancement, self.genes, scale=self.scale, layers=self.layers)

    def job(self, run: Run) -> Run:
        """Return the job that writes it from the result of a run."""
        return run.export(
            self.format.suffix, genes=self.genes, scale=self.scale, layers=self.layers
        )
