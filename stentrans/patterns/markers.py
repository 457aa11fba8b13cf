"""Genes that a domain has more of than the rest of the section, by scanpy on measured counts."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.preprocess import detected_share, log_normalise, median_library

LEAST_SEEN: Final = 10
"""Spots that a gene must be seen in."""
LEAST_FOLD: Final = 1.0
"""Binary log of the mean counts' ratio from which on a gene marks a domain."""
MARKER_Q: Final = 0.05
COLUMNS: Final = ("domain", "gene", "log2_fold_change", "score", "p_value", "q_value")


def domain_markers(tissue: AnnData, domain: NDArray[np.int64]) -> pd.DataFrame:
    """Rank the genes of every domain against all other spots.

    Parameters
    ----------
    tissue
        Spots on tissue: counts in ``X``, CSR; left as it was.
    domain
        Of each spot, from 1.

    Returns
    -------
    table
        One row per domain and gene seen in at least 10 spots, each domain's genes by falling
        score: domain, gene, log2_fold_change of the mean normalised counts, score (Wilcoxon's, in
        standard deviations), p_value, q_value. Empty where there is one domain only, or where a
        domain has a single spot.

    Notes
    -----
    The domains were made from the same counts, so p-values rank genes and prove nothing.
    """
    import scanpy as sc

    values, sizes = np.unique(domain, return_counts=True)
    values = values[sizes > 1]
    if len(values) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    counts = csr_matrix(tissue.X)
    genes = np.flatnonzero(detected_share(counts) * tissue.n_obs >= LEAST_SEEN)
    logged = log_normalise(counts, median_library(counts))[:, genes]
    held = AnnData(logged, var=pd.DataFrame(index=tissue.var_names[genes]))
    held.obs["domain"] = pd.Categorical(domain.astype(str))
    held.uns["log1p"] = {"base": None}
    names = [str(value) for value in values]
    sc.tl.rank_genes_groups(held, "domain", groups=names, method="wilcoxon", tie_correct=True)
    parts = [_of_domain(held, name) for name in names]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def marker_genes(markers: pd.DataFrame, domain: int, most: int) -> list[str]:
    """Genes that a domain has at least twice as much of, the surest first, at most ``most``."""
    mine = markers[markers["domain"] == domain]
    sure = (mine["q_value"] < MARKER_Q) & (mine["log2_fold_change"] >= LEAST_FOLD)
    return list(mine.loc[sure, "gene"].head(most))


def _of_domain(held: AnnData, name: str) -> pd.DataFrame:
    import scanpy as sc

    found: pd.DataFrame = sc.get.rank_genes_groups_df(held, group=name)
    found.columns = ["gene", "score", "log2_fold_change", "p_value", "q_value"]
    found["domain"] = int(name)
    return found
