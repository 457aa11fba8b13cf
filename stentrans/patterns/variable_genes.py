"""Which genes vary in space, by their counts, with depth taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.enhancement import prepare
from stentrans.lattice import Lattice
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.kernels import Kernel, bump_kernels, neighbour_kernel
from stentrans.patterns.permutation import Tested, assess, combine, q_values
from stentrans.patterns.residuals import CountResiduals
from stentrans.validate import check_seed

if TYPE_CHECKING:
    from anndata import AnnData

FEWEST_SPOTS: Final = 10
"""Spots that a gene must be seen in to be tested; in fewer, hardly any pattern can be told."""
_TINY: Final = 1e-300
COLUMNS: Final = (
    "gene",
    "statistic",
    "p_value",
    "q_value",
    "range_spots",
    "morans_i",
    "morans_p_value",
    "morans_q_value",
    "spots",
)


def variable_genes(
    section: AnnData, *, seed: int = 0, on_progress: OnProgress | None = None
) -> pd.DataFrame:
    """Rank the genes of a section by the evidence that their counts vary in space.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    seed
        Draws the spots from which one moment is estimated in sections of more than 2,000.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    table
        One row per gene with counts, the surest first: gene; statistic, that of the surest range,
        in standard deviations of permuted spots; p_value and q_value (false discovery rate,
        Benjamini-Hochberg) of all ranges together; range_spots, how far the clearest pattern
        reaches, in spacings of the spots; morans_i with morans_p_value and morans_q_value, of
        neighbours alone; spots, how many the gene was seen in. Genes seen in fewer than 10 spots
        are not tested: NaN, at the end.

    Raises
    ------
    SectionFormatError
        If the section is not usable.
    Cancelled
        If ``on_progress`` returned False.

    Notes
    -----
    Values are residuals of the counts from those expected at the spot's own depth under the
    section's mean composition (`CountResiduals`), so that a depth that varies in space is no
    pattern. As in SPARK and SPARK-X (Sun et al., Nature Methods 2020; Zhu et al., Genome Biology
    2021) their covariance is compared with spatial kernels of several ranges, and the p-values
    are joined by the Cauchy combination. The kernels here are Moran's neighbours and overlapping
    bumps without the diagonal; the null is that of permuted spots, by moments (`assess`).
    """
    rng = np.random.default_rng(check_seed(seed))
    tissue, lattice = prepare(section)
    report(on_progress, Progress("measuring distances", 0.02))
    spots, kernels = spots_with_counts(tissue.X, lattice, rng)
    residuals = CountResiduals(csr_matrix(tissue.X[spots]))
    chosen = np.flatnonzero(residuals.seen >= FEWEST_SPOTS)
    tests = np.full((len(kernels), 3, len(chosen)), np.nan)
    for part, values in residuals.chunks(chosen):
        report(on_progress, Progress("testing genes", 0.1 + 0.9 * part.start / len(chosen)))
        tests[:, :, part] = [_rows(tested) for tested in assess(values, kernels)]
    table = _table(tests, np.array([kernel.range_spots for kernel in kernels]))
    table.insert(0, "gene", tissue.var_names.to_numpy()[chosen])
    table["spots"] = residuals.seen[chosen]
    report(on_progress, Progress("done", 1.0))
    return _ranked(table, _untested(tissue.var_names, residuals.seen))


def spots_with_counts(
    counts: csr_matrix, lattice: Lattice, rng: np.random.Generator
) -> tuple[NDArray[np.int64], list[Kernel]]:
    """Find the spots that have counts, indices, and their kernels.

    Parameters
    ----------
    counts
        CSR, one row per spot of ``lattice``; left as it was.
    lattice
        Where the spots lie.
    rng
        As for `bump_kernels`.
    """
    spots = np.flatnonzero(np.asarray(counts.sum(1)).ravel() > 0)
    return spots, [neighbour_kernel(lattice, spots), *bump_kernels(lattice, spots, rng)]


def _rows(tested: Tested) -> NDArray[np.float64]:
    return np.stack([tested.statistic, tested.p_value, tested.mean_product])


def _table(tests: NDArray[np.float64], ranges: NDArray[np.float64]) -> pd.DataFrame:
    """Join the tests of all kernels, shape ``(n_kernels, 3, n_genes)``; the first is Moran's."""
    joined = combine(tests[:, 1])
    # Where several p-values are too small to be told apart, the statistic decides.
    evidence = np.minimum(-np.log(np.maximum(tests[:, 1], _TINY)), -np.log(_TINY))
    surest = (evidence + np.where(tests[:, 1] <= _TINY, tests[:, 0], 0)).argmax(0)
    columns = {
        "statistic": np.take_along_axis(tests[:, 0], surest[None], 0)[0],
        "p_value": joined,
        "q_value": q_values(joined),
        "range_spots": ranges[surest],
        "morans_i": tests[0, 2],
        "morans_p_value": tests[0, 1],
        "morans_q_value": q_values(tests[0, 1]),
    }
    return pd.DataFrame(columns)


def _untested(names: pd.Index, seen: NDArray[np.int64]) -> pd.DataFrame:
    """Genes that were seen, but too seldom."""
    seldom = (seen > 0) & (seen < FEWEST_SPOTS)
    return pd.DataFrame({"gene": names.to_numpy()[seldom], "spots": seen[seldom]})


def _ranked(tested: pd.DataFrame, untested: pd.DataFrame) -> pd.DataFrame:
    """Surest genes first; the smallest p-values are equal, so the statistic decides there."""
    ranked = tested.sort_values(["p_value", "statistic"], ascending=[True, False], kind="stable")
    whole = pd.concat([ranked, untested.reindex(columns=tested.columns)], ignore_index=True)
    return whole[list(COLUMNS)].astype({"spots": np.int64})
