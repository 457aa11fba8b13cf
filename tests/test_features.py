"""The table of features names tests and documents that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_file_that_holds_a_feature_exists() -> None:
    told = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tests|docs)/[^`]+)`", told))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
