"""Find the parts of sections among files, however they were renamed, nested or packed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Final

from stentrans.errors import SectionFormatError
from stentrans.section.notes import Note

MAX_FILES: Final = 10_000
POSITIONS: Final = re.compile(r"tissue_positions(_list)?\.(csv|tsv|txt|parquet)(\.gz)?$")
SCALEFACTORS: Final = re.compile(r"scalefactors_json\.json(\.gz)?$")
HIRES: Final = re.compile(r"tissue_hires_image\.(png|jpe?g)(\.gz)?$")
LOWRES: Final = re.compile(r"tissue_lowres_image\.(png|jpe?g)(\.gz)?$")
MATRIX_H5: Final = re.compile(
    r"(filtered|raw)_feature_bc_matrix\.h5$|(filtered|raw)_gene_bc_matrices(_h5)?\.h5$"
)
MATRIX_MTX: Final = re.compile(r"matrix\.mtx(\.gz)?$")
FEATURES: Final = re.compile(r"(features|genes)\.tsv(\.gz)?$")
BARCODES: Final = re.compile(r"barcodes\.tsv(\.gz)?$")
BIN: Final = re.compile(r"^square_(\d{3})um$")
DEFAULT_BIN: Final = "square_016um"
USUAL: Final = re.compile(r"^(\.|(outs/)?(binned_outputs/)?(square_\d{3}um/)?spatial)$")
GEO: Final = re.compile(r"^GSM\d+")
JUNK: Final = "__MACOSX"
LAYOUT: Final = frozenset(
    {
        "outs",
        "spatial",
        "binned_outputs",
        "filtered_feature_bc_matrix",
        "raw_feature_bc_matrix",
        "filtered_gene_bc_matrices",
        "raw_gene_bc_matrices",
        "",
    }
)
"""Folder names of the layout itself, which name no sample."""


@dataclass(frozen=True)
class Member:
    """A file of what was handed over.

    Parameters
    ----------
    path
        Where it can be read, for an unpacked one in a temporary folder.
    shown
        Where it is in what the user sees; folders stand for archives that were unpacked.
    """

    path: Path
    shown: PurePosixPath


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
    is_usual
        Whether it lies where Space Ranger puts it, under the names it gives.
    """

    sample: str
    positions: Path | None
    matrix: Path | None
    features: Path | None = None
    barcodes: Path | None = None
    scalefactors: Path | None = None
    pictures: dict[str, Path] = field(default_factory=dict)
    is_usual: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether counts and positions are both there."""
        return self.positions is not None and self.matrix is not None


@dataclass(frozen=True)
class _Matrix:
    """A count matrix: one HDF5 file, or three files."""

    matrix: Member
    features: Member | None = None
    barcodes: Member | None = None


def list_files(root: Path, *, shown: PurePosixPath | None = None) -> tuple[list[Member], int]:
    """Return the files below a folder in a stable order, and how many were ignored as junk.

    Parameters
    ----------
    root
        The folder.
    shown
        Where its files stand in what the user sees; by default the folder is all there is.

    Raises
    ------
    SectionFormatError
        If there are more files than a section has.
    """
    top = shown or PurePosixPath()
    kept: list[Member] = []
    n_junk = 0
    for folder, names, files in os.walk(root):
        hidden = [name for name in names if name.startswith(".") or name == JUNK]
        n_junk += sum(len(inner) for name in hidden for *_, inner in os.walk(Path(folder, name)))
        names[:] = sorted(name for name in names if name not in hidden)
        n_junk += sum(name.startswith(".") for name in files)
        below = top / PurePosixPath(Path(folder).relative_to(root))
        kept += [
            Member(Path(folder, name), below / name)
            for name in sorted(files)
            if not name.startswith(".")
        ]
        if len(kept) > MAX_FILES:
            raise SectionFormatError(
                f"A section is a handful of files; {root.name} holds more than {MAX_FILES}. Open "
                "the folder of one section.",
                code="R5",
            )
    return kept, n_junk


def find_sections(root: str, files: Sequence[Member]) -> list[Found]:
    """Return the Space Ranger sections among the files, complete or not.

    Parameters
    ----------
    root
        Name of the folder, for a section that no prefix or folder names.
    files
        From `list_files`.

    Returns
    -------
    found
        By name; of Visium HD the bins of 16 µm first.
    """
    matrices = _matrices(files)
    places = _matching(files, POSITIONS)
    found = [_parts(root, one, files, matrices, is_only=len(places) == 1) for one in places]
    if not found and matrices:
        first = matrices[0]
        found = [_with_matrix(Found(_sample(root, first.matrix, ""), None, None), first)]
    named = _unique(root, found, [one.shown for one in places])
    return sorted(named, key=lambda one: PurePosixPath(one.sample).name != DEFAULT_BIN)


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
    whole = [one for one in found if one.is_complete] or found
    one = whole[0] if library is None else found[names.index(library)]
    return one, [several_libraries(names, one.sample)]


def bin_um(sample: str) -> int | None:
    """Return the side of the bins in µm where a sample is one of Visium HD; else None."""
    match = BIN.match(PurePosixPath(sample).name)
    return int(match[1]) if match else None


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
    if all(bin_um(name) for name in names):
        sentence = f"Visium HD with {len(names)} sizes of bins; showing {bin_um(shown)} µm."
    return Note("T11", sentence, "library", shown, tuple(names))


def archive_stem(name: str) -> str:
    """Return the name of an archive, or of anything else, without what calls it an archive."""
    return re.sub(r"\.(zip|tar|tgz|tar\.gz)$", "", name, flags=re.IGNORECASE)


def _parts(
    root: str,
    positions: Member,
    files: Sequence[Member],
    matrices: Sequence[_Matrix],
    *,
    is_only: bool,
) -> Found:
    """The section that a file of positions belongs to."""
    prefix = _prefix(positions, POSITIONS)
    sample = _sample(root, positions, prefix)
    near = [one for one in matrices if is_only or _belongs(one, positions, prefix, sample)]
    parts = Found(
        sample=sample,
        positions=positions.path,
        matrix=None,
        scalefactors=_companion(files, SCALEFACTORS, positions, prefix),
        pictures={
            name: path
            for name, pattern in (("hires", HIRES), ("lowres", LOWRES))
            if (path := _companion(files, pattern, positions, prefix)) is not None
        },
        is_usual=not prefix and bool(USUAL.match(str(positions.shown.parent))),
    )
    if not near:
        return parts
    return _with_matrix(parts, min(near, key=lambda one: _distance(one, positions, sample)))


def _with_matrix(parts: Found, held: _Matrix) -> Found:
    """The same section with its counts."""
    return replace(
        parts,
        matrix=held.matrix.path,
        features=None if held.features is None else held.features.path,
        barcodes=None if held.barcodes is None else held.barcodes.path,
    )


def _unique(root: str, found: list[Found], places: Sequence[PurePosixPath]) -> list[Found]:
    """Sections under different names: those that share one are named by their folders, too."""
    names = [one.sample for one in found]
    if len(set(names)) == len(names):
        return found
    long = [_named_folders(place) or root for place in places]
    named = [replace(one, sample=name) for one, name in zip(found, long, strict=True)]
    taken = [one.sample for one in named]
    if len(set(taken)) == len(taken):
        return named
    return [
        replace(one, sample=str(place.parent)) for one, place in zip(found, places, strict=True)
    ]


def _matching(files: Sequence[Member], pattern: re.Pattern[str]) -> list[Member]:
    """Files whose name ends as the pattern says."""
    return [one for one in files if pattern.search(one.path.name)]


def _matrices(files: Sequence[Member]) -> list[_Matrix]:
    """Count matrices, filtered ones before raw ones, HDF5 before triplets."""
    found = [_Matrix(one) for one in _matching(files, MATRIX_H5)]
    for one in _matching(files, MATRIX_MTX):
        prefix = _prefix(one, MATRIX_MTX)
        beside = [other for other in files if other.shown.parent == one.shown.parent]
        features = [it for it in _matching(beside, FEATURES) if _prefix(it, FEATURES) == prefix]
        barcodes = [it for it in _matching(beside, BARCODES) if _prefix(it, BARCODES) == prefix]
        if features and barcodes:
            found.append(_Matrix(one, features[0], barcodes[0]))
    return sorted(found, key=lambda it: ("raw_" in str(it.matrix.shown), it.features is not None))


def _prefix(member: Member, pattern: re.Pattern[str]) -> str:
    """What stands before the usual file name, without separators at its end."""
    match = pattern.search(member.path.name)
    return member.path.name[: match.start()].rstrip("_-.") if match else ""


def _companion(
    files: Sequence[Member], pattern: re.Pattern[str], positions: Member, prefix: str
) -> Path | None:
    """The file of this kind that belongs to the positions: beside them, with their prefix."""
    beside = [
        one for one in _matching(files, pattern) if one.shown.parent == positions.shown.parent
    ]
    same = [one for one in beside if _prefix(one, pattern) == prefix]
    return same[0].path if same else None


def _matrix_prefix(held: _Matrix) -> str:
    return _prefix(held.matrix, MATRIX_H5 if held.features is None else MATRIX_MTX)


def _belongs(held: _Matrix, positions: Member, prefix: str, sample: str) -> bool:
    """Whether a matrix is of the same sample, where there are several."""
    given = _matrix_prefix(held) or _named_folders(held.matrix.shown)
    if prefix and (prefix in str(held.matrix.shown) or _same_sample(given, prefix)):
        return True
    home = positions.shown.parent
    home = home.parent if home.name == "spatial" else home
    if not prefix and not _matrix_prefix(held) and home in held.matrix.shown.parents:
        return True
    return not prefix and bool(given) and _same_sample(given, sample)


def _same_sample(one: str, other: str) -> bool:
    """Whether two names are of one sample: equal, or with the same number of GEO."""
    first, second = GEO.match(one), GEO.match(other)
    return one == other or (first is not None and second is not None and first[0] == second[0])


def _distance(held: _Matrix, positions: Member, sample: str) -> tuple[bool, bool, int, bool]:
    """How far a matrix is from the positions: raw last, then other samples, then folders."""
    shown = held.matrix.shown
    pairs = zip(shown.parts, positions.shown.parts, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    foreign = _matrix_prefix(held) not in ("", sample)
    return "raw_" in str(shown), foreign, -shared, held.features is not None


def _sample(root: str, member: Member, prefix: str) -> str:
    """Prefix of a file, or the nearest folder that names a sample; the root's name else."""
    if prefix:
        return prefix
    for parent in member.shown.parents:
        if parent.name not in LAYOUT:
            return parent.name
    return "" if root in LAYOUT else root


def _named_folders(shown: PurePosixPath) -> str:
    """All folders of a file that name something, such as ``sample/square_016um``."""
    return "/".join(part for part in shown.parent.parts if part not in LAYOUT)
