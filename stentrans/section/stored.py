"""A stored matrix read block by block: memory stays near the size of the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, vstack

from stentrans.section.counts import canonical, refuse_text
from stentrans.section.memory import BLOCK, MatrixSize

SAMPLED_ROWS: Final = 50
"""Rows at three places of a dense matrix that tell the share of values that are not 0."""
MAX_DENSE: Final = 10**10
"""Cells of a dense matrix (a project default): reading more takes minutes, however empty."""


class StoredArray(Protocol):
    """What is needed of an array in an HDF5 or zarr file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, part: Any) -> Any:
        """Return a part of it as a numpy array."""
        ...


def read_compressed(
    values: StoredArray,
    indices: StoredArray,
    indptr: StoredArray,
    *,
    shape: tuple[int, int],
    place: str,
) -> csr_matrix:
    """Read a compressed sparse row matrix as canonical CSR float32.

    Parameters
    ----------
    values, indices
        Shape ``(n_values,)``: stored values and their columns.
    indptr
        Shape ``(n_rows + 1,)``: where each row begins.
    shape
        ``(n_rows, n_columns)``.
    place
        Where this is, for messages.

    Raises
    ------
    ValueError
        If the three arrays do not make a matrix of this shape.
    SectionFormatError
        R17 if the values are no numbers.
    """
    n_rows, n_columns = shape
    n_values = values.shape[0]
    refuse_text(values.dtype, place=place)
    if indices.shape != values.shape or indptr.shape != (n_rows + 1,):
        raise ValueError("the arrays of a sparse matrix do not fit its shape")
    starts = np.asarray(indptr[:])
    if starts[0] != 0 or starts[-1] != n_values or (np.diff(starts.astype(np.int64)) < 0).any():
        raise ValueError("the rows of a sparse matrix do not follow each other")
    wide: Any = np.int32 if max(n_values, n_columns) < 2**31 else np.int64
    data, columns = np.empty(n_values, np.float32), np.empty(n_values, wide)
    for part in blocks(n_values):
        data[part] = _narrow(values[part])
        block = np.asarray(indices[part])
        if block.size and (block.min() < 0 or block.max() >= n_columns):
            raise ValueError("a sparse matrix names columns beyond its shape")
        columns[part] = block
    found: csr_matrix = csr_matrix((data, columns, starts.astype(wide)), shape=shape, copy=False)
    return canonical(found)


def read_transposed(
    values: StoredArray,
    indices: StoredArray,
    indptr: StoredArray,
    *,
    shape: tuple[int, int],
    place: str,
) -> csr_matrix:
    """Read a compressed sparse column matrix as canonical CSR float32; see `read_compressed`."""
    turned = read_compressed(values, indices, indptr, shape=shape[::-1], place=place)
    by_column = csc_matrix((turned.data, turned.indices, turned.indptr), shape=shape, copy=False)
    return canonical(csr_matrix(by_column))


def read_dense(stored: StoredArray, *, place: str) -> csr_matrix:
    """Read a dense matrix as canonical CSR float32, a few rows at a time; see `read_compressed`."""
    refuse_text(stored.dtype, place=place)
    parts: list[csr_matrix] = [csr_matrix(_narrow(stored[rows])) for rows in _row_blocks(stored)]
    return canonical(csr_matrix(vstack(parts, format="csr")) if len(parts) > 1 else parts[0])


def dense_size(stored: StoredArray) -> MatrixSize:
    """Return what a dense matrix will take as a sparse one, from a few of its rows."""
    n_rows, n_columns = stored.shape
    high = max(min(BLOCK // max(n_columns, 1), SAMPLED_ROWS), 1)
    last = max(n_rows - high, 0)
    starts = sorted({0, last // 2, last})
    seen = [np.asarray(stored[start : start + high]) for start in starts]
    n_seen = sum(part.size for part in seen)
    share = sum(int(np.count_nonzero(part)) for part in seen) / max(n_seen, 1)
    # The blocks, and the matrix they are joined to.
    return MatrixSize(n_rows, n_columns, round(share * n_rows * n_columns), n_copies=2.0)


def blocks(n_values: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices that cover so many values."""
    for start in range(0, n_values, size):
        yield slice(start, min(start + size, n_values))


def _row_blocks(stored: StoredArray) -> Iterator[slice]:
    """Slices of rows, about a block of values each, along the chunks of the file."""
    n_rows, n_columns = stored.shape
    high = max(BLOCK // max(n_columns, 1), 1)
    chunks = getattr(stored, "chunks", None)
    if chunks and chunks[0] * n_columns <= 4 * BLOCK:
        high = max(high // chunks[0], 1) * chunks[0]
    return blocks(n_rows, high)


def _narrow(block: Any) -> NDArray[np.float32]:
    """As float32; what is too large for it becomes infinite, which is refused by name later."""
    with np.errstate(over="ignore"):
        return np.asarray(block).astype(np.float32)
