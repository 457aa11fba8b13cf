"""Two tests on hidden spots compared gene by gene, on the same draws of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix

from stentrans.enhancement import prepare
from stentrans.errors import ParameterError
from stentrans.evaluation import metrics
from stentrans.evaluation.bootstrap import (
    N_BLOCKS,
    N_DRAWS,
    BlockSums,
    block_moments,
    draw_weights,
    membership,
    reach_of,
    spatial_blocks,
)
from stentrans.evaluation.holdout import HeldOut
from stentrans.evaluation.preparation import MIN_SHARE, chunks_of
from stentrans.preprocess import library_size, median_library

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Paired:
    """Correlations of two runs with the same measured values.

    Parameters
    ----------
    scores
        Columns ``a``, ``b`` (correlation on hidden spots) and ``ceiling``, a row per gene seen in
        more than a tenth of the spots.
    difference
        Mean over genes of ``a`` minus ``b``.
    reach
        Half-width of its 95 % interval over blocks of the section; NaN where it is unknown.
    """

    scores: pd.DataFrame
    difference: float
    reach: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return bool(abs(self.difference) > self.reach)


def paired(section: AnnData, a: HeldOut, b: HeldOut, *, seed: int = 0) -> Paired:
    """Compare two tests on the hidden spots of one section.

    Parameters
    ----------
    section
        That both tests were made on; left as it was.
    a, b
        From `stentrans.evaluation.hidden_folds`.
    seed
        Draws the blocks.

    Raises
    ------
    ParameterError
        If the tests belong to other spots or genes.
    """
    tissue, lattice = prepare(section)
    for test in (a, b):
        n_spots = sum(len(fold.hidden) for fold in test.folds)
        if n_spots != tissue.n_obs or not test.genes.equals(tissue.var_names):
            raise ParameterError(
                f"Both tests must be of this section ({tissue.n_obs} spots, {tissue.n_vars} "
                f"genes); one is of {n_spots} spots and {len(test.genes)} genes."
            )
    counts, library = csc_matrix(tissue.X), library_size(tissue.X)
    target = median_library(tissue.X)
    usual = np.flatnonzero(a.scores["detected_share"].to_numpy() > MIN_SHARE)
    block = spatial_blocks(lattice.plane(lattice.array), N_BLOCKS)
    members = membership(block, int(block.max()) + 1)
    moments: dict[str, list[np.ndarray]] = {"a": [], "b": []}
    for chunk in chunks_of(len(usual)):
        genes = usual[chunk]
        truth = metrics.log_normalised(counts[:, genes].toarray(), library, target)
        for name, test in (("a", a), ("b", b)):
            moments[name].append(block_moments(test.values(genes), truth, members))
    joined = {name: np.concatenate(parts, axis=-1) for name, parts in moments.items()}
    n = members.sum(1, dtype=np.float64)
    total = {name: metrics.correlation_of_sums(n.sum(), m.sum(1)) for name, m in joined.items()}
    drawn = BlockSums(n, joined).draws(draw_weights(len(n), N_DRAWS, seed))
    scores = pd.DataFrame(total, index=a.genes[usual])
    scores["ceiling"] = a.scores["ceiling"].to_numpy()[usual]
    return Paired(
        scores,
        float((scores["a"] - scores["b"]).mean()),
        reach_of(drawn["a"] - drawn["b"], len(n)),
    )
