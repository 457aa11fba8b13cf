"""Simulated sections whose finer truth is known, for the demo, the tests and the README."""

from __future__ import annotations

import json
from typing import Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, vstack

from stentrans.errors import MissingKeyError, ParameterError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, COUNTS, IN_TISSUE, SPATIAL, STENTRANS, X_IS
from stentrans.preprocess import library_size
from stentrans.section.notes import Note, add_notes
from stentrans.section.positions import PITCH_UM, TECHNOLOGY
from stentrans.section.tissue import CHUNK, GENE_NAMES, SimulatedLattice, Tissue
from stentrans.validate import check_integer, check_names, check_option

TRUTH: Final = "truth"
"""Below ``uns["stentrans"]``: JSON of the parameters from which the truth is computed again."""
SIMULATED: Final = "simulated"
MODEL: Final = 1
"""Version of the invented tissue; a change of its formulas needs a new number."""
DEFAULT_SIZES: Final = {"hexagonal": (24, 48), "square": (22, 22)}
"""Small enough that enhancing takes seconds on two cores."""
PITCHES_UM: Final = {"hexagonal": 100.0, "square": 200.0}
UM_PER_PIXEL: Final = 0.5
MEDIAN_LIBRARY: Final = 4000.0
LOST_SHARE: Final = 0.015
"""Single spots lost at random, beside the holes."""


def simulate(
    *,
    lattice: SimulatedLattice = "hexagonal",
    n_rows: int | None = None,
    n_cols: int | None = None,
    seed: int = 0,
) -> AnnData:
    """Return a simulated section of invented genes whose true composition is known everywhere.

    Parameters
    ----------
    lattice
        ``"hexagonal"`` as Visium (array_row + array_col is even, 100 µm) or ``"square"`` as
        legacy ST (200 µm).
    n_rows, n_cols
        Size of the array in array rows and columns, at least 4; by default 24 x 48 hexagonal,
        22 x 22 square. The tissue is irregular and covers most of it.
    seed
        Seeds shapes, genes and counts; the same seed gives the same section.

    Returns
    -------
    section
        About 450 spots by default, 300 genes: layers with sharp and soft borders, blobs,
        gradients, a ring, stripes, rare spots, flat genes; two holes and single lost spots.
        Negative-binomial counts; library sizes vary smoothly and at random, median near 4,000.
        ``obs["domain"]`` holds the true region. The true composition at any array position
        comes from `simulated_truth`.

    Raises
    ------
    ParameterError
        If ``lattice`` is unknown, or a size or the seed is out of range.
    """
    tissue = _tissue(lattice, n_rows, n_cols, seed)
    array = _measured_positions(tissue)
    counts = _draw_counts(tissue, array)
    obs = pd.DataFrame(
        {
            ARRAY_ROW: array[:, 0],
            ARRAY_COL: array[:, 1],
            IN_TISSUE: np.ones(len(array), dtype=np.int64),
            "domain": pd.Categorical(tissue.domain(array.astype(np.float64))),
        },
        index=pd.Index([f"sim-{row}x{col}" for row, col in array.tolist()], dtype=object),
    )
    var = pd.DataFrame(
        {"family": [name.partition("-")[0] for name in GENE_NAMES]},
        index=pd.Index(GENE_NAMES, dtype=object),
    )
    section = AnnData(counts, obs=obs, var=var)
    section.obsm[SPATIAL] = _pixels(tissue, array)
    truth = {
        "model": MODEL,
        "lattice": tissue.lattice,
        "n_rows": tissue.n_rows,
        "n_cols": tissue.n_cols,
        "seed": tissue.seed,
    }
    section.uns[STENTRANS] = {
        X_IS: COUNTS,
        TECHNOLOGY: SIMULATED,
        PITCH_UM: PITCHES_UM[tissue.lattice],
        TRUTH: json.dumps(truth),
    }
    sentence = "Simulated section: invented tissue and genes with known truth, not an experiment."
    add_notes(section, [Note("", sentence)])
    return section


def is_simulated(adata: AnnData) -> bool:
    """Whether a section was made by `simulate` and its truth can be computed."""
    ours = adata.uns.get(STENTRANS)
    return bool(hasattr(ours, "get") and ours.get(TRUTH))


