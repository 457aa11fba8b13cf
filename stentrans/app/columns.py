"""Headings and number formats of the tables of patterns, by the names of their columns."""

from __future__ import annotations

from typing import Final

import streamlit as st

_P: Final = st.column_config.NumberColumn(format="scientific")
_PS: Final = (
    ("p_value", "p"),
    ("q_value", "q"),
    ("morans_p_value", "Moran's p"),
    ("morans_q_value", "Moran's q"),
    ("support_p_value", "support: p"),
    ("support_q_value", "support: q"),
    ("map_p_value", "map: p"),
    ("map_q_value", "map: q"),
)
GENE_COLUMNS: Final = {
    "statistic": st.column_config.NumberColumn(format="%.1f"),
    "score": st.column_config.NumberColumn(format="%.1f"),
    "support": st.column_config.NumberColumn(format="%.1f"),
    "strength": st.column_config.NumberColumn("map: strength", format="%.3f"),
    "map_morans_i": st.column_config.NumberColumn("map: Moran's I", format="%.2f"),
    "log2_fold_change": st.column_config.NumberColumn("log2 fold change", format="%.2f"),
    "membership": st.column_config.NumberColumn(format="%.2f"),
    "range_spots": st.column_config.NumberColumn("range", format="%d"),
    "morans_i": st.column_config.NumberColumn("Moran's I", format="%.3f"),
    **{name: st.column_config.NumberColumn(label, format="scientific") for name, label in _PS},
}
SET_COLUMNS: Final = {
    "expected": st.column_config.NumberColumn(format="%.1f"),
    "expected_as_often_seen": st.column_config.NumberColumn("as often seen", format="%.1f"),
    "odds_ratio": st.column_config.NumberColumn(format="%.1f"),
    "score": st.column_config.NumberColumn("ranking: score", format="%.2f"),
    "ranked_p_value": st.column_config.NumberColumn("ranking: p", format="scientific"),
    "ranked_q_value": st.column_config.NumberColumn("ranking: q", format="scientific"),
    "leading_genes": "ranking: leading genes",
    **{
        name: st.column_config.NumberColumn(label, format="scientific")
        for name, label in (("q_value", "list: q"), ("q_as_often_seen", "list: q, as often seen"))
    },
}
SET_ORDER: Final = (
    "term",
    "hits",
    "size",
    "expected_as_often_seen",
    "q_value",
    "q_as_often_seen",
    "score",
    "ranked_q_value",
    "genes",
    "leading_genes",
)
REPLICATE_COLUMNS: Final = {
    "found": "found here",
    "replicated": "vary there, too",
    "expected": st.column_config.NumberColumn("expected", format="%.0f"),
    "p_value": _P,
}
FOUND_COLUMNS: Final = {**SET_COLUMNS, **GENE_COLUMNS, "is_new": "new"}
"""Of the tables of single findings, whichever kind they are."""
COUNTED_COLUMNS: Final = {
    "kind": "",
    "measured": "in the counts",
    "shown": "on the map",
    "supported": "borne out",
    "new": "new",
    "unsupported": "on the map only",
    "measured_null": "permuted: in the counts",
    "shown_null": "permuted: on the map",
    "supported_null": "permuted: borne out",
    "new_null": "permuted: new",
    "unsupported_null": "permuted: on the map only",
}
