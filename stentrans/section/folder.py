"""Find the parts of sections in a folder, however they were renamed or nested."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stentrans.errors import SectionFormatError
from stentrans.section.notes import Note

MAX_FILES: Final = 10_000
POSITIONS: Final = re.compile(r"tissue_positions(_list)?\.csv(\.gz)?$")
HD_POSITIONS: Final = re.compile(r"tissue_positions\.parquet$")
SCALEFACTORS: Final = re.compile(r"scalefactors_json\.json(\.gz)?$")
HIRES: Final = re.compile(r"tissue_hires_image\.png$")
LOWRES: Final = re.compile(r"tissue_lowres_image\.png$")
MATRIX_H5: Final = re.compile(
    r"(filtered|raw)_feature_bc_matrix\.h5$|(filtered|raw)_gene_bc_matrices(_h5)?\.h5$"
)
MATRIX_MTX: Final = re.compile(r"matrix\.mtx(\.gz)?$")
FEATURES: Final = re.compile(r"(features|genes)\.tsv(\.gz)?$")
BARCODES: Final = re.compile(r"barcodes\.tsv(\.gz)?$")
JUNK: Final = "__MACOSX"
LAYOUT: Final = frozenset(
    {
        "outs",
        "spatial",
        "filtered_feature_bc_matrix",
        "raw_feature_bc_matrix",
        "filtered_gene_bc_matrices",
        "",
    }
)
"""Folder names of the layout itself, which name no sample."""


@dataclass(frozen=True)
class Found:
    """The parts of one Space Ranger section.

    Parameters
    ----------
    sample
        Name from a prefix or folder, may be empty.
    positions, matrix
        The two parts that are needed; None where absent.
    features, barcodes
        Set where the matrix is a matrix-market file.
    scalefactors, pictures
        Optional parts.
    """

    sample: str
    positions: Path | None
    matrix: Path | None
    features: Path | None = None
    barcodes: Path | None = None
    scalefactors: Path | None = None
    pictures: dict[str, Path] = field(default_factory=dict)


def list_files(root: Path) -> tuple[list[Path], int]:
    """Return the files below a folder in a stable order, and how many were ignored as junk.

    Raises
    ------
    SectionFormatError
        If there are more files than a section has.
    """
    kept: list[Path] = []
    n_junk = 0
    for folder, names, files in os.walk(root):
        hidden = [name for name in names if name.startswith(".") or name == JUNK]
        n_junk += sum(len(inner) for name in hidden for *_, inner in os.walk(Path(folder, name)))
        names[:] = sorted(name for name in names if name not in hidden)
        n_junk += sum(name.startswith(".") for name in files)
        kept += [Path(folder, name) for name in sorted(files) if not name.startswith(".")]
        if len(kept) > MAX_FILES:
            raise SectionFormatError(
                f"A section is a handful of files; {root.name} holds more than {MAX_FILES}. Open "
                "the folder of one section."
            )
    return kept, n_junk


def find_sections(root: Path, files: list[Path]) -> list[Found]:
    """Return the Space Ranger sections among the files, complete or not, by sample name."""
    matrices = _matrices(files)
    places = _matching(files, POSITIONS)
    found = []
    for positions in places:
        prefix = _prefix(positions, POSITIONS)
        near = [one for one in matrices if len(places) == 1 or _belongs(one[0], positions, prefix)]
        matrix = min(near, key=lambda one: _distance(one[0], positions, prefix), default=None)
        found.append(
            Found(
                sample=prefix or _folder_name(root, positions),
                positions=positions,
                matrix=matrix[0] if matrix else None,
                features=matrix[1] if matrix else None,
                barcodes=matrix[2] if matrix else None,
                scalefactors=_companion(files, SCALEFACTORS, positions, prefix),
                pictures={
                    name: path
                    for name, pattern in (("hires", HIRES), ("lowres", LOWRES))
                    if (path := _companion(files, pattern, positions, prefix)) is not None
                },
            )
        )
    if not found and matrices:
        found = [Found(_folder_name(root, matrices[0][0]), None, *matrices[0])]
    return found


def is_high_definition(files: list[Path]) -> bool:
    """Whether the files come from Visium HD."""
    return bool(_matching(files, HD_POSITIONS))


def choose(found: list[Found], library: str | None) -> tuple[Found, list[Note]]:
    """Pick one section: the one asked for, else the first; note T11 where there are several.

    Raises
    ------
    SectionFormatError
        If the library asked for is not there.
    """
    names = [one.sample for one in found]
    if len(found) == 1:
        return found[0], []
    if library is not None and library not in names:
        raise unknown_library(library, names)
    one = found[0] if library is None else found[names.index(library)]
    return one, [several_libraries(names, one.sample)]


def unknown_library(library: str, names: Iterable[str]) -> SectionFormatError:
    """Return the refusal for a sample that is not in the file."""
    listed = ", ".join(names)
    return SectionFormatError(
        f"library must be one of {listed}; got {library!r}. Choose one of these samples.",
        code="T11",
    )


def several_libraries(names: Sequence[str], shown: str) -> Note:
    """Return T11, with the samples to choose from."""
    sentence = f"{len(names)} samples found; showing {shown}."
    return Note("T11", sentence, "library", shown, tuple(names))


def _matching(files: list[Path], pattern: re.Pattern[str]) -> list[Path]:
    """Files whose name ends as the pattern says."""
    return [path for path in files if pattern.search(path.name)]


def _matrices(files: list[Path]) -> list[tuple[Path, Path | None, Path | None]]:
    """Count matrices, filtered ones before raw ones, HDF5 before triplets."""
    found: list[tuple[Path, Path | None, Path | None]] = [
        (path, None, None) for path in _matching(files, MATRIX_H5)
    ]
    for path in _matching(files, MATRIX_MTX):
        prefix = _prefix(path, MATRIX_MTX)
        beside = [one for one in files if one.parent == path.parent]
        features = [one for one in _matching(beside, FEATURES) if _prefix(one, FEATURES) == prefix]
        barcodes = [one for one in _matching(beside, BARCODES) if _prefix(one, BARCODES) == prefix]
        if features and barcodes:
            found.append((path, features[0], barcodes[0]))
    return sorted(found, key=lambda one: ("raw_" in str(one[0]), one[1] is not None))


def _prefix(path: Path, pattern: re.Pattern[str]) -> str:
    """What stands before the usual file name, without separators at its end."""
    match = pattern.search(path.name)
    return path.name[: match.start()].rstrip("_-.") if match else ""


def _companion(
    files: list[Path], pattern: re.Pattern[str], positions: Path, prefix: str
) -> Path | None:
    """The file of this kind that belongs to the positions: beside them, with their prefix."""
    beside = [path for path in _matching(files, pattern) if path.parent == positions.parent]
    same = [path for path in beside if _prefix(path, pattern) == prefix]
    return same[0] if same else None


def _belongs(matrix: Path, positions: Path, prefix: str) -> bool:
    """Whether a matrix is of the same sample, where there are several."""
    if prefix:
        return prefix in str(matrix)
    home = positions.parent.parent if positions.parent.name == "spatial" else positions.parent
    return home in matrix.parents


def _distance(matrix: Path, positions: Path, prefix: str) -> tuple[bool, bool, int, bool]:
    """How far a matrix is from the positions: raw last, then other samples, then folders."""
    shared = len(os.path.commonpath([matrix, positions]))
    foreign = bool(prefix) and not matrix.name.startswith(prefix)
    return "raw_" in str(matrix), foreign, -shared, matrix.suffix != ".h5"


def _folder_name(root: Path, path: Path) -> str:
    """The nearest folder that names a sample; the root's own name where none does."""
    for parent in path.parents:
        if parent == root or root not in parent.parents:
            break
        if parent.name not in LAYOUT:
            return parent.name
    return "" if root.name in LAYOUT else root.name
