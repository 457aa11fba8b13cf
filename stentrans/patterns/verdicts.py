"""Every finding in words: in the counts, borne out by hidden spots, or on the map only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stentrans.patterns.findings import LEVEL


def with_verdict(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Say of each finding whether it is in the counts, borne out by hidden spots, or neither.

    Parameters
    ----------
    table
        One of the tables of `enhanced_patterns`.
    kind
        Which: ``genes``, ``domains``, ``modules`` or ``pathways``.

    Returns
    -------
    told
        The same with a column of words in front.
    """
    borne_out = table["support_q_value"] < LEVEL
    shown = pd.Series(data=True, index=table.index)
    if kind == "pathways":
        found = table[table["q_value"] < LEVEL]
        on_list = {name: part["term"] for name, part in found.groupby("list")}
        sure = found["term"][borne_out & (found["list"] == "supported")]
        borne_out = table["term"].isin(sure)
        in_counts = table["term"].isin(on_list.get("measured", []))
        shown = table["term"].isin(on_list.get("shown", []))
    elif kind == "genes":
        in_counts, shown = table["q_value"] < LEVEL, table["map_q_value"] < LEVEL
    else:
        in_counts = (table["kind"] == "measured") | ~table["is_new"].astype(bool)
    words = np.select(
        [in_counts & borne_out, in_counts, borne_out, shown],
        ["in the counts, borne out", "in the counts", "new, borne out", "on the map only"],
        "nowhere",
    )
    told = table.copy()
    told.insert(0, "verdict", words)
    return told
