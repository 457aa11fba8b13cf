"""Patterns: calibration under permuted spots and flat counts, power, domains, pathways, speed.

    python benchmarks/patterns.py [--parts calibration enhanced power domains muscle speed]
                                  [--copies 20] [--method stentrans] [--raw FILE.csv]
                                  [--out docs/patterns.md]

With --raw, parts measured before are taken from that file, so that the table can be made piece by
piece.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import synthetic
from anndata import AnnData  # noqa: TID251 -- a section is made here
from machine import SHARED, machine, markdown, publish, remember, sections
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

import stentrans
from stentrans.evaluation.holdout import hidden_folds
from stentrans.keys import MEASURED, ORIGIN
from stentrans.patterns import find_domains, supported_genes, variable_genes
from stentrans.patterns.before_after import permuted_copy
from stentrans.patterns.domains import cluster_map
from stentrans.patterns.gene_sets import match, read_gmt
from stentrans.patterns.labels import likeness
from stentrans.patterns.lists import beside, gene_list, pathways_of
from stentrans.patterns.measured import measured_patterns
from stentrans.patterns.residuals import CountResiduals
from stentrans.preprocess import library_size
from stentrans.section import simulated_truth

CALIBRATED = ("st_human_melanoma_mel1_rep1", "visium_mouse_muscle_Vis7B_5dpi")
LABELS = {"st_mouse_ob_Rep11": "layer"} | dict.fromkeys(
    ("st_human_her2st_A1", "st_human_her2st_B1", "st_human_her2st_D1", "st_human_her2st_G2"),
    "label",
)
INJURED = "visium_mouse_muscle_Vis7B_5dpi"
GENE_SETS = "GO_Biological_Process_2021.gmt"
_MUSCLE = (
    "regulation of muscle cell differentiation (GO:0051147)",
    "positive regulation of skeletal muscle fiber development (GO:0048743)",
    "skeletal muscle tissue regeneration (GO:0043403)",
)
INJURY = {
    "Cd68": (
        "inflammatory response (GO:0006954)",
        "neutrophil degranulation (GO:0043312)",
        *_MUSCLE,
    ),
    "Myh8": ("extracellular matrix organization (GO:0030198)", *_MUSCLE),
}
DEPTHS = (500, 2_000, 8_000)
SIZES = ((1_000, 12_000), (5_000, 18_000))
KEYS = ("part", "case", "repeat", "metric")
Row = tuple[str, str, int, str, float]


def flat_copy(section: AnnData, *, seed: int) -> AnnData:
    """Poisson counts of the mean composition at the real libraries, spots where they are."""
    flat = permuted_copy(section)
    rng = np.random.default_rng(seed)
    counts = csr_matrix(section.X)
    share = np.asarray(counts.sum(0), np.float64).ravel() / counts.sum()
    drawn = [rng.poisson(total * share) for total in library_size(counts)]
    flat.X = csr_matrix(np.stack(drawn).astype(np.float32))
    return flat


def shares(table: pd.DataFrame, p_value: str, q_value: str) -> dict[str, float]:
    """Share of genes below two levels, and discoveries."""
    tested = table.dropna(subset=[p_value])
    return {
        "p < 0.05": float((tested[p_value] < 0.05).mean()),
        "p < 0.001": float((tested[p_value] < 0.001).mean()),
        "q < 0.05": float((tested[q_value] < 0.05).sum()),
    }


def calibration(copies: int, _method: str) -> Iterator[Row]:
    """Genes called variable where none is."""
    for path in sections(CALIBRATED):
        section = stentrans.read(path)
        for kind, copied in (("permuted", permuted_copy), ("flat", flat_copy)):
            for copy in range(copies):
                table = variable_genes(copied(section, seed=copy))
                for metric, value in shares(table, "p_value", "q_value").items():
                    yield "calibration", f"{path.stem}, {kind}", copy, metric, value
                of_moran = shares(table, "morans_p_value", "morans_q_value")
                for metric, value in of_moran.items():
                    yield "calibration", f"{path.stem}, {kind}, Moran", copy, metric, value


def enhanced(copies: int, method: str) -> Iterator[Row]:
    """The same after enhancement: genes that hidden spots bear out where nothing varies."""
    read = {path.stem: stentrans.read(path) for path in sections(CALIBRATED)}
    for copy in range(copies):
        for name, section in read.items():
            empty = permuted_copy(section, seed=copy)
            table = supported_genes(empty, hidden_folds(empty, method=method))
            for metric, value in shares(table, "p_value", "q_value").items():
                yield "enhanced", f"{name}, {method}", copy, metric, value


def known_section(seed: int, depth: float) -> tuple[AnnData, NDArray[np.bool_]]:
    """A simulated section at a median depth, and which genes have the same share everywhere."""
    section = stentrans.simulate(seed=seed)
    share = simulated_truth(section, section.obs[["array_row", "array_col"]].to_numpy())
    flat = (section.var["family"] == "Flat").to_numpy()
    # Shares add up to 1: without this, flat genes would fall where others rise.
    share[:, flat] = share[:, flat].mean(0)
    share[:, ~flat] *= ((1 - share[:, flat].sum(1)) / share[:, ~flat].sum(1))[:, None]
    rng = np.random.default_rng(seed)
    library = np.asarray(section.X.sum(1))
    rate = library * depth / np.median(library) * share * rng.gamma(10, 0.1, share.shape)
    section.X = csr_matrix(rng.poisson(rate).astype(np.float32))
    return section, flat


def power(copies: int, method: str) -> Iterator[Row]:
    """ROC area of rankings that should put genes with a pattern before those without."""
    for depth in DEPTHS:
        for seed in range(min(copies, 2)):
            section, flat = known_section(seed, depth)
            measured = variable_genes(section, seed=seed).set_index("gene")
            borne_out = supported_genes(section, hidden_folds(section, method=method))
            borne_out = borne_out.set_index("gene")
            case = f"{depth} counts"
            sure = -np.log10(measured["p_value"].fillna(1.0) + 1e-300)
            rankings = {"measured": sure, "Moran's I": measured["morans_i"].fillna(-1.0)}
            rankings[f"{method}, hidden spots"] = borne_out["statistic"]
            for name, ranking in rankings.items():
                scores = ranking.reindex(section.var_names).fillna(ranking.min())
                yield "power", case, seed, name, float(roc_auc_score(~flat, scores))
            found = borne_out["q_value"].reindex(section.var_names).to_numpy() < 0.05
            yield "power", case, seed, "flat genes borne out", float(found[flat].mean())


def domains(_copies: int, method: str) -> Iterator[Row]:
    """Domains against the labels of people, as many domains as there are labels."""
    for path in sections(list(LABELS)):
        section = stentrans.read(path)
        labels = section.obs[LABELS[path.stem]]
        words = set(labels.astype(str)) - {"NA", "undetermined"}
        enhancement = stentrans.enhance(section, method=method)
        found = find_domains(section, enhancement, n_domains=len(words))
        fine = found.sites.loc[section.obs_names, "domain"].to_numpy() - 1
        ways = {"counts": found.spots["domain"].to_numpy() - 1, f"carried over, {method}": fine}
        clusters = cluster_map(enhancement, found.genes, len(words), seed=0)
        if clusters is not None:
            at_spots = (enhancement.sites[ORIGIN] == MEASURED).to_numpy()
            ways[f"clusters of the map, {method}"] = clusters[at_spots]
        for name, label in ways.items():
            scores = likeness(label, labels)
            yield "domains", path.stem, 0, f"ARI, {name}", scores["ari"]
            yield "domains", path.stem, 0, f"NMI, {name}", scores["nmi"]
        yield "domains", path.stem, 0, "stability", found.stability


def muscle(_copies: int, _method: str) -> Iterator[Row]:
    """Sets of the two domains of an injured muscle: macrophages, and fibres that grow anew."""
    section = stentrans.read(sections([INJURED])[0])
    sets = match(read_gmt(SHARED / "data" / "gene_sets" / GENE_SETS), section).sets
    tables = measured_patterns(section)
    spots = tables["spots"]["domain"].to_numpy()
    residuals = CountResiduals(section.X)
    for gene, terms in INJURY.items():
        column = residuals.of(section.var_names.get_indexer([gene]).astype(np.int64))[:, 0]
        domain = pd.Series(column).groupby(spots).mean().idxmax()
        asked = gene_list(section, tables, f"domain {domain}")
        found = beside(pathways_of(asked, sets)).set_index("term")
        for term in terms:
            row, case = found.loc[term], f"most {gene}: {term}"
            yield "muscle", case, 0, "genes measured", float(row["size"])
            yield "muscle", case, 0, "list: q", float(row["q_value"])
            yield "muscle", case, 0, "list: q, as often seen", float(row["q_as_often_seen"])
            yield "muscle", case, 0, "ranking: score", float(row["score"])
            yield "muscle", case, 0, "ranking: q", float(row["ranked_q_value"])


def speed(_copies: int, _method: str) -> Iterator[Row]:
    """Seconds to rank genes."""
    for n_spots, n_genes in SIZES:
        array = synthetic.spots(n_spots)
        obs = pd.DataFrame({"array_row": array[:, 0], "array_col": array[:, 1]})
        section = AnnData(
            synthetic.counts(array, n_genes), obs=obs.set_index(obs.index.astype(str))
        )
        start, worked = time.perf_counter(), time.process_time()
        variable_genes(section)
        case = f"{len(array):,} spots x {n_genes:,} genes"
        yield "speed", case, 0, "seconds", time.perf_counter() - start
        yield "speed", case, 0, "processor seconds", time.process_time() - worked


PARTS: dict[str, Callable[[int, str], Iterator[Row]]] = {
    "calibration": calibration,
    "enhanced": enhanced,
    "power": power,
    "domains": domains,
    "muscle": muscle,
    "speed": speed,
}
WORDS = {
    "calibration": "Share of genes below a level, and discoveries, where nothing varies: spots at "
    "each other's places, and Poisson counts of one composition at the real depths. Mean over "
    "copies, the highest in brackets.",
    "enhanced": "The same of the test on hidden spots, after the whole method was run on the "
    "permuted copy. It is cautious by construction.",
    "power": "Area under the ROC curve of rankings on simulated sections (1: every gene with a "
    "pattern before every gene without). Mean over seeds, the highest in brackets.",
    "domains": "Domains against the labels of people, as many as there are labels, compared at "
    "the spots: found by the counts, carried over to the enhanced map, and clusters of that map.",
    "muscle": f"{GENE_SETS} (5 to 500 measured genes, symbols in upper case) in two domains of a "
    "muscle five days after injury, those with most Cd68 (macrophages) and most Myh8 (neonatal "
    "myosin: fibres that grow anew). q in the list of the 200 surest markers and in the ranking of "
    "all genes by Wilcoxon's score. Inflammation is found both ways. Growth of muscle is found in "
    "the ranking only, and the set that is called regeneration in neither: five of its genes were "
    "measured (Ppp3ca, Anxa1, Akirin1, Cflar, Mstn), none of them of the growth of new fibres. "
    "nan: no gene of the set is in the list. What else was tried is in docs/experiments.md.",
    "speed": "Seconds to rank all genes.",
}


def table_of(rows: pd.DataFrame) -> str:
    """Mean and worst over repeats, a row per case."""
    header = ["", *rows["metric"].unique()]
    lines = []
    for case, part in rows.groupby("case", sort=False):
        cells = []
        for metric in header[1:]:
            values = part.loc[part["metric"] == metric, "value"].astype(float)
            worst = f" ({values.max():.3g})" if len(values) > 1 else ""
            cells.append(f"{values.mean():.3g}{worst}" if len(values) else "")
        lines.append([str(case), *cells])
    return markdown(header, lines)


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--copies", type=int, default=20)
    parser.add_argument("--method", default="stentrans", choices=list(stentrans.METHODS))
    parser.add_argument("--raw", type=Path, help="CSV that keeps measurements from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    columns = [*KEYS, "value"]
    found = pd.DataFrame(columns=columns)
    for name in given.parts:
        for row in PARTS[name](given.copies, given.method):
            # Kept as it comes: a run of hours that is stopped loses nothing.
            new = pd.DataFrame([row], columns=columns)
            found = remember(new, given.raw, KEYS) if given.raw else pd.concat([found, new])
    parts = ["# Patterns", "Made by `python benchmarks/patterns.py`.", machine()]
    for name in PARTS:
        rows = found[found["part"] == name]
        if len(rows):
            repeats = rows["repeat"].nunique()
            parts += [f"## {name.capitalize()}", f"{WORDS[name]} Repeats: {repeats}."]
            parts.append(table_of(rows))
    publish(parts, given.out)


if __name__ == "__main__":
    main()
