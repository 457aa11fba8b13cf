"""Notes travel with the section as text that any h5ad can store."""

from __future__ import annotations

import anndata as ad

from stentrans.section import Note, add_notes, notes_of


def test_notes_are_kept_in_order_each_once():
    section = ad.AnnData()
    add_notes(section, [Note("T3", "Mirrored."), Note("", "Hello.")])
    add_notes(section, [Note("T3", "Mirrored."), Note("T6", "No picture.")])
    assert [note.code for note in notes_of(section)] == ["T3", "", "T6"]


def test_other_entries_are_kept():
    section = ad.AnnData(uns={"stentrans": {"technology": "Visium"}})
    add_notes(section, [Note("T3", "Mirrored.")])
    assert section.uns["stentrans"]["technology"] == "Visium"


def test_section_without_notes_has_none():
    assert notes_of(ad.AnnData()) == []


def test_foreign_entries_are_ignored():
    for held in ("text", {"notes": "not json"}, {"notes": "[1]"}, {"notes": '[{"code": "T3"}]'}):
        assert notes_of(ad.AnnData(uns={"stentrans": held})) == []
