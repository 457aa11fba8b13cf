"""Tables come back from disk as they went."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stentrans.errors import StoreError
from stentrans.patterns.tables import Tables


def test_saved_and_loaded_agree(tmp_path):
    frame = pd.DataFrame(
        {"gene": ["NA", "nan", "A,B"], "p_value": [0.5, np.nan, 1e-300], "spots": [1, 2, 3]}
    )
    Tables({"genes": frame, "empty": frame.head(0)}, {"n": 3}).save(tmp_path)
    back = Tables.load(tmp_path)
    pd.testing.assert_frame_equal(back["genes"], frame)
    assert list(back["empty"].columns) == list(frame.columns)
    assert back.facts == {"n": 3}


def test_damaged_tables_are_refused(tmp_path):
    Tables({"genes": pd.DataFrame({"gene": ["A"]})}).save(tmp_path)
    (tmp_path / "genes.csv").unlink()
    with pytest.raises(StoreError, match="must hold saved tables"):
        Tables.load(tmp_path)
