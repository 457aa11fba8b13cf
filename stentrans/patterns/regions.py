"""What a region of spots has that others lack: statistics of a gene, and tests of all genes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError, ShapeError, StoreError
from stentrans.methods.base import Progress, report
from stentrans.preprocess import detected_share, log_normalise, median_library
from stentrans.section import on_tissue
from stentrans.validate import check_option

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.methods.base import OnProgress

Test = Literal["wilcoxon", "t-test"]
TESTS: Final = ("wilcoxon", "t-test")
FEWEST_SPOTS: Final = 5
"""Spots on either side of a comparison; with fewer no rank test can find anything."""
LEAST_SEEN: Final = 5
"""Spots of both sides that a gene must be seen in to be tested."""


_TABLE_FILE: Final = "markers.csv"


class Markers:
    """Genes of a region, most significant first; see `differential_expression`.

    Parameters
    ----------
    table
        As `differential_expression` returns it.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @property
    def summary(self) -> dict[str, float]:
        """Genes tested, and those with a q-value below 0.05."""
        return {
            "genes": float(len(self.table)),
            "significant": float((self.table["q_value"] < 0.05).sum()),
        }

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        self.table.to_csv(target / _TABLE_FILE, index=False)

    @classmethod
    def load(cls, folder: str | Path) -> Markers:
        """Load what `save` wrote; raises StoreError if it is missing or damaged."""
        try:
            # A gene named "NA" is a gene, not a missing value.
            source = Path(folder) / _TABLE_FILE
            return cls(pd.read_csv(source, keep_default_na=False, dtype={"gene": str}))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{folder} must hold a saved comparison of regions; it could not be read "
                f"({error}). Compare them again."
            ) from error


def markers(
    section: AnnData,
    region: Sequence[int],
    reference: Sequence[int] = (),
    *,
    test: Test = "wilcoxon",
    on_progress: OnProgress | None = None,
) -> Markers:
    """Compare two sets of spots on tissue; see `differential_expression`.

    Parameters
    ----------
    section
        Spots off tissue are left out before positions are counted. Left as it was.
    region, reference
        Positions among the spots on tissue; an empty reference stands for all others.
    test, on_progress
        As for `differential_expression` and `stentrans.enhance`.

    Raises
    ------
    ParameterError
        If a position is none, or as for `differential_expression`.
    """
    tissue = on_tissue(section)
    report(on_progress, Progress("comparing", 0.1))
    masks = [_mask(tissue.n_obs, spots) for spots in (region, reference)]
    other = masks[1] if len(reference) else None
    table = differential_expression(tissue, masks[0], other, test=test)
    report(on_progress, Progress("done", 1.0))
    return Markers(table)


def _mask(n_spots: int, spots: Sequence[int]) -> NDArray[np.bool_]:
    """Mark spots by their positions."""
    chosen = np.asarray(spots, dtype=np.int64)
    if chosen.size and (chosen.min() < 0 or chosen.max() >= n_spots):
        raise ParameterError(
            f"Spots of a region must be positions from 0 to {n_spots - 1}; got "
            f"{chosen.min()} to {chosen.max()}. Draw the region on this section."
        )
    mask = np.zeros(n_spots, dtype=bool)
    mask[chosen] = True
    return mask


