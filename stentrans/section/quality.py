"""What speaks for and against each spot, and a section with poor spots set aside."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE
from stentrans.lattice import edge_distance
from stentrans.preprocess import library_size
from stentrans.section.check import MIN_SPOTS, check_section, on_tissue
from stentrans.section.notes import Note, add_notes
from stentrans.section.positions import lattice_of
from stentrans.validate import check_integer, check_names, check_number

SET_ASIDE: Final = "set_aside"
"""``obs`` column of a filtered section: why a spot was set aside, empty for the others."""
MITOCHONDRIAL: Final = "mt-"
_MADS: Final = 3.0
_NORMAL_MAD: Final = 1.4826  # a median deviation as standard deviation, for normal values


def spot_quality(section: AnnData) -> pd.DataFrame:
    """Measure what speaks for and against each spot on tissue.

    Parameters
    ----------
    section
        Validated section; left as it was.

    Returns
    -------
    quality
        One row per spot on tissue, index as in the section: ``array_row``, ``array_col``;
        ``library``, total counts; ``genes``, how many are seen; ``mitochondrial``, their share of
        the counts in [0, 1], NaN where no gene name begins with MT- or mt-, 0 for an empty spot;
        ``edge_distance`` to the outline of the tissue in spacings, 1 on it.
    """
    tissue = on_tissue(section)
    counts = csr_matrix(tissue.X)
    library = library_size(counts)
    return pd.DataFrame(
        {
            ARRAY_ROW: tissue.obs[ARRAY_ROW].to_numpy(np.int64),
            ARRAY_COL: tissue.obs[ARRAY_COL].to_numpy(np.int64),
            "library": library,
            "genes": np.diff(counts.indptr),
            "mitochondrial": _mitochondrial_share(tissue, library),
            "edge_distance": edge_distance(lattice_of(tissue)),
        },
        index=tissue.obs_names.copy(),
    )


def mitochondrial_genes(section: AnnData) -> list[str]:
    """Return the genes whose symbol begins with MT- or mt-."""
    return [str(name) for name in section.var_names if str(name).lower().startswith(MITOCHONDRIAL)]


def low_outlier(values: NDArray[np.floating]) -> float:
    """Return the value below which a spot stands out: three median deviations on the log scale.

    Parameters
    ----------
    values
        Library sizes or numbers of genes, shape ``(n_spots,)``.
    """
    logs = np.log1p(np.asarray(values, np.float64))
    middle = np.median(logs)
    deviation = _NORMAL_MAD * np.median(np.abs(logs - middle))
    return float(max(np.expm1(middle - _MADS * deviation), 0.0))


def high_outlier(shares: NDArray[np.floating]) -> float:
    """Return the share above which a spot stands out: three median deviations, at most 1."""
    middle = np.median(shares)
    return float(min(middle + _MADS * _NORMAL_MAD * np.median(np.abs(shares - middle)), 1.0))


def poor_spots(
    quality: pd.DataFrame, *, min_counts: int = 0, min_genes: int = 0, max_mito: float = 1.0
) -> pd.Series:
    """Say which spots thresholds set aside, and why.

    Parameters
    ----------
    quality
        From `spot_quality`; left as it was.
    min_counts, min_genes, max_mito
        As for `filter_spots`.

    Returns
    -------
    reasons
        One text per spot, index as in ``quality``; empty for a spot that stays.
    """
    checks = {
        f"fewer than {min_counts} counts": quality["library"] < min_counts,
        f"fewer than {min_genes} genes": quality["genes"] < min_genes,
        # A missing share is no reason.
        f"over {max_mito:.0%} mitochondrial": quality["mitochondrial"] > max_mito,
    }
    failed = np.column_stack([fails.to_numpy() for fails in checks.values()])
    words = np.array(list(checks))
    told = [", ".join(words[spot]) for spot in failed]
    return pd.Series(told, index=quality.index, dtype=object)


def filter_spots(
    section: AnnData,
    *,
    min_counts: int = 0,
    min_genes: int = 0,
    max_mito: float = 1.0,
    drop: Collection[str] = (),
) -> AnnData:
    """Set poor spots aside; those inside the tissue become gaps, which an enhancement fills.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    min_counts
        Least total counts of a spot.
    min_genes
        Least genes seen at a spot.
    max_mito
        Largest share of counts of genes named MT- or mt-, in [0, 1]; without such genes it
        removes nothing.
    drop
        Names of spots to set aside whatever they show, for example below a fold.

    Returns
    -------
    filtered
        A new section with all spots; those set aside are marked off tissue (``in_tissue`` 0), with
        the reason in ``obs["set_aside"]``, so that nothing is lost. A note says how many.

    Raises
    ------
    SectionFormatError
        If the section is not usable, or fewer than 30 spots would remain.
    ParameterError
        If a threshold is out of range.
    MissingKeyError
        If a spot to drop is not in the section.
    """
    limits = {
        "min_counts": check_integer("min_counts", min_counts, low=0),
        "min_genes": check_integer("min_genes", min_genes, low=0),
        "max_mito": check_number("max_mito", max_mito, low=0.0, high=1.0),
    }
    filtered = check_section(section)
    quality = spot_quality(filtered)
    check_names("spot", list(drop), list(map(str, filtered.obs_names)))
    reasons = poor_spots(quality, **limits)  # type: ignore[arg-type]  # checked just above
    chosen = reasons.index.isin(list(drop))
    reasons[chosen] = np.where(reasons[chosen] == "", "dropped by name", reasons[chosen])
    n_left = int((reasons == "").sum())
    if n_left < MIN_SPOTS:
        raise SectionFormatError(
            f"Thresholds must leave at least {MIN_SPOTS} spots on tissue; these leave {n_left} of "
            f"{len(reasons)}. Lower them."
        )
    _set_aside(filtered, reasons)
    return filtered


def _set_aside(section: AnnData, reasons: pd.Series) -> None:
    """Mark spots off tissue in place and note how many and why."""
    given = reasons.reindex(section.obs_names)
    earlier = section.obs[SET_ASIDE].astype(str) if SET_ASIDE in section.obs else ""
    section.obs[SET_ASIDE] = given.fillna(earlier).astype(str)
    section.obs[IN_TISSUE] = (given == "").astype(np.int64)
    counted = reasons[reasons != ""].value_counts()
    if len(counted):
        told = "; ".join(f"{number} {words}" for words, number in counted.items())
        spots = "1 spot" if counted.sum() == 1 else f"{counted.sum()} spots"
        add_notes(section, [Note("", f"{spots} set aside: {told}.")])


def _mitochondrial_share(tissue: AnnData, library: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of mitochondrial counts per spot; NaN where there are no such genes."""
    genes = mitochondrial_genes(tissue)
    if not genes:
        return np.full(tissue.n_obs, np.nan)
    own = library_size(csr_matrix(tissue[:, genes].X))
    return np.divide(own, library, out=np.zeros_like(own), where=library > 0)
