"""Scores that look at maps: likeness of local structure, and how far neighbours agree."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array
from scipy.spatial import KDTree

from stentrans.evaluation.metrics import Values
from stentrans.lattice import Lattice

WINDOW_SD: Final = 1.5
WINDOW_RADIUS: Final = 5.0
"""Gaussian window of Wang et al., IEEE Trans. Image Process. 13 (2004) 600: sd 1.5 and reach 5
pixels there, spacings of the lattice here."""
_K1, _K2 = 0.01, 0.03  # the same paper
_LEAST = 1e-12
_ROUNDING = 1e-6  # of float32 values that are all the same


def local_windows(plane: NDArray[np.float64]) -> csr_matrix:
    """Weights of the spots around each spot, CSR, shape ``(n_spots, n_spots)``; rows sum to 1.

    Only spots take part: there is nothing beyond the edge of the tissue or in a hole, not zeros.

    Parameters
    ----------
    plane
        Isotropic positions in spacings of the lattice, shape ``(n_spots, 2)``.
    """
    tree = KDTree(plane)
    near = tree.sparse_distance_matrix(tree, WINDOW_RADIUS, output_type="ndarray")
    weight = np.exp(-0.5 * (near["v"] / WINDOW_SD) ** 2)
    windows = csr_matrix((weight, (near["i"], near["j"])), shape=(len(plane), len(plane)))
    total = np.asarray(windows.sum(1)).ravel()
    return csr_matrix(diags_array(1 / total) @ windows, dtype=np.float32)


def structural_similarity(guess: Values, truth: Values, windows: csr_matrix) -> NDArray[np.float32]:
    """Structural similarity of two maps of each gene around every spot; 1 for the same map.

    Parameters
    ----------
    guess, truth
        Shape ``(n_spots, n_genes)``.
    windows
        From `local_windows`.

    Returns
    -------
    similarity
        Shape ``(n_spots, n_genes)``, at most 1; the mean over spots is the usual score.

    Notes
    -----
    Constants are 0.01 and 0.03 of the range of ``truth``, gene by gene. Means and variances are
    weighted by the window around each spot, whatever the lattice.
    """
    shift = truth.mean(0)  # variances as differences of squares need values near 0
    x, y = (np.asarray(values - shift, np.float32) for values in (guess, truth))
    mean_x, mean_y = windows @ x, windows @ y
    var_x = np.maximum(windows @ (x * x) - mean_x**2, 0)
    var_y = np.maximum(windows @ (y * y) - mean_y**2, 0)
    shared = windows @ (x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + shift, mean_y + shift
    reach = np.ptp(truth, axis=0)
    c1, c2 = (_K1 * reach) ** 2 + _LEAST, (_K2 * reach) ** 2 + _LEAST
    level = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * shared + c2) / (var_x + var_y + c2)
    return np.asarray(level * structure, np.float32)


def adjacency(lattice: Lattice, spots: NDArray[np.int64]) -> csr_matrix:
    """Neighbours on the lattice among some of its spots, 1 where adjacent, symmetric CSR.

    Parameters
    ----------
    lattice
        Of the whole section.
    spots
        Indices of the spots that take part; row i belongs to the i-th of them.
    """
    place = np.full(lattice.n_spots, -1, np.int64)
    place[spots] = np.arange(len(spots))
    pairs = place[lattice.neighbours()]
    one, other = pairs[(pairs >= 0).all(1)].T
    rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
    ones = np.ones(len(rows), np.float32)
    return csr_matrix((ones, (rows, columns)), shape=(len(spots), len(spots)))


def morans_i(values: Values, adjacent: csr_matrix) -> NDArray[np.float64]:
    """Moran's I per gene, binary weights, shape ``(n_genes,)``.

    0 for a gene that does not vary, and where no two spots are adjacent.

    Parameters
    ----------
    values
        Shape ``(n_spots, n_genes)``.
    adjacent
        From `adjacency`.
    """
    if not adjacent.nnz:
        return np.zeros(values.shape[1])
    mean = values.mean(0, dtype=np.float64)
    off = np.asarray(values - mean, np.float32)
    product = (off * (adjacent @ off)).sum(0, dtype=np.float64)
    power = (off**2).sum(0, dtype=np.float64)
    varies = power > len(off) * (_ROUNDING * mean) ** 2
    found = len(off) / adjacent.nnz * product / np.where(varies, power, 1.0)
    return np.asarray(np.where(varies, found, 0.0))
