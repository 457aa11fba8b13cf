"""What enhanced maps show when they are taken at face value: not evidence, see `support`."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import KDTree

from stentrans.enhancement import Enhancement
from stentrans.keys import INSERTED, ORIGIN
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.permutation import q_values
from stentrans.patterns.residuals import GENES_AT_ONCE
from stentrans.patterns.support import FLAT

MOST_SITES: Final = 2_000
"""Inserted sites at which maps are read, evenly over the section."""


def shown_genes(enhancement: Enhancement, *, on_progress: OnProgress | None = None) -> pd.DataFrame:
    """Describe the enhanced map of every gene as a naive test would.

    Parameters
    ----------
    enhancement
        What is described; its inserted sites, where own counts play no part, or all sites where
        none was inserted.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    table
        One row per gene, in their order: gene; strength, standard deviation over sites of log
        values at equal depth; map_morans_i of adjacent sites; map_p_value and map_q_value of a
        test that takes sites as independent measurements, which they are not: smooth maps pass it
        whether or not the gene varies. A flat map has strength 0, Moran's I 0 and p-value 1.

    Raises
    ------
    Cancelled
        If ``on_progress`` returned False.
    """
    one, other = _adjacent(enhancement.sites)
    prediction = enhancement.prediction.rows(np.concatenate([one, other]))
    n_genes = len(enhancement.genes)
    strength, alike = np.zeros(n_genes), np.zeros(n_genes)
    for start in range(0, n_genes, GENES_AT_ONCE):
        report(on_progress, Progress("reading maps", start / n_genes))
        genes = np.arange(start, min(start + GENES_AT_ONCE, n_genes))
        values = enhancement.decoder.decode(prediction, genes, "composition")
        strength[genes], alike[genes] = _described(values, len(one))
    p_value = stats.norm.sf(alike * np.sqrt(len(one)))
    p_value[strength == 0] = 1.0
    return pd.DataFrame(
        {
            "gene": enhancement.genes.to_numpy(),
            "strength": strength,
            "map_morans_i": alike,
            "map_p_value": p_value,
            "map_q_value": q_values(p_value),
        }
    )


def _adjacent(sites: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Some sites and for each the nearest other one."""
    inserted = np.flatnonzero((sites[ORIGIN] == INSERTED).to_numpy())
    places = inserted if len(inserted) > 1 else np.arange(len(sites))
    plane = sites[["x_um", "y_um"]].to_numpy(np.float64)
    some = places[np.unique(np.linspace(0, len(places) - 1, MOST_SITES).astype(np.int64))]
    nearest = np.asarray(KDTree(plane[places]).query(plane[some], k=2)[1], np.int64)
    return some, places[nearest[:, 1]]


def _described(
    values: NDArray[np.float32], n_pairs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Strength and likeness of pairs; rows are first ends, then second ends."""
    centred = values - values[:n_pairs].mean(0, dtype=np.float64)
    one, other = centred[:n_pairs], centred[n_pairs:]
    power = (one**2).mean(0)
    shows = power > FLAT**2
    likeness = (one * other).mean(0) / np.where(shows, power, 1.0)
    return np.where(shows, np.sqrt(power), 0.0), np.where(shows, likeness, 0.0)
