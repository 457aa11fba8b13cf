"""Names become unique without merging anything; ids stay beside symbols."""

from __future__ import annotations

import pandas as pd

from stentrans.section.names import tidy_genes, unique_spots, unique_symbols, without_version


def test_unique_names_stay():
    assert unique_symbols(["A", "B"], None) == (["A", "B"], 0)


def test_repeated_symbols_get_their_ids():
    assert unique_symbols(["A", "A", "B"], ["x", "y", "z"]) == (["A (x)", "A (y)", "B"], 2)


def test_repeated_symbols_without_ids_get_numbers():
    assert unique_symbols(["A", "A", "A"], None) == (["A", "A (2)", "A (3)"], 2)


def test_new_names_never_collide_with_old_ones():
    names, _ = unique_symbols(["A", "A", "A (2)"], None)
    assert len(set(names)) == 3
    assert names[2] == "A (2)"


def test_repeated_ids_are_told_apart_too():
    names, _ = unique_symbols(["A", "A"], ["x", "x"])
    assert len(set(names)) == 2


def test_missing_symbols_fall_back_to_the_id():
    ids = [f"ENSG0000000000{number}" for number in range(3)]
    var = pd.DataFrame({"feature_name": ["A", None, ""]}, index=ids)
    tidy, notes = tidy_genes(var)
    assert tidy.index.tolist() == ["A", ids[1], ids[2]]
    assert [note.code for note in notes] == ["T7"]


def test_frame_of_the_caller_is_left_alone():
    var = pd.DataFrame({"gene_id": ["ENSG00000000001.4"]}, index=["A"])
    tidy, _ = tidy_genes(var)
    assert tidy["gene_ids"].tolist() == ["ENSG00000000001"]
    assert "gene_ids" not in var


def test_versions_are_cut_from_ids_only():
    assert without_version("ENSMUSG00000000001.12") == "ENSMUSG00000000001"
    assert without_version("AL627309.5") == "AL627309.5"


def test_repeated_spots_get_the_library():
    names, notes = unique_spots(pd.Index(["A", "A", "B"]), "liver")
    assert names.tolist() == ["A", "A-liver-2", "B"]
    assert [note.code for note in notes] == ["T22"]
