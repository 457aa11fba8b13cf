"""One hold-out with everything that may be computed before a method runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.enhancement import prepare
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.evaluation import spatial
from stentrans.evaluation.bootstrap import membership
from stentrans.evaluation.ceiling import noise_ceiling
from stentrans.evaluation.protocols import Split
from stentrans.lattice import Lattice, fit_lattice
from stentrans.preprocess import keep_genes, library_size, log_normalise, median_library
from stentrans.section.check import MIN_SPOTS

if TYPE_CHECKING:
    from anndata import AnnData

GENES_PER_CHUNK: Final = 512
"""Genes that are dense at the same time; bounds the memory at any number of genes."""
MIN_SHARE: Final = 0.1
_LEAST_GENES: Final = 20


@dataclass(frozen=True, eq=False)
class HoldOut:
    """One hold-out with everything that is known before a method runs.

    Parameters
    ----------
    seen
        Counts that a method gets, CSR, scored genes only.
    shown
        Lattice of the spots that a method gets.
    genes
        Scored genes, indices.
    positions
        Where it is asked, shape ``(n_hidden, 2)``: array_row, array_col.
    truth
        Hidden counts, CSC, shape ``(n_hidden, n_genes)``.
    library
        Their totals.
    target
        Median library of the kept spots, to which log values are scaled.
    null
        Pooled composition of the kept spots, shape ``(n_genes,)``.
    usual
        Mean log value of each gene over the kept spots.
    ceiling
        Correlation that counting noise allows, per gene.
    windows, adjacent
        Which hidden spots lie around, and next to, each other.
    members
        Which block each hidden spot belongs to, shape ``(n_blocks, n_hidden)``.
    """

    seen: csr_matrix
    shown: Lattice
    genes: NDArray[np.int64]
    positions: NDArray[np.float64]
    truth: csc_matrix
    library: NDArray[np.float64]
    target: float
    null: NDArray[np.float64]
    usual: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    windows: csr_matrix
    adjacent: csr_matrix
    members: NDArray[np.float32]

    def permuted(self, rng: np.random.Generator) -> HoldOut:
        """Return the same hold-out with the kept spots at each other's positions."""
        return replace(self, seen=self.seen[rng.permutation(self.seen.shape[0])])


def prepare_to_score(section: AnnData) -> tuple[AnnData, Lattice]:
    """Spots on tissue and their lattice, without spots too poor to be scored.

    A spot that shows fewer than 20 genes (a tenth of the genes of a small panel) is scaled by a
    library of almost nothing: its log values are outliers that decide every correlation.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.

    Raises
    ------
    SectionFormatError
        If the section is not usable, or too few spots remain.
    """
    tissue, lattice, _ = without_poor_spots(section)
    return tissue, lattice


def without_poor_spots(section: AnnData) -> tuple[AnnData, Lattice, int]:
    """Return what `prepare_to_score` does, and how many spots were left out.

    Parameters
    ----------
    section
        As for `prepare_to_score`.

    Raises
    ------
    SectionFormatError
        As for `prepare_to_score`.
    """
    tissue, lattice = prepare(section)
    least = _least_genes(tissue.n_vars)
    rich = is_rich(tissue.X)
    n_left, n_poor = int(rich.sum()), int((~rich).sum())
    if not n_poor:
        return tissue, lattice, 0
    if n_left < MIN_SPOTS:
        raise SectionFormatError(
            f"At least {MIN_SPOTS} spots must show {least} genes or more to be scored; "
            f"{n_poor} spots that show fewer were removed, which leaves {n_left}. "
            "Choose a deeper section."
        )
    return *prepare(tissue[rich].copy()), n_poor


def is_rich(counts: csr_matrix) -> NDArray[np.bool_]:
    """Mark the spots that show enough genes to be scored, shape ``(n_spots,)``."""
    return np.asarray(np.diff(counts.indptr) >= _least_genes(counts.shape[1]))


def _least_genes(n_genes: int) -> int:
    """Genes that a spot must show to be scored."""
    return min(_LEAST_GENES, n_genes // 10)


def prepare_hold_out(
    split: Split,
    lattice: Lattice,
    *,
    block: NDArray[np.int64],
    seed: int,
    every_gene: bool = False,
) -> HoldOut:
    """Choose genes and scaling by the kept spots, and prepare what all methods share.

    Parameters
    ----------
    split
        What is kept and hidden.
    lattice
        Of all spots.
    block
        Spatial block of every spot, shape ``(n_spots,)``, from 0.
    seed
        Draws the halves for the noise ceiling.
    every_gene
        Score every gene that is seen in a kept spot, not only the usual ones.

    Raises
    ------
    ParameterError
        If too few spots or no usual gene is kept.
    """
    genes = scored_genes(split.seen)
    if every_gene:
        genes = np.flatnonzero(keep_genes(split.seen, 0.0))
    seen, truth = split.seen[:, genes], csc_matrix(split.truth[:, genes])
    library, target = library_size(split.truth[:, genes]), median_library(seen)
    total = np.asarray(seen.sum(0), np.float64).ravel()
    positions = lattice.array[split.hidden].astype(np.float64)
    return HoldOut(
        seen=seen,
        shown=lattice_of_kept(lattice, split.kept),
        genes=genes,
        positions=positions,
        truth=truth,
        library=library,
        target=target,
        null=total / total.sum(),
        usual=np.asarray(log_normalise(seen, target).mean(0), np.float64).ravel(),
        ceiling=_ceiling(truth, library, target, np.random.default_rng(seed)),
        windows=spatial.local_windows(lattice.plane(positions)),
        adjacent=spatial.adjacency(lattice, split.hidden),
        members=membership(block[split.hidden], int(block.max()) + 1),
    )


def scored_genes(seen: csr_matrix) -> NDArray[np.int64]:
    """Genes seen in more than a tenth of the kept spots; refuses a split that keeps too little."""
    usual = keep_genes(seen, MIN_SHARE)
    if seen.shape[0] < MIN_SPOTS or not usual.any():
        raise ParameterError(
            f"A hold-out must keep at least {MIN_SPOTS} spots and one gene seen in more than "
            f"{MIN_SHARE:.0%} of them; this one keeps {seen.shape[0]} spots and "
            f"{int(usual.sum())} such genes. Use a protocol that hides less."
        )
    return np.flatnonzero(usual)


def lattice_of_kept(lattice: Lattice, kept: NDArray[np.int64]) -> Lattice:
    """Fit the lattice of the kept spots, laid out as the whole section is."""
    array = lattice.array[kept]
    pixels = None if lattice.to_pixels is None else lattice.to_pixels(array.astype(np.float64))
    return fit_lattice(array, pixels, pitch_um=lattice.pitch_um)


def chunks_of(n_genes: int, at_once: int | None = None) -> Iterator[NDArray[np.int64]]:
    """Indices of genes, some at a time; never more than ``at_once``, if given."""
    size = min(GENES_PER_CHUNK, at_once or GENES_PER_CHUNK)
    for start in range(0, n_genes, size):
        yield np.arange(start, min(start + size, n_genes))


def _ceiling(
    truth: csc_matrix, library: NDArray[np.float64], target: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Noise ceiling of every gene."""
    found = [
        noise_ceiling(truth[:, genes].toarray(), library, target, rng)
        for genes in chunks_of(truth.shape[1])
    ]
    return np.concatenate(found)
