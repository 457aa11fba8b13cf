"""Which gene sets a list or a ranking of genes is rich in, and which are active where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson_binom

from stentrans.errors import ParameterError
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.gene_sets import limited
from stentrans.patterns.permutation import q_values
from stentrans.validate import check_seed

FEWEST: Final = 5
MOST: Final = 500
"""Tested genes of a set: in smaller ones one gene decides, larger ones say little."""
N_GROUPS: Final = 20
"""Groups of genes seen about as often, for what a list of such genes would hit anyway."""
SETS_AT_ONCE: Final = 200
"""Sets that are looked for in a ranking between two reports of progress: about a second."""
ENRICHED_COLUMNS: Final = (
    "term",
    "hits",
    "size",
    "expected",
    "expected_as_often_seen",
    "odds_ratio",
    "p_value",
    "q_value",
    "p_as_often_seen",
    "q_as_often_seen",
    "genes",
)
RANKED_COLUMNS: Final = ("term", "size", "score", "p_value", "q_value", "leading_genes")


def enriched(
    genes: Sequence[str],
    gene_sets: Mapping[str, Sequence[str]],
    background: Mapping[str, float],
) -> pd.DataFrame:
    """Find the sets that hold more of a list of genes than chance would put there.

    Parameters
    ----------
    genes
        The list; genes outside the background play no part.
    gene_sets
        Symbols of each set, in the names of the section (`gene_sets.match`).
    background
        The genes that could have come into the list, those that were tested and not the genome,
        each with the number of spots that it was seen in.

    Returns
    -------
    table
        One row per set with a hit, the surest first: term; hits; size, tested genes of the set;
        expected, hits of a random list as long; odds_ratio; p_value (hypergeometric) and q_value
        (Benjamini-Hochberg over all sets that were tested, those without a hit included);
        expected_as_often_seen, hits of a random list of genes seen in as many spots, with
        p_as_often_seen and q_as_often_seen; genes, the hits.

    Raises
    ------
    ParameterError
        If no gene of the list is in the background, or no set has a size that can be tested.

    Notes
    -----
    ``p_value`` is gseapy's offline over-representation test. Genes that are seen often come into
    most lists more easily, and sets of such genes (ribosome, mitochondria) then look enriched in
    any list; ``p_as_often_seen`` compares with lists of the same mix of often and seldom seen
    genes. Both take genes as independent, which genes of one pathway are not.
    """
    from gseapy import enrich

    chosen = sorted(set(genes) & set(background))
    sets = testable(gene_sets, list(background))
    if not chosen:
        raise ParameterError(
            f"The list must share genes with the {len(background)} that were tested; none of its "
            f"{len(set(genes))} genes is among them."
        )
    if not any(set(chosen) & set(members) for members in sets.values()):
        return pd.DataFrame(columns=list(ENRICHED_COLUMNS))
    found = enrich(chosen, sets, background=list(background), outdir=None, no_plot=True).results
    hits = found["Overlap"].str.partition("/")[0].astype(np.int64).to_numpy()
    size = found["Term"].map({term: len(members) for term, members in sets.items()}).to_numpy()
    expected, p_seen = _as_often_seen(chosen, [sets[term] for term in found["Term"]], background)
    table = pd.DataFrame(
        {
            "term": found["Term"].astype(str),
            "hits": hits,
            "size": size,
            "expected": size * len(chosen) / len(background),
            "expected_as_often_seen": expected,
            "odds_ratio": found["Odds Ratio"].astype(np.float64),
            "p_value": found["P-value"].astype(np.float64),
            "q_value": _q_among(found["P-value"].to_numpy(np.float64), len(sets)),
            "p_as_often_seen": p_seen,
            "q_as_often_seen": _q_among(p_seen, len(sets)),
            "genes": found["Genes"].astype(str).str.replace(";", ", "),
        }
    )
    table["doubt"] = table[["p_value", "p_as_often_seen"]].max(axis=1)
    ranked = table.sort_values(["doubt", "p_value", "term"], ignore_index=True)
    return ranked[list(ENRICHED_COLUMNS)]


def _q_among(p_values: NDArray[np.float64], n_tests: int) -> NDArray[np.float64]:
    """False discovery rates of some tests, all others having found nothing."""
    padded = np.ones(n_tests)
    padded[: len(p_values)] = p_values
    return q_values(padded)[: len(p_values)]


def enriched_in_ranking(
    ranking: pd.Series,
    gene_sets: Mapping[str, Sequence[str]],
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Find the sets whose genes stand higher, or lower, in a ranking than chance would put them.

    Parameters
    ----------
    ranking
        A number per gene, the gene as index: how much it varies, or how much more a domain has
        of it. All tested genes, not only the best.
    gene_sets
        As for `enriched`.
    seed
        Draws the permutations of genes.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    table
        One row per set, the surest first: term; size, ranked genes of the set; score, the
        normalised enrichment score, positive for sets at the top; p_value; q_value (Benjamini-
        Hochberg); leading_genes, those that make the score. Sets whose score hardly any random
        set shares the sign of get NaN, at the end: their p-value cannot be estimated.

    Raises
    ------
    ParameterError
        If the ranking holds fewer than 10 genes or numbers that are not finite, or no set has a
        size that can be tested.
    Cancelled
        If ``on_progress`` returned False.

    Notes
    -----
    gseapy's prerank by the multilevel method of fgsea (Korotkevich et al., bioRxiv 060012). Genes
    are permuted, not spots, as if genes of one pathway were independent: q-values are too small.
    """
    values = ranking.astype(np.float64)
    if len(values) < 10 or not np.isfinite(values).all() or values.index.has_duplicates:
        raise ParameterError(
            f"A ranking must hold a finite number for each of at least 10 genes, each once; got "
            f"{len(values)} rows, {int((~np.isfinite(values)).sum())} of them not finite."
        )
    seed = check_seed(seed)
    sets = testable(gene_sets, list(values.index))
    ranked, terms, parts = without_ties(values), list(sets), []
    for start in range(0, len(terms), SETS_AT_ONCE):
        report(on_progress, Progress("ranking gene sets", start / len(terms)))
        some = {term: sets[term] for term in terms[start : start + SETS_AT_ONCE]}
        parts.append(_ranked_sets(ranked, some, seed))
    table = pd.concat(parts, ignore_index=True)
    is_known = table["p_value"].notna()
    table.loc[is_known, "q_value"] = q_values(table.loc[is_known, "p_value"].to_numpy())
    report(on_progress, Progress("done", 1.0))
    return table.sort_values(["p_value", "term"], ignore_index=True)[list(RANKED_COLUMNS)]