def simulated_truth(adata: AnnData, array_positions: ArrayLike) -> NDArray[np.float64]:
    """Return the true composition of a simulated section at any array positions.

    Parameters
    ----------
    adata
        A section from `simulate`, possibly saved and read again, or some of its spots and genes.
        Left as it was.
    array_positions
        Shape ``(n, 2)``: array_row, array_col; fractions are allowed.

    Returns
    -------
    composition
        Shape ``(n, n_genes)``, float64: each gene's share of all counts, genes as in ``adata``.
        Rows sum to 1 when all 300 genes are there.

    Raises
    ------
    MissingKeyError
        If the section is not simulated or holds other genes.
    ParameterError
        If positions are not ``(n, 2)`` finite numbers.
    """
    if not is_simulated(adata):
        raise MissingKeyError(
            "Only sections made by stentrans.simulate have a known truth; this one has none."
        )
    tissue = _stored_tissue(str(adata.uns[STENTRANS][TRUTH]))
    places = np.asarray(array_positions, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise ParameterError(
            f"array_positions must be finite numbers of shape (n, 2); got shape {places.shape}."
        )
    genes = [str(name) for name in adata.var_names]
    check_names("gene", genes, GENE_NAMES)
    column = {name: place for place, name in enumerate(GENE_NAMES)}
    return tissue.composition(places)[:, [column[name] for name in genes]]


def _tissue(lattice: str, n_rows: int | None, n_cols: int | None, seed: int) -> Tissue:
    """Checked parameters as a tissue."""
    check_option("lattice", lattice, tuple(DEFAULT_SIZES))
    rows, cols = DEFAULT_SIZES[lattice]
    return Tissue(
        "square" if lattice == "square" else "hexagonal",
        check_integer("n_rows", rows if n_rows is None else n_rows, low=4, high=2000),
        check_integer("n_cols", cols if n_cols is None else n_cols, low=4, high=4000),
        check_integer("seed", seed, low=0),
    )


def _stored_tissue(text: str) -> Tissue:
    """Tissue of the parameters kept with a section, checked again: files can be edited."""
    try:
        stored = json.loads(text)
    except json.JSONDecodeError:
        stored = None
    if not isinstance(stored, dict) or stored.get("model") != MODEL:
        raise ParameterError(
            f"The truth can be computed for simulation model {MODEL}; this section was made by "
            "another. Simulate it again."
        )
    size = stored.get("n_rows"), stored.get("n_cols")
    return _tissue(str(stored.get("lattice")), *size, stored.get("seed", 0))


def _measured_positions(tissue: Tissue) -> NDArray[np.int64]:
    """Array positions on tissue that were not lost, shape ``(n_spots, 2)``, by row and column."""
    row, col = np.meshgrid(np.arange(tissue.n_rows), np.arange(tissue.n_cols), indexing="ij")
    array = np.column_stack([row.ravel(), col.ravel()]).astype(np.int64)
    if tissue.lattice == "hexagonal":
        array = array[array.sum(axis=1) % 2 == 0]
    places = array.astype(np.float64)
    dropped = tissue.rng(10).random(len(array)) < LOST_SHARE
    return array[tissue.inside(places) & ~tissue.in_hole(places) & ~dropped]


def _draw_counts(tissue: Tissue, array: NDArray[np.int64]) -> csr_matrix:
    """Negative-binomial counts, CSR float32, shape ``(n_spots, n_genes)``."""
    places = array.astype(np.float64)
    library = _library(tissue, places)
    rng = tissue.rng(11)
    dispersion = rng.uniform(0.03, 0.25, size=len(GENE_NAMES))
    parts = []
    for start in range(0, len(places), CHUNK):
        part = slice(start, start + CHUNK)
        mean = tissue.composition(places[part]) * library[part, None]
        rate = rng.gamma(1.0 / dispersion, mean * dispersion)
        parts.append(csr_matrix(rng.poisson(rate).astype(np.float32)))
    counts = csr_matrix(vstack(parts, format="csr"))
    empty = library_size(counts) == 0
    assert not empty.any(), "a simulated spot has thousands of expected counts"
    return counts


def _library(tissue: Tissue, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected library sizes: log-normal, smooth across the tissue plus noise, shape (n,)."""
    rng = tissue.rng(12)
    xy = tissue.plane(places) / tissue.half_size.max()
    smooth = np.zeros(len(xy))
    for _ in range(4):
        turn, phase = rng.uniform(0.0, 2 * np.pi, size=2)
        along = xy @ np.array([np.cos(turn), np.sin(turn)])
        smooth += 0.22 * np.cos(rng.uniform(1.5, 5.0) * along + phase)
    log_size = smooth + rng.normal(0.0, 0.2, size=len(xy))
    library: NDArray[np.float64] = MEDIAN_LIBRARY * np.exp(log_size - np.median(log_size))
    return library


def _pixels(tissue: Tissue, array: NDArray[np.int64]) -> NDArray[np.float64]:
    """Full-resolution (x, y), half a micrometre per pixel, two pitches from the picture's edge."""
    pitch = PITCHES_UM[tissue.lattice] / UM_PER_PIXEL
    corner = tissue.plane(np.zeros((1, 2)))
    return np.asarray((tissue.plane(array.astype(np.float64)) - corner + 2.0) * pitch)
