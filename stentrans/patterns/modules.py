"""Which genes vary together in space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import Enhancement, prepare
from stentrans.errors import ParameterError
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.domains import check_enhancement, components
from stentrans.patterns.graphs import by_size, communities, likeness_graph
from stentrans.patterns.kernels import bumps
from stentrans.patterns.residuals import CountResiduals
from stentrans.validate import check_names, check_number, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

FEWEST_GENES: Final = 10
MOST_GENES: Final = 3_000
SMALLEST: Final = 5
"""Genes of the smallest module; fewer are in none."""
LEAST_MEMBERSHIP: Final = 0.3
"""Correlation with its module's pattern below which a gene is in none."""
RANGE_SPOTS: Final = 2.0
"""Spacings of the lattice over which measured residuals are averaged to compare two genes."""
MOST_SITES: Final = 2_000
_RANK = 30


@dataclass(frozen=True, eq=False)
class Modules:
    """Modules of genes.

    Parameters
    ----------
    genes
        One row per gene that was looked at: gene, module (from 1, the largest first; 0 for none)
        and membership, the correlation of its pattern with that of the rest of its module; the
        genes of a module by falling membership.
    """

    genes: pd.DataFrame

    @property
    def n_modules(self) -> int:
        """Number of modules."""
        return int(self.genes["module"].max()) if len(self.genes) else 0

    def as_sets(self) -> dict[str, list[str]]:
        """Genes of each module, ``Module 1`` and so on."""
        found = self.genes[self.genes["module"] > 0]
        return {f"Module {k}": list(part["gene"]) for k, part in found.groupby("module")}


def find_modules(
    section: AnnData,
    genes: list[str],
    enhancement: Enhancement | None = None,
    *,
    resolution: float = 1.0,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Modules:
    """Group genes by where they are.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    genes
        Genes that vary in space, the surest first; at most 3,000 are looked at.
    enhancement
        Of this section: compare enhanced maps. None: compare measured residuals, averaged over
        near spots.
    resolution
        Of the Leiden method; higher gives more modules.
    seed
        Same input, seed and version give the same modules.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Raises
    ------
    ParameterError
        If there are fewer than 10 genes, or a number is out of range.
    MissingKeyError
        If a gene is not in the section.
    SectionFormatError, Cancelled
        As for `stentrans.enhance`.
    """
    seed = check_seed(seed)
    check_number("resolution", resolution, low=0.01, high=20.0)
    names = list(dict.fromkeys(genes))[:MOST_GENES]
    if len(names) < FEWEST_GENES:
        raise ParameterError(
            f"At least {FEWEST_GENES} genes must vary in space to be grouped into modules; "
            f"{len(names)} do. Use a deeper section, or name genes yourself."
        )
    tissue, lattice = prepare(section)
    check_names("gene", names, tissue.var_names)
    report(on_progress, Progress("drawing patterns", 0.1))
    if enhancement is None:
        columns = tissue.var_names.get_indexer(pd.Index(names)).astype(np.int64)
        window = bumps(lattice.plane(lattice.array), RANGE_SPOTS / 2)
        patterns = np.asarray(window.T @ CountResiduals(tissue.X).of(columns)).T
    else:
        check_enhancement(tissue, enhancement)
        patterns = _enhanced_patterns(enhancement, names)
    report(on_progress, Progress("grouping genes", 0.4))
    patterns = _standard(patterns)
    graph = likeness_graph(components(patterns, _RANK), seed=seed, metric="correlation")
    label = communities(graph, resolution, seed=seed)
    report(on_progress, Progress("done", 1.0))
    return Modules(_table(names, label, patterns))


def _enhanced_patterns(enhancement: Enhancement, names: list[str]) -> NDArray[np.float32]:
    """Enhanced maps at some sites, shape ``(n_genes, n_sites)``."""
    n_sites = len(enhancement.sites)
    some = np.unique(np.linspace(0, n_sites - 1, MOST_SITES).astype(np.int64))
    genes = enhancement.genes.get_indexer(pd.Index(names)).astype(np.int64)
    rows = enhancement.prediction.rows(some)
    return enhancement.decoder.decode(rows, genes, "composition").T


def _standard(patterns: NDArray[np.floating]) -> NDArray[np.float32]:
    """Each row centred and of length 1."""
    centred = patterns - patterns.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(length, 1e-12), np.float32)


def _table(
    names: list[str], label: NDArray[np.int64], patterns: NDArray[np.float32]
) -> pd.DataFrame:
    """Modules with what holds them together."""
    membership = np.zeros(len(names))
    for k in range(int(label.max()) + 1):
        mine = np.flatnonzero(label == k)
        rest = patterns[mine].sum(0) - patterns[mine]
        length = np.linalg.norm(rest, axis=1)
        membership[mine] = (patterns[mine] * rest).sum(1) / np.maximum(length, 1e-12)
    belongs = membership >= LEAST_MEMBERSHIP
    sizes = np.bincount(label[belongs], minlength=int(label.max()) + 1)
    belongs &= sizes[label] >= SMALLEST
    module = np.zeros(len(names), np.int64)
    if belongs.any():
        module[belongs] = by_size(label[belongs]) + 1
    table = pd.DataFrame({"gene": names, "module": module, "membership": membership})
    order = np.lexsort((-membership, np.where(module == 0, len(names), module)))
    return table.iloc[order].reset_index(drop=True)
