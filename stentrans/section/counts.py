"""One form for counts: canonical CSR float32, checked for what counting can produce."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from stentrans.errors import SectionFormatError
from stentrans.section.memory import BLOCK

WHOLE: Final = 1e-4
"""How far a stored count may be from a whole number; float32 files keep small residues."""


def as_csr(matrix: Any, *, place: str) -> csr_matrix:
    """Return a new canonical CSR float32 copy of a matrix, spots in rows.

    Raises
    ------
    SectionFormatError
        If the values are not numbers.
    """
    if isinstance(matrix, pd.DataFrame):
        matrix = matrix.to_numpy()
    held: Any = matrix if issparse(matrix) else np.asarray(matrix)
    refuse_text(held.dtype, place=place)
    # scipy would take the caller's own arrays over where the dtype already fits.
    return canonical(csr_matrix(held, dtype=np.float32, copy=True))


def canonical(counts: csr_matrix) -> csr_matrix:
    """Sort indices, add up duplicates and leave zeros out, in place; return the same object."""
    counts.sum_duplicates()
    if is_finite(counts):
        counts.eliminate_zeros()
    return counts


def refuse_text(dtype: np.dtype[Any], *, place: str) -> None:
    """Raise SectionFormatError (R17) where values of this type are no numbers."""
    if dtype.kind not in "buif":
        raise SectionFormatError(
            f"The matrix in {place} must hold numbers; it holds {dtype}. "
            "Store counts as integers or floats.",
            code="R17",
        )


def is_finite(counts: csr_matrix) -> bool:
    """Whether no value is NaN or infinite."""
    return all(bool(np.isfinite(block).all()) for block in _blocks(counts.data))


def are_counts(counts: csr_matrix) -> bool:
    """Whether all values are finite, whole and not negative."""
    return is_finite(counts) and are_counts_or_missing(counts)


def are_counts_or_missing(counts: csr_matrix) -> bool:
    """Whether all finite values are whole and not negative: what to do with NaN comes later."""
    return all(_are_counts(block[np.isfinite(block)]) for block in _blocks(counts.data))


def _are_counts(block: NDArray[np.float32]) -> bool:
    return not (block < 0).any() and bool((np.abs(block - np.rint(block)) <= WHOLE).all())


def round_counts(counts: csr_matrix) -> csr_matrix:
    """Remove the residues of whole numbers, in place; return the same object."""
    np.rint(counts.data, out=counts.data)
    counts.eliminate_zeros()
    return counts


def refuse_bad_values(counts: csr_matrix, spots: pd.Index, genes: pd.Index) -> None:
    """Raise SectionFormatError (R11) naming the first NaN or infinite value."""
    if is_finite(counts):
        return
    bad = np.flatnonzero(~np.isfinite(counts.data))
    row = int(np.searchsorted(counts.indptr, bad[0], side="right")) - 1
    gene = genes[int(counts.indices[bad[0]])]
    raise SectionFormatError(
        f"Every count must be a finite number; {bad.size} values are NaN or infinite, first at "
        f"{spots[row]}, {gene}. Replace them or leave these spots out.",
        code="R11",
    )


def refuse_empty(shape: tuple[int, int]) -> None:
    """Raise SectionFormatError (R6) where there are no spots or no genes."""
    n_spots, n_genes = shape
    if n_spots == 0 or n_genes == 0:
        raise SectionFormatError(
            f"A section needs spots and genes; the matrix is empty ({n_spots} spots × {n_genes} "
            "genes). Check the filters that were applied before saving.",
            code="R6",
        )


def all_missing_rows(counts: csr_matrix) -> NDArray[np.bool_]:
    """Mark the rows in which every value is NaN, shape ``(n_spots,)``."""
    if is_finite(counts):
        return np.zeros(counts.shape[0], dtype=bool)
    missing = np.isnan(counts.data)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    per_row = np.bincount(row[missing], minlength=counts.shape[0])
    return np.asarray(per_row == counts.shape[1])


def _blocks(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Views of an array, a block at a time."""
    return [values[start : start + BLOCK] for start in range(0, len(values), BLOCK)]
