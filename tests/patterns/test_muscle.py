"""Injured muscle, five days on: what its domains are rich in."""

from __future__ import annotations

import pandas as pd
import pytest

import stentrans
from stentrans.patterns import find_domains, variable_genes
from stentrans.patterns.gene_sets import match, read_gmt
from stentrans.patterns.markers import domain_markers, marker_genes
from stentrans.patterns.pathways import enriched
from stentrans.patterns.residuals import CountResiduals


@pytest.mark.slow
def test_injury_is_rich_in_inflammation_and_repair(shared_data):
    section = stentrans.read(shared_data / "visium_mouse_muscle_Vis7B_5dpi.h5ad")
    sets = match(read_gmt(shared_data / "gene_sets/GO_Biological_Process_2021.gmt"), section)
    assert sets.how == "upper case"
    genes = variable_genes(section).dropna(subset=["p_value"])
    background = dict(zip(genes["gene"], genes["spots"].astype(float), strict=True))
    domain = find_domains(section).spots["domain"].to_numpy()
    markers = domain_markers(section, domain)

    def sure_terms(gene):
        """Sets of the domain that has most of a gene, sure in both comparisons."""
        column = section.var_names.get_indexer([gene])
        mean = pd.Series(CountResiduals(section.X).of(column)[:, 0]).groupby(domain).mean()
        table = enriched(marker_genes(markers, mean.idxmax(), 200), sets.sets, background)
        sure = table[(table["q_value"] < 0.05) & (table["q_as_often_seen"] < 0.05)]
        return " ".join(sure["term"])

    # Macrophages; and fibres that grow anew (neonatal myosin), with the matrix around them.
    assert "inflammatory response" in sure_terms("Cd68")
    assert "extracellular matrix organization" in sure_terms("Myh8")
