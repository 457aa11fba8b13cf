"""Gene sets are read as their source writes them, and matched aloud."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError, SectionFormatError
from stentrans.patterns.gene_sets import (
    GeneSets,
    as_text,
    limited,
    match,
    parse_gmt,
    read_gmt,
    sets_of,
)


def with_genes(names, ids=None):
    section = AnnData(csr_matrix(np.ones((3, len(names)), np.float32)))
    section.var_names = pd.Index(names, dtype=object)
    if ids is not None:
        section.var["gene_ids"] = ids
    return section


def test_gmt_is_read_with_mark_weights_and_blank_lines(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_bytes("\ufeffone\tabout\tA,1.0\tB\t\tB\n\ntwo\t\tC\n".encode())
    found = read_gmt(path)
    assert dict(found.sets) == {"one": ("A", "B"), "two": ("C",)}
    assert found.source == "sets.gmt"


def test_written_sets_are_read_again():
    sets = {"one": ("A", "B"), "two": ("C",)}
    assert dict(parse_gmt(as_text(sets), "text").sets) == sets


@pytest.mark.parametrize("content", ["", "name only\n", "name\tabout\n", "name\tabout\t\t\n"])
def test_file_without_sets_is_refused(tmp_path, content):
    path = tmp_path / "empty.gmt"
    path.write_text(content)
    with pytest.raises(SectionFormatError, match="at least one gene set"):
        read_gmt(path)


def test_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    path = tmp_path / "binary.gmt"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(SectionFormatError, match="could not be read"):
        read_gmt(path)
    with pytest.raises(SectionFormatError, match="could not be read"):
        read_gmt(tmp_path / "nowhere.gmt")


def test_exact_symbols_are_matched_as_they_are():
    found = match(GeneSets({"s": ("ACTB", "GAPDH", "TP53")}, "x"), with_genes(["ACTB", "GAPDH"]))
    assert found.how == "exact"
    assert found.sets["s"] == ("ACTB", "GAPDH")
    assert (found.n_genes, found.n_lost) == (2, 1)
    assert "as they are: 2 of 2 genes" in found.sentence


def test_mouse_symbols_are_put_in_upper_case_aloud():
    section = with_genes(["Actb", "Gapdh", "ACTB2", "actb"])
    found = match(GeneSets({"s": ("ACTB", "GAPDH", "TP53"), "t": ("TP53",)}, "x"), section)
    assert found.how == "upper case"
    assert dict(found.sets) == {"s": ("Actb", "Gapdh")}
    assert "wrong for those whose ortholog has another name" in found.sentence
    assert "they clashed: 1 of the symbols" in found.sentence


def test_one_shared_name_does_not_hide_that_all_others_need_upper_case():
    section = with_genes(["Actb", "Gapdh", "Tp53", "H19"])
    found = match(GeneSets({"s": ("ACTB", "GAPDH", "TP53", "H19")}, "x"), section)
    assert found.how == "upper case"
    assert found.n_genes == 4


def test_ids_are_matched_without_their_version():
    section = with_genes(["ACTB", "GAPDH"], ["ENSG00000075624.17", "ENSG00000111640"])
    found = match(GeneSets({"s": ("ENSG00000075624",)}, "x"), section)
    assert found.how == "ids"
    assert found.sets["s"] == ("ACTB",)


def test_sets_without_overlap_are_refused_in_one_sentence():
    with pytest.raises(ParameterError, match=r"Gene sets must share genes.*FOO.*ACTB"):
        match(GeneSets({"s": ("FOO",)}, "x"), with_genes(["ACTB"]))


def test_simulated_section_brings_its_families(section):
    found = sets_of(section)
    assert "Layer1-01" in found.sets["Layer1 genes"]
    assert match(found, section).n_genes == section.n_vars
    with pytest.raises(ParameterError, match="Only simulated sections"):
        sets_of(with_genes(["ACTB"]))


def test_limited_counts_genes_of_the_background_only():
    sets = {"small": ["A"], "right": ["A", "B", "X"], "large": ["A", "B", "C"]}
    assert limited(sets, pd.Index(["A", "B", "C"]), fewest=2, most=2) == {"right": ["A", "B"]}
