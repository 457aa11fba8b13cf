"""Which regions the tissue has, on spots and on the finer sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import KDTree

from stentrans.enhancement import Enhancement, prepare
from stentrans.errors import ParameterError
from stentrans.evaluation.spatial import adjacency
from stentrans.keys import MEASURED, ORIGIN
from stentrans.lattice import Lattice
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.graphs import communities, joined, likeness_graph, resolution_for
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.support import FLAT
from stentrans.patterns.variable_genes import variable_genes
from stentrans.validate import check_integer, check_number, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

FEWEST_GENES: Final = 200
MOST_GENES: Final = 2_000
"""Genes that tell domains apart: those that vary in space, but never fewer or more than these."""
RANK: Final = 15
"""Components of these genes."""
NEARBY_SHARE: Final = 0.2
"""Share of neighbours on the lattice in the graph, the rest being spots that look alike."""
N_SEEDS: Final = 10


@dataclass(frozen=True, eq=False)
class Domains:
    """Domains of a section.

    Parameters
    ----------
    spots
        One row per spot on tissue, in order: ``domain``, from 1, the largest first.
    sites
        One row per site of the enhancement: ``domain``, and ``certainty`` in (0, 1]; None
        without one.
    stability
        Mean adjusted Rand index between the domains of several seeds.
    sharpness
        ``measured`` and, with an enhancement, ``enhanced``: how much of the step from one domain
        to the next is made between two adjacent spots; see `sharpness`.
    genes
        Genes that told the domains apart.
    """

    spots: pd.DataFrame
    sites: pd.DataFrame | None
    stability: float
    sharpness: dict[str, float]
    genes: pd.Index

    @property
    def n_domains(self) -> int:
        """Number of domains."""
        return int(self.spots["domain"].max())


def find_domains(
    section: AnnData,
    enhancement: Enhancement | None = None,
    *,
    n_domains: int | None = None,
    resolution: float = 1.0,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Domains:
    """Find the domains of a section.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    enhancement
        Of this section: its sites get the same domains, finer.
    n_domains
        How many; None: as many as ``resolution`` gives.
    resolution
        Of the Leiden method; higher gives more domains.
    seed
        Same input, seed and version give the same domains.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Raises
    ------
    SectionFormatError
        If the section is not usable.
    ParameterError
        If a number is out of range, or the enhancement belongs to another section.
    Cancelled
        If ``on_progress`` returned False.

    Notes
    -----
    Spots are joined with those that look alike (components of the residuals of variable genes)
    and with their neighbours on the lattice; domains are Leiden communities of that graph. They
    are found on measured counts. The finer sites are then given to the domain whose spots look
    most like them on the enhanced map (linear discriminants), because clusters of a smooth map cut
    every gradient into steps: see docs/experiments.md.
    """
    seed = check_seed(seed)
    check_number("resolution", resolution, low=0.01, high=20.0)
    tissue, lattice = prepare(section)
    if n_domains is not None:
        check_integer("n_domains", n_domains, low=2, high=min(40, tissue.n_obs // 3))
    report(on_progress, Progress("choosing genes", 0.02))
    genes = _telling_genes(section, tissue.var_names, seed)
    report(on_progress, Progress("finding domains", 0.3))
    points = components(CountResiduals(tissue.X).of(genes))
    near = csr_matrix(adjacency(lattice, np.arange(lattice.n_spots)))
    graph = joined(likeness_graph(points, seed=seed), near, NEARBY_SHARE)
    if n_domains is not None:
        resolution = resolution_for(graph, n_domains, seed=seed)
    label = communities(graph, resolution, seed=seed)
    report(on_progress, Progress("trying other seeds", 0.6))
    stability = _stability(graph, label, resolution, seed)
    sharp = {"measured": sharpness(points, label, lattice)}
    sites = None
    if enhancement is not None:
        report(on_progress, Progress("carrying domains to the finer map", 0.8))
        check_enhancement(tissue, enhancement)
        fine, is_spot = _fine_points(enhancement, tissue.var_names[genes])
        sites = _carried(fine, is_spot, label, enhancement.sites.index)
        at_spots = sites["domain"].to_numpy()[is_spot] - 1
        sharp["enhanced"] = sharpness(fine[is_spot], at_spots, lattice)
    report(on_progress, Progress("done", 1.0))
    spots = pd.DataFrame({"domain": label + 1}, index=tissue.obs_names)
    return Domains(spots, sites, stability, sharp, tissue.var_names[genes])


def carry_domains(
    enhancement: Enhancement, genes: pd.Index, domain: NDArray[np.int64]
) -> pd.DataFrame:
    """Give every site the domain whose spots look most like it on the enhanced map.

    Parameters
    ----------
    enhancement
        Whose sites are asked for.
    genes
        Genes that tell domains apart.
    domain
        Of each measured spot, from 1, shape ``(n_spots,)``.

    Returns
    -------
    sites
        As in `Domains`.
    """
    fine, is_spot = _fine_points(enhancement, genes)
    return _carried(fine, is_spot, domain - 1, enhancement.sites.index)


def cluster_map(
    enhancement: Enhancement, genes: pd.Index, n_domains: int, *, seed: int
) -> NDArray[np.int64] | None:
    """Cluster the enhanced map by itself, as a naive reader of it would.

    Parameters
    ----------
    enhancement
        What is clustered.
    genes
        Genes that tell domains apart.
    n_domains
        How many domains to find.
    seed
        Of the Leiden method.

    Returns
    -------
    label
        Of every site, from 0, shape ``(n_sites,)``; None where the map is flat.
    """
    points, _ = _fine_points(enhancement, genes)
    if points.std(0).max() < FLAT:
        return None
    place = enhancement.sites[["x_um", "y_um"]].to_numpy(np.float64)
    graph = joined(likeness_graph(points, seed=seed), _nearest(place), NEARBY_SHARE)
    resolution = resolution_for(graph, n_domains, seed=seed)
    return communities(graph, resolution, seed=seed)


def components(values: NDArray[np.float32], rank: int = RANK) -> NDArray[np.float64]:
    """Scores on the leading principal components, shape ``(n_points, rank)``."""
    centred = np.asarray(values - values.mean(0), np.float64)
    rank = max(1, min(rank, *(size - 1 for size in values.shape)))
    if centred.shape[0] < centred.shape[1]:
        power, basis = np.linalg.eigh(centred @ centred.T)
        leading = slice(None, -rank - 1, -1)
        scores = basis[:, leading] * np.sqrt(np.maximum(power[leading], 0))
    else:
        _, directions = np.linalg.eigh(centred.T @ centred)
        scores = centred @ directions[:, : -rank - 1 : -1]
    # Signs are arbitrary; fixed, so that the same values give the same scores everywhere.
    sign = np.sign(scores[np.abs(scores).argmax(0), np.arange(rank)])
    return np.asarray(scores * np.where(sign == 0, 1, sign))


def sharpness(points: NDArray[np.float64], label: NDArray[np.int64], lattice: Lattice) -> float:
    """How much of the way from one domain to another lies between two adjacent spots.

    Parameters
    ----------
    points
        Components of the spots, shape ``(n_spots, rank)``.
    label
        Domain of each spot, from 0.
    lattice
        Of the spots.

    Returns
    -------
    sharpness
        Mean over pairs of adjacent spots in different domains of their difference along the line
        between the two domains' centres, as a share of that line: 1 for a step, less for a
        gradient. NaN where no two domains touch.
    """
    one, other = lattice.neighbours().T
    crosses = label[one] != label[other]
    if not crosses.any():
        return float("nan")
    centre = np.stack([points[label == k].mean(0) for k in range(int(label.max()) + 1)])
    line = centre[label[other]] - centre[label[one]]
    step = ((points[other] - points[one]) * line).sum(1)[crosses]
    return float(np.mean(step / np.maximum((line**2).sum(1)[crosses], 1e-12)))


def check_enhancement(tissue: AnnData, enhancement: Enhancement) -> None:
    """Raise ParameterError unless an enhancement has the spots and genes of a section."""
    n_spots = int((enhancement.sites[ORIGIN] == MEASURED).sum())
    if n_spots != tissue.n_obs or list(enhancement.genes) != list(tissue.var_names):
        raise ParameterError(
            f"The enhancement must be one of this section ({tissue.n_obs} spots x "
            f"{tissue.n_vars} genes); it has {n_spots} measured spots x "
            f"{len(enhancement.genes)} genes. Enhance this section."
        )


def _telling_genes(section: AnnData, names: pd.Index, seed: int) -> NDArray[np.int64]:
    """Genes that vary in space; the most likely ones where few surely do."""
    table = variable_genes(section, seed=seed).dropna(subset=["p_value"])
    n_sure = int((table["q_value"] < 0.05).sum())
    chosen = table["gene"].head(int(np.clip(n_sure, FEWEST_GENES, MOST_GENES)))
    return np.asarray(names.get_indexer(pd.Index(chosen)), np.int64)


def _stability(graph: csr_matrix, label: NDArray[np.int64], resolution: float, seed: int) -> float:
    """Mean adjusted Rand index over pairs of seeds."""
    from sklearn.metrics import adjusted_rand_score

    seeds = np.random.SeedSequence(seed).generate_state(N_SEEDS - 1) % 2**31
    runs = [label, *(communities(graph, resolution, seed=int(one)) for one in seeds)]
    pairs = [adjusted_rand_score(a, b) for i, a in enumerate(runs) for b in runs[:i]]
    return float(np.mean(pairs))


def _fine_points(
    enhancement: Enhancement, genes: pd.Index
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Components of the enhanced maps at all sites, and which sites are spots."""
    values = enhancement.expression(list(genes), "composition")
    return components(values), (enhancement.sites[ORIGIN] == MEASURED).to_numpy()


def _nearest(place: NDArray[np.float64]) -> csr_matrix:
    """Join sites that are one fine step apart, binary, shape ``(n_sites, n_sites)``."""
    tree = KDTree(place)
    step = float(np.median(np.asarray(tree.query(place, k=2)[0])[:, 1]))
    pairs = tree.query_pairs(1.2 * step, output_type="ndarray")
    one, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    ones = np.ones(len(one), np.float32)
    return csr_matrix((ones, (one, other)), shape=(len(place), len(place)))


def _carried(
    fine: NDArray[np.float64],
    is_spot: NDArray[np.bool_],
    label: NDArray[np.int64],
    names: pd.Index,
) -> pd.DataFrame:
    """Give every site the domain whose spots look most like it."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    if label.max() == 0 or fine.std(0).max() < FLAT:
        # Nothing tells the sites apart: the largest domain, as often right as it is large.
        return pd.DataFrame({"domain": 1, "certainty": float((label == 0).mean())}, index=names)
    model = LinearDiscriminantAnalysis().fit(fine[is_spot], label)
    chance = model.predict_proba(fine)
    return pd.DataFrame({"domain": chance.argmax(1) + 1, "certainty": chance.max(1)}, index=names)
