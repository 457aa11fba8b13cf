"""Injured muscle, five days on: what its domains are rich in."""

from __future__ import annotations

import pandas as pd
import pytest

import stentrans
from stentrans.patterns import find_domains, variable_genes
from stentrans.patterns.gene_sets import match, read_gmt
from stentrans.patterns.markers import domain_markers, marker_genes
from stentrans.patterns.pathways import enriched, enriched_in_ranking
from stentrans.patterns.residuals import CountResiduals

GROWTH = "regulation of muscle cell differentiation"
REGENERATION = "skeletal muscle tissue regeneration"


@pytest.mark.slow
def test_injury_is_rich_in_inflammation_and_repair(shared_data):
    section = stentrans.read(shared_data / "visium_mouse_muscle_Vis7B_5dpi.h5ad")
    sets = match(read_gmt(shared_data / "gene_sets/GO_Biological_Process_2021.gmt"), section)
    assert sets.how == "upper case"
    genes = variable_genes(section).dropna(subset=["p_value"])
    background = dict(zip(genes["gene"], genes["spots"].astype(float), strict=True))
    domain = find_domains(section).spots["domain"].to_numpy()
    markers = domain_markers(section, domain)

    def domain_of(gene):
        """The domain that has most of a gene."""
        column = section.var_names.get_indexer([gene])
        mean = pd.Series(CountResiduals(section.X).of(column)[:, 0]).groupby(domain).mean()
        return mean.idxmax()

    def sure_terms(gene):
        """Sets of the domain that has most of a gene, sure in both comparisons."""
        table = enriched(marker_genes(markers, domain_of(gene), 200), sets.sets, background)
        sure = table[(table["q_value"] < 0.05) & (table["q_as_often_seen"] < 0.05)]
        return " ".join(sure["term"])

    # Macrophages; and fibres that grow anew (neonatal myosin), with the matrix around them.
    assert "inflammatory response" in sure_terms("Cd68")
    assert "extracellular matrix organization" in sure_terms("Myh8")
    # Growth of muscle is in no list of markers, but high in the ranking of all genes. The set
    # called regeneration is not: five of its genes were measured, none of them of myogenesis.
    growth = {
        name: genes for name, genes in sets.sets.items() if GROWTH in name or REGENERATION in name
    }
    mine = markers[markers["domain"] == domain_of("Myh8")].set_index("gene")["score"]
    ranked = enriched_in_ranking(mine[mine.index.isin(background)], growth).set_index("term")
    assert ranked.loc[f"{GROWTH} (GO:0051147)", "score"] > 0
    assert ranked.loc[f"{GROWTH} (GO:0051147)", "p_value"] < 0.001
    assert ranked.loc[f"{REGENERATION} (GO:0043403)", "size"] == 5