def _ranked_sets(ranked: pd.Series, sets: dict[str, list[str]], seed: int) -> pd.DataFrame:
    """Ask gseapy for some sets: all columns but the q-values."""
    from gseapy import prerank

    found = prerank(
        ranked,
        sets,
        outdir=None,
        no_plot=True,
        min_size=1,
        max_size=len(ranked),
        method="multilevel",
        threads=1,
        seed=seed,
    ).res2d
    return pd.DataFrame(
        {
            "term": found["Term"].astype(str),
            "size": [len(sets[term]) for term in found["Term"]],
            "score": found["NES"].astype(np.float64),
            "p_value": found["NOM p-val"].astype(np.float64),
            "leading_genes": found["Lead_genes"].astype(str).str.replace(";", ", "),
        }
    )


def testable(
    gene_sets: Mapping[str, Sequence[str]], background: Sequence[str]
) -> dict[str, list[str]]:
    """Keep what was tested of each set, and the sets of 5 to 500 such genes.

    Raises
    ------
    ParameterError
        If none is left.
    """
    sets = limited(gene_sets, pd.Index(background), fewest=FEWEST, most=MOST)
    if not sets:
        raise ParameterError(
            f"A gene set must hold {FEWEST} to {MOST} of the {len(background)} genes that were "
            f"tested; none of the {len(gene_sets)} sets does. Use other sets or a deeper section."
        )
    return sets


def without_ties(values: pd.Series) -> pd.Series:
    """Order equal values by name instead of by chance, without moving any past another."""
    order = np.lexsort((values.index.to_numpy(dtype=str), -values.to_numpy()))
    ranked = values.iloc[order]
    step = np.finfo(np.float64).eps * max(1.0, float(np.abs(ranked).max()))
    return ranked - step * np.arange(len(ranked))


def _as_often_seen(
    chosen: Sequence[str], sets: Sequence[Sequence[str]], background: Mapping[str, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean hits of lists with the same mix of often and seldom seen genes, and p-values."""
    seen = pd.Series(background, dtype=np.float64).rank(method="first")
    group = ((seen - 1) * N_GROUPS // len(seen)).astype(np.int64)
    listed = pd.Series(seen.index.isin(chosen), index=seen.index)
    chance = listed.groupby(group).transform("mean")
    expected, p_value = np.empty(len(sets)), np.empty(len(sets))
    for i, genes in enumerate(sets):
        of_genes = chance.loc[list(genes)].to_numpy(np.float64)
        expected[i] = of_genes.sum()
        p_value[i] = poisson_binom.sf(int(listed.loc[list(genes)].sum()) - 1, of_genes)
    return expected, np.clip(p_value, 0, 1)
