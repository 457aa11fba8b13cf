"""What the menu says of settings is what the methods take."""

from __future__ import annotations

import anndata as ad
import pytest

from stentrans import enhance
from stentrans.methods.registry import METHODS
from stentrans.methods.settings import SETTINGS

QUICK = {"dist": {"epochs": 1, "width": 2, "depth": 1}, "stentrans": {"steps": 1}}
QUICK["paper"] = {"epochs": 1, "depth": 1}
CASES = [(method, one) for method, some in SETTINGS.items() for one in some]


def test_only_methods_have_settings() -> None:
    assert set(SETTINGS) <= set(METHODS)


@pytest.mark.parametrize(
    ("method", "setting"), CASES, ids=[f"{method}-{one.name}" for method, one in CASES]
)
def test_setting_is_taken_and_its_default_changes_nothing(
    hexagonal_section: ad.AnnData, method: str, setting: object
) -> None:
    quick = QUICK.get(method, {})
    if setting.name in quick:  # type: ignore[attr-defined]
        quick = {name: value for name, value in quick.items() if name != setting.name}  # type: ignore[attr-defined]
        if setting.name in ("epochs", "width", "depth", "steps"):  # type: ignore[attr-defined]
            pytest.skip("its default takes long; the others show that settings reach the method")
    value = setting.default  # type: ignore[attr-defined]
    value = int(value) if value >= 1 else value
    plain = enhance(hexagonal_section, method=method, **quick)
    told = enhance(hexagonal_section, method=method, **quick, **{setting.name: value})  # type: ignore[attr-defined]
    assert (plain.expression("GENE3") == told.expression("GENE3")).all()
