"""Where an AnnData file keeps its counts, and the matrix that was found there."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.keys import COUNTS
from stentrans.section.counts import are_counts_or_missing, refuse_empty
from stentrans.section.elements import encoding_of, is_group, read_frame
from stentrans.section.memory import MatrixSize, refuse_too_large
from stentrans.section.notes import Note
from stentrans.section.stored import (
    MAX_DENSE,
    dense_size,
    read_compressed,
    read_dense,
    read_transposed,
)

X: Final = "X"
RAW: Final = "raw.X"
SAMPLE: Final = 10_000


class UnreadableMatrix(ValueError):
    """A matrix is stored in a way that anndata 0.12 does not know."""


def places(file: Any) -> dict[str, tuple[str, str]]:
    """Return what may hold counts: option value to the keys of matrix and genes.

    The layer ``counts`` comes first, then ``raw.X``, ``X`` and the other layers.
    """
    known = {COUNTS: (f"layers/{COUNTS}", "var"), RAW: ("raw/X", "raw/var"), X: ("X", "var")}
    layers = file.get("layers")
    for name in layers if is_group(layers) else ():
        known.setdefault(str(name), (f"layers/{name}", "var"))
    return {name: keys for name, keys in known.items() if file.get(keys[0]) is not None}


def read_counts(
    file: Any, wanted: str | None, skipped: list[str], *, share: float = 0.0
) -> tuple[csr_matrix, pd.DataFrame, list[Note]]:
    """Read counts from where they are, and T10 where that is not plain ``X``.

    Parameters
    ----------
    file
        The open AnnData file.
    wanted
        One of `places`; None for the first that holds whole numbers, ``X`` where none does.
    skipped
        Takes the names of columns of ``var`` that could not be read.
    share
        How much of the spots will be copied because they are one section of several.

    Returns
    -------
    counts
        Shape ``(n_spots, n_genes)``, canonical CSR float32.
    var
        One row per gene.
    notes
        T10 with the places to choose from.

    Raises
    ------
    SectionFormatError
        R7 without any matrix, R13 if it is too large, R17 if it is text.
    """
    present = places(file)
    if not present:
        raise SectionFormatError(
            'A section needs counts in X or layers["counts"]; this file has neither. Add the '
            "raw counts.",
            code="R7",
        )
    if wanted is not None and wanted not in present:
        raise SectionFormatError(
            f"counts must be one of {', '.join(present)}; got {wanted!r}. Choose one of these.",
            code="T10",
        )
    name, matrix = _first_counts(file, present, wanted, share)
    var = read_frame(file[present[name][1]], skipped)
    if name == X and wanted is None and are_counts_or_missing(matrix):
        return matrix, var, []
    return matrix, var, [_note(file, present, name, is_counts=are_counts_or_missing(matrix))]


def matrix_size(stored: Any) -> MatrixSize:
    """Return what a stored matrix declares about itself, reading only a few rows of a dense one."""
    if not is_group(stored):
        return dense_size(stored)
    n_rows, n_columns = _shape(stored)
    n_copies = 2.0 if _format(stored) == "csc_matrix" else 1.0
    return MatrixSize(n_rows, n_columns, int(stored["data"].shape[0]), n_copies)


def _first_counts(
    file: Any, present: dict[str, tuple[str, str]], wanted: str | None, share: float
) -> tuple[str, csr_matrix]:
    """The matrix asked for; else the first of whole numbers; else X, or what stands for it."""
    for name in [wanted] if wanted is not None else present:
        stored = file[present[name][0]]
        if wanted is not None or _looks_whole(stored):
            matrix = _read_matrix(stored, name, share)
            if wanted is not None or are_counts_or_missing(matrix):
                return name, matrix
            del matrix  # the next one may be as large
    name = X if X in present else next(iter(present))
    return name, _read_matrix(file[present[name][0]], name, share)


def _read_matrix(stored: Any, place: str, share: float) -> csr_matrix:
    """One matrix as CSR; refused before it is larger than the memory."""
    declared = encoding_of(stored)
    if declared not in ("", "array", "csr_matrix", "csc_matrix"):
        raise UnreadableMatrix(place)
    if not is_group(stored) and len(stored.shape) != 2:
        raise ValueError("a matrix has two dimensions")
    if not is_group(stored):
        refuse_empty(stored.shape)
        n_spots, n_genes = stored.shape
        if n_spots * n_genes > MAX_DENSE:
            refuse_too_large(MatrixSize(n_spots, n_genes, n_spots * n_genes))
    size = matrix_size(stored)
    refuse_empty((size.n_spots, size.n_genes))
    copies = max(size.n_copies, 1.0 + share)
    refuse_too_large(MatrixSize(size.n_spots, size.n_genes, size.n_values, copies))
    if not is_group(stored):
        return read_dense(stored, place=place)
    read = read_transposed if _format(stored) == "csc_matrix" else read_compressed
    parts = (stored["data"], stored["indices"], stored["indptr"])
    return read(*parts, shape=_shape(stored), place=place)


def _format(stored: Any) -> str:
    """``csr_matrix`` or ``csc_matrix``; files from before 2020 say csr or csc."""
    older = stored.attrs.get("h5sparse_format", "")
    older = older.decode() if isinstance(older, bytes) else str(older)
    return encoding_of(stored) or f"{older or 'csr'}_matrix"


def _shape(stored: Any) -> tuple[int, int]:
    given = stored.attrs["shape"] if "shape" in stored.attrs else stored.attrs["h5sparse_shape"]
    n_rows, n_columns = (int(size) for size in given)
    return n_rows, n_columns


def _looks_whole(stored: Any) -> bool:
    """Whether the first stored values are whole numbers."""
    head: Any = np.zeros(0)
    if not is_group(stored):
        head = stored[: max(SAMPLE // max(int(stored.shape[-1]), 1), 1)]
    elif "data" in stored:
        head = stored["data"][:SAMPLE]
    values = np.asarray(head)
    if values.dtype.kind not in "buif":
        return True  # reading it says what is wrong
    finite = values[np.isfinite(values)]
    return bool((finite == np.rint(finite)).all())


def _note(file: Any, present: dict[str, tuple[str, str]], name: str, *, is_counts: bool) -> Note:
    """Return T10 with the places to choose from."""
    choices = tuple(present)
    option = "counts" if len(choices) > 1 else ""
    shown = name if name in (X, RAW) else f"layer {name}"
    sentence = f"Counts from {shown}."
    if not is_counts:
        sentence = f"No counts in {shown}; values used as they are, enhancement off."
    elif name != X and X in present and not _looks_whole(file[X]):
        sentence = f"X is normalised; counts from {shown}."
    return Note("T10", sentence, option, name, choices)