def differential_expression(
    section: AnnData,
    region: NDArray[np.bool_],
    reference: NDArray[np.bool_] | None = None,
    *,
    test: Test = "wilcoxon",
) -> pd.DataFrame:
    """Compare what was measured in a region with the rest, or with another region.

    Parameters
    ----------
    section
        A validated section: counts in ``X``, CSR. Left as it was. Enhanced values are of no use
        here: neighbouring sites share their counts, and any test would find too much.
    region
        Shape ``(n_spots,)``, bool.
    reference
        Same shape; spots that are in both are left out. None: all spots outside the region.
    test
        ``"wilcoxon"`` (rank sum, corrected for ties) or ``"t-test"`` (Welch).

    Returns
    -------
    table
        One row per gene seen in at least 5 spots, most significant first: gene,
        log2_fold_change of the mean normalised counts, score, p_value, q_value (Benjamini-
        Hochberg), share_region and share_reference (of spots in which the gene was seen),
        mean_region and mean_reference (log1p of counts scaled to the median library).

    Raises
    ------
    ShapeError
        If a mask does not fit the section.
    ParameterError
        If a side has fewer than 5 spots, or the test is unknown.

    Notes
    -----
    The tests are scanpy's ``rank_genes_groups``. Spots are taken as independent, which they are
    not quite: neighbours resemble each other, and a region is drawn where something was seen. So
    q-values rank genes, they prove little.
    """
    import scanpy as sc
    from anndata import AnnData as Table

    check_option("test", test, TESTS)
    sides = _sides(section.n_obs, region, reference)
    spots = np.flatnonzero(sides[0] | sides[1])
    counts = csr_matrix(section.X)[spots]
    genes = np.flatnonzero(detected_share(counts) * len(spots) >= LEAST_SEEN)
    values = log_normalise(counts, median_library(csr_matrix(section.X)))[:, genes]
    is_inside = sides[0][spots]
    table = Table(values, var=pd.DataFrame(index=section.var_names[genes]))
    table.obs["side"] = pd.Categorical(np.where(is_inside, "region", "reference"))
    table.uns["log1p"] = {"base": None}
    sc.tl.rank_genes_groups(
        table,
        "side",
        groups=["region"],
        reference="reference",
        method=test,
        tie_correct=test == "wilcoxon",
        n_genes=len(genes),
    )
    found = sc.get.rank_genes_groups_df(table, group="region")
    return _described(found, values, is_inside, table.var_names)


def _described(
    found: pd.DataFrame, values: csr_matrix, is_inside: NDArray[np.bool_], genes: pd.Index
) -> pd.DataFrame:
    """Tests under our names, with means and shares of both sides."""
    sides = {"region": values[is_inside], "reference": values[~is_inside]}
    told = {f"share_{name}": detected_share(part) for name, part in sides.items()}
    told |= {f"mean_{name}": np.asarray(part.mean(0)).ravel() for name, part in sides.items()}
    table = pd.DataFrame(
        {
            "gene": found["names"],
            "log2_fold_change": found["logfoldchanges"],
            "score": found["scores"],
            "p_value": found["pvals"],
            "q_value": found["pvals_adj"],
        }
    ).join(pd.DataFrame(told, index=genes), on="gene")
    table["off"] = -table["score"].abs()
    ranked = table.sort_values(["p_value", "off"], kind="stable", ignore_index=True)
    return ranked.drop(columns="off")


def _sides(
    n_spots: int, region: NDArray[np.bool_], reference: NDArray[np.bool_] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of both sides, disjoint and large enough."""
    given = [region] if reference is None else [region, reference]
    for mask in given:
        if mask.shape != (n_spots,) or mask.dtype != np.bool_:
            raise ShapeError(
                f"A region must be marked by one truth value per spot, {n_spots}; got shape "
                f"{mask.shape} of {mask.dtype}."
            )
    inside, outside = region, ~region
    if reference is not None:
        inside, outside = region & ~reference, reference & ~region
    for name, side in (("region", inside), ("reference", outside)):
        if side.sum() < FEWEST_SPOTS:
            raise ParameterError(
                f"Both sides of a comparison must have at least {FEWEST_SPOTS} spots of their own; "
                f"the {name} has {side.sum()}. Draw a larger region."
            )
    return inside, outside


def region_statistics(
    groups: dict[str, NDArray[np.floating]], *, threshold: float = 0.0
) -> pd.DataFrame:
    """Describe the values of one gene in groups of spots or sites.

    Parameters
    ----------
    groups
        Values by the name of the group, each of shape ``(n,)``, any ``n``.
    threshold
        A value above it counts as detected.

    Returns
    -------
    table
        One row per group that has values, in the order given: group, n, mean, median, sd and
        detected (share of values above the threshold).
    """
    rows = []
    for name, values in groups.items():
        if values.size:
            rows.append(
                {
                    "group": name,
                    "n": int(values.size),
                    "mean": float(values.mean(dtype=np.float64)),
                    "median": float(np.median(values)),
                    "sd": float(values.std(dtype=np.float64)),
                    "detected": float((values > threshold).mean()),
                }
            )
    return pd.DataFrame(rows, columns=["group", "n", "mean", "median", "sd", "detected"])
