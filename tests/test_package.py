"""The public interface as it appears to ``import stentrans``."""

from __future__ import annotations

import inspect
from importlib.resources import files

import pytest
from anndata import AnnData

import stentrans

PUBLIC = {
    "METHODS",
    "Enhancement",
    "enhance",
    "evaluate",
    "gene_figure",
    "impute",
    "read",
    "simulate",
}


def test_public_names_are_the_promised_ones() -> None:
    assert set(stentrans.__all__) == PUBLIC | {"__version__"}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_loads_on_first_use(name: str) -> None:
    assert getattr(stentrans, name) is not None


def test_dir_lists_public_names_before_they_are_loaded() -> None:
    assert set(dir(stentrans)) >= PUBLIC


def test_unknown_name_is_refused_like_any_module_does() -> None:
    with pytest.raises(AttributeError, match="module 'stentrans' has no attribute 'upscale'"):
        _ = stentrans.upscale


def test_package_is_marked_as_typed() -> None:
    assert files(stentrans).joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("read", ["path", "library"]),
        ("simulate", ["lattice", "n_rows", "n_cols", "seed"]),
        (
            "enhance",
            ["section", "factor", "method", "fill_gaps", "seed", "device", "on_progress"],
        ),
        ("impute", ["section", "at", "method", "seed", "device"]),
        ("evaluate", ["section", "methods", "protocol", "repeats", "seed"]),
    ],
)
def test_promised_parameters_keep_name_and_order(name: str, expected: list[str]) -> None:
    given = list(inspect.signature(getattr(stentrans, name)).parameters)
    assert [parameter for parameter in given if parameter in expected] == expected


def test_everything_but_the_data_is_keyword_only() -> None:
    data = {"path", "section", "at"}
    for name in ("read", "simulate", "enhance", "impute", "evaluate"):
        for parameter in inspect.signature(getattr(stentrans, name)).parameters.values():
            by_name = parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)
            assert by_name != (parameter.name in data), f"{name}({parameter.name})"


@pytest.mark.parametrize("member", ["sites", "genes", "provenance"])
def test_enhancement_has_the_promised_attribute(member: str, square_section: AnnData) -> None:
    assert hasattr(stentrans.enhance(square_section, method="nearest"), member)


@pytest.mark.parametrize("member", ["expression", "sd", "to_anndata", "write", "save", "load"])
def test_enhancement_has_the_promised_method(member: str) -> None:
    assert callable(getattr(stentrans.Enhancement, member))
