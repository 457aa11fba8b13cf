"""Whether an adjacent section shows the same genes, measured there by itself."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import poisson_binom

from stentrans.errors import ParameterError

LEVEL: Final = 0.05
N_GROUPS: Final = 20
FEWEST_SHARED: Final = 100
COLUMNS: Final = ("found", "genes", "replicated", "expected", "p_value")


def replicated(genes: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Count how many of the genes found in one section vary in another one.

    Parameters
    ----------
    genes
        Of this section: the table of `Findings`, or of `variable_genes` alone.
    other
        `variable_genes` of the other section.

    Returns
    -------
    table
        A row per way to find genes: found (``measured``, ``supported`` by hidden spots, or
        ``new``: supported but not measured); genes, those tested in both sections; replicated,
        those of them with a q-value below 0.05 in the other section; expected, for genes that are
        seen as often there but were not found here; p_value of as many by chance.

    Raises
    ------
    ParameterError
        If fewer than 100 genes were tested in both sections.

    Notes
    -----
    The other section never took part in any enhancement: what is tested there are its counts.
    """
    theirs = other.dropna(subset=["p_value"]).set_index("gene")
    ours = genes.dropna(subset=["p_value"]).set_index("gene")
    both = ours.index.intersection(theirs.index)
    if len(both) < FEWEST_SHARED:
        raise ParameterError(
            f"Two sections must have at least {FEWEST_SHARED} tested genes in common to compare "
            f"them; these have {len(both)}. Use sections of the same tissue and kind of names."
        )
    ours, theirs = ours.loc[both], theirs.loc[both]
    varies = (theirs["q_value"] < LEVEL).to_numpy()
    order = theirs["spots"].rank(method="first").to_numpy() - 1
    group = pd.Series((order * N_GROUPS // len(both)).astype(np.int64))
    rows = []
    for name, is_found in _ways(ours).items():
        chance = pd.Series(np.where(is_found, np.nan, varies)).groupby(group).transform("mean")
        # Where all genes of a group were found here, those of the section stand in.
        chance = chance.fillna(float(varies[~is_found].mean()) if (~is_found).any() else 1.0)
        of_found = chance.to_numpy()[is_found]
        n_again = int(varies[is_found].sum())
        p_value = poisson_binom.sf(n_again - 1, of_found) if len(of_found) else 1.0
        rows.append((name, int(is_found.sum()), n_again, float(of_found.sum()), float(p_value)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _ways(ours: pd.DataFrame) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    measured = (ours["q_value"] < LEVEL).to_numpy()
    if "support_q_value" not in ours:
        return {"measured": measured}
    supported = (ours["support_q_value"] < LEVEL).to_numpy()
    return {"measured": measured, "supported": supported, "new": supported & ~measured}
