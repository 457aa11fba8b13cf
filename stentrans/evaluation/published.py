"""The published protocol: the same pair is trained and scored. No measure of what is unseen.

stEnTrans (arXiv 2407.08224) reports the correlation of raw counts over all spots, those that the
network was given included, after training on the very pair that is scored. It rewards memory: a
method that stores the section scores 1. Kept here to compare with published numbers only; its one
metric has a name of its own, so that it cannot be taken for a score on hidden spots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.evaluation import metrics
from stentrans.evaluation.bootstrap import BlockSums
from stentrans.evaluation.preparation import chunks_of, lattice_of_kept, scored_genes
from stentrans.evaluation.protocols import splits
from stentrans.evaluation.scoring import Scores
from stentrans.lattice import Lattice
from stentrans.methods import registry
from stentrans.methods.base import FitOptions

PUBLISHED: Final = "published"
ABOUT: Final = (
    "not a hold-out: the same pair is trained and scored, measured spots included, on raw counts, "
    "as published; it rewards memory and says nothing about unseen spots"
)
METRIC: Final = "published_pearson"
IMAGE_METHODS: Final = frozenset(("paper", "dist", "nedi"))
"""Methods that predict the section from its thinned quarter as an image."""
_UNTRAINED: Final = "nedi"

Guess = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def score_published(
    name: str,
    counts: csr_matrix,
    lattice: Lattice,
    *,
    options: FitOptions,
) -> tuple[NDArray[np.int64], Scores]:
    """Score one method as published.

    Parameters
    ----------
    name
        Of the method. Image methods learn from the whole section and its thinned quarter, and
        predict the section from that quarter; others learn from the quarter alone.
    counts
        Of the whole section, CSR.
    lattice
        Of the whole section.
    options
        Passed to the method.

    Returns
    -------
    genes
        Those seen in more than a tenth of all spots, indices.
    scores
        Correlation of raw counts over all spots, per gene; without sums for an interval, because
        no more tissue of the same kind would make it a score of unseen spots.

    Raises
    ------
    ParameterError
        If the section, or its quarter, has too few spots or no such gene.
    """
    genes = scored_genes(counts)
    fit = _from_pair if name in IMAGE_METHODS else _from_quarter
    guess = fit(name, counts[:, genes], lattice, options)
    by_gene = counts[:, genes].tocsc()
    found = [
        metrics.pearson(guess(chunk), by_gene[:, chunk].toarray())
        for chunk in chunks_of(len(genes))
    ]
    no_sums = BlockSums(np.array([float(counts.shape[0])]), {})
    return genes, Scores({METRIC: np.concatenate(found)}, {}, no_sums)


def trained_on(name: str) -> str:
    """Say what a method learns from under this protocol."""
    if name == _UNTRAINED:
        return "nothing"
    return "the pair that is scored" if name in IMAGE_METHODS else "the quarter alone"


class _LearnedFromPair(Protocol):
    """What only the fitted image methods offer."""

    def predict_from_thinned(self, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Counts of the section, predicted from the quarter of itself that was learned from."""
        ...


def _from_pair(name: str, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> Guess:
    """Predict the section from its quarter by a method trained on that pair."""
    fitted = registry.load(name).fit(counts, lattice, options)
    return cast(_LearnedFromPair, fitted).predict_from_thinned


def _from_quarter(name: str, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> Guess:
    """Predict every spot, kept ones too, from every second lattice line of both axes."""
    split = next(splits(counts, lattice, "thinning", 1, options.seed))
    scored_genes(split.seen)  # refuses a quarter of too few spots
    shown = lattice_of_kept(lattice, split.kept)
    fitted = registry.load(name).fit(split.seen, shown, options)
    prediction = fitted.predict(lattice.array.astype(np.float64))
    return lambda genes: fitted.decoder.decode(prediction, genes, "counts")
