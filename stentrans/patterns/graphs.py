"""Graphs of things that are alike, and their communities by Leiden; scanpy does the work."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

ALIKE: Final = 15
"""Most alike others that a thing is joined with; scanpy's default."""
MOST_STEPS: Final = 20
"""Resolutions tried to reach a wanted number of communities."""
_RESOLUTIONS: Final = (0.01, 20.0)


def likeness_graph(
    points: NDArray[np.floating], *, seed: int, metric: str = "euclidean"
) -> csr_matrix:
    """Join each point with those most like it.

    Parameters
    ----------
    points
        Shape ``(n_points, n_features)``.
    seed
        Seeds the search, which is approximate for thousands of points.
    metric
        ``"euclidean"`` or ``"correlation"``.

    Returns
    -------
    weights
        Symmetric, in [0, 1], shape ``(n_points, n_points)``.
    """
    import scanpy as sc
    from anndata import AnnData

    held = AnnData(np.asarray(points, np.float32))
    n_neighbours = min(ALIKE, len(points) - 1)
    sc.pp.neighbors(held, n_neighbours, use_rep="X", metric=metric, random_state=seed)
    return csr_matrix(held.obsp["connectivities"])


def joined(one: csr_matrix, other: csr_matrix, share: float) -> csr_matrix:
    """Mix two graphs, each first scaled to mean degree 1; ``share`` is that of the other."""
    mine, theirs = (max(float(graph.sum()), 1e-12) / graph.shape[0] for graph in (one, other))
    return csr_matrix(one * ((1 - share) / mine) + other * (share / theirs))


def communities(graph: csr_matrix, resolution: float, *, seed: int) -> NDArray[np.int64]:
    """Leiden communities, shape ``(n_points,)``, numbered from 0 by decreasing size."""
    import scanpy as sc
    from anndata import AnnData

    held = AnnData(np.zeros((graph.shape[0], 1), np.float32))
    sc.tl.leiden(
        held,
        resolution,
        adjacency=graph,
        random_state=seed,
        flavor="igraph",
        directed=False,
        n_iterations=-1,
    )
    return by_size(held.obs["leiden"].to_numpy(np.int64))


def resolution_for(graph: csr_matrix, wanted: int, *, seed: int) -> float:
    """Find the resolution that gives a wanted number of communities, or the nearest to it."""
    low, high = _RESOLUTIONS
    best, best_off = 1.0, graph.shape[0]
    for _ in range(MOST_STEPS):
        middle = float(np.sqrt(low * high))
        off = int(communities(graph, middle, seed=seed).max()) + 1 - wanted
        if abs(off) < best_off:
            best, best_off = middle, abs(off)
        if off == 0:
            break
        low, high = (middle, high) if off < 0 else (low, middle)
    return best


def by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number labels anew from 0, the most frequent first; equals keep their order."""
    values, counts = np.unique(labels, return_counts=True)
    place = np.empty(len(values), np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(values))
    return np.asarray(place[np.searchsorted(values, labels)])
