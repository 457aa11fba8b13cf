"""How much memory a section takes while it is read, known before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # has no types of its own

from stentrans.errors import SectionFormatError

BLOCK: Final = 2**21
"""Values read at once: larger blocks are not faster, and every one is held twice for a moment."""
BYTES_PER_BLOCK: Final = 24 * BLOCK
"""Stored values and indices of one block (up to 8 bytes each), converted, compared."""
BYTES_PER_NAME: Final = 400
"""A name as text, in an index, in a lookup and as id, while names are made unique."""
CONTAINER_LIMITS: Final = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


@dataclass(frozen=True)
class MatrixSize:
    """What a file declares about its matrix.

    Parameters
    ----------
    n_spots, n_genes
        The shape.
    n_values
        Stored values; for a dense matrix the values that are not 0, as far as a sample tells.
    n_copies
        Sparse matrices of this size that exist at the same time while it is read.
    """

    n_spots: int
    n_genes: int
    n_values: int
    n_copies: float = 1.0

    @property
    def matrix_bytes(self) -> int:
        """Size of the sparse matrix in memory: float32 values with their indices."""
        index = 4 if max(self.n_values, self.n_genes, self.n_spots) < 2**31 else 8
        return self.n_values * (4 + index) + (self.n_spots + 1) * index

    @property
    def peak_bytes(self) -> int:
        """Memory that reading needs beyond what was in use before."""
        block = BYTES_PER_BLOCK * min(self.n_values, BLOCK) // BLOCK
        names = (self.n_spots + self.n_genes) * BYTES_PER_NAME
        return round(self.matrix_bytes * self.n_copies) + block + names


def refuse_too_large(size: MatrixSize) -> None:
    """Raise SectionFormatError (R13) before memory is taken that the machine does not have."""
    refuse_bytes(size.peak_bytes)


def refuse_bytes(needed: int) -> None:
    """Raise SectionFormatError (R13) if so many bytes are more than the free memory."""
    free = free_memory()
    if needed > free:
        raise SectionFormatError(
            f"Reading this section needs about {needed / 1e9:.3g} GB, {free / 1e9:.3g} GB free; "
            "choose fewer genes or use a machine with more memory.",
            code="R13",
        )


def free_memory() -> int:
    """Return the bytes that this process can take without swapping, limits of containers too."""
    free = int(psutil.virtual_memory().available)
    for limit, used in CONTAINER_LIMITS:
        try:
            left = int(Path(limit).read_text()) - int(Path(used).read_text())
        except (OSError, ValueError):  # no container, or one without a limit ("max")
            continue
        free = min(free, max(left, 0))
    return free
