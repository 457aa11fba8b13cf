"""Matrix-market files, plain or gzip, refused before they are larger than the memory."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.io import mmread
from scipy.sparse import coo_matrix

from stentrans.errors import SectionFormatError
from stentrans.section.files import MAX_EXPANDED, damaged, expanded_limit, open_bounded
from stentrans.section.memory import MatrixSize, refuse_too_large

N_COPIES: Final = 4.0
"""A triplet of wide numbers, and the matrix it becomes, in sizes of the latter."""
BANNER: Final = b"%%MatrixMarket"
LONGEST_LINE: Final = 4096


def read_market(path: Path) -> coo_matrix:
    """Read a sparse matrix as it is in the file.

    Raises
    ------
    SectionFormatError
        R2 if it expands too far, R3 if it is damaged or no such file, R13 if it is too large.
    """
    refuse_too_large(market_size(path))
    try:
        with _open(path) as stream:
            found: Any = mmread(stream)
    except SectionFormatError:
        raise
    except (ValueError, TypeError, OverflowError, EOFError, OSError, zlib.error) as error:
        raise damaged(path.name) from error
    if np.iscomplexobj(found):
        raise damaged(path.name)
    return coo_matrix(found)


def market_size(path: Path) -> MatrixSize:
    """Return what the head of a matrix-market file, genes in rows, declares.

    Raises
    ------
    SectionFormatError
        R3 if there is no such head.
    """
    try:
        with _open(path) as stream:
            line = stream.readline(LONGEST_LINE)
            if not line.startswith(BANNER):
                raise damaged(path.name)
            is_sparse = b"coordinate" in line
            while line.startswith(b"%") or not line.strip():
                line = stream.readline(LONGEST_LINE)
                if not line:
                    raise damaged(path.name)
        sizes = [int(word) for word in line.split()]
        n_genes, n_spots = sizes[:2]
        return MatrixSize(n_spots, n_genes, sizes[2] if is_sparse else n_genes * n_spots, N_COPIES)
    except SectionFormatError:
        raise
    except (ValueError, IndexError, EOFError, OSError, zlib.error) as error:
        raise damaged(path.name) from error


def _open(path: Path) -> io.BufferedReader:
    """The text as bytes, bounded in how far it may expand."""
    return open_bounded(path, expanded_limit(path.stat().st_size, MAX_EXPANDED))
