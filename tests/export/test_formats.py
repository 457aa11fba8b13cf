"""Which format a name stands for; a file is there whole, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

import stentrans
from stentrans import export
from stentrans.errors import Cancelled, ParameterError, StoreError
from stentrans.export import formats
from stentrans.export.checking import Margins


@pytest.fixture
def small(hexagonal_section) -> stentrans.Enhancement:
    return stentrans.enhance(hexagonal_section, method="linear")


@pytest.mark.parametrize("name", ["out.xlsx", "out", ".h5ad", "out.h5ad.bak"])
def test_unknown_ending_is_refused_in_a_sentence(small, tmp_path, name):
    with pytest.raises(ParameterError, match=r"must be written to a file that ends in \.h5ad"):
        small.write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_ending_in_capitals_is_known(small, tmp_path):
    small.write(tmp_path / "OUT.H5AD")
    assert (tmp_path / "OUT.H5AD").is_file()


@pytest.mark.parametrize("suffix", list(export.FORMATS))
def test_cancelled_export_leaves_the_older_file(small, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    small.write(path)
    before = {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*")}
    with pytest.raises(Cancelled):
        export.write(small, path, on_progress=lambda told: told.fraction < 0.5)
    assert {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("suffix", list(export.FORMATS))
def test_progress_never_goes_back_and_ends_at_one(small, tmp_path, suffix):
    told: list[float] = []
    export.write(
        small, tmp_path / f"out{suffix}", on_progress=lambda one: told.append(one.fraction)
    )
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("suffix", list(export.FORMATS))
def test_file_that_differs_from_what_was_written_is_not_offered(
    small, tmp_path, suffix, monkeypatch
):
    chosen = export.FORMATS[suffix]

    def spoiled(contents, path, tell):
        read = chosen.read(contents, path, tell)
        read["X"].by_gene[3] += 1.0
        return read

    changed = formats.Format(**{**vars(chosen), "read": spoiled})
    monkeypatch.setitem(formats.FORMATS, suffix, changed)
    with pytest.raises(StoreError, match=r"must hold what was written; out\.\S+ does not \(X"):
        small.write(tmp_path / f"out{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_margins_notice_a_value_in_another_place():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    one, other = Margins.empty((3, 4)), Margins.empty((3, 4))
    one.add(slice(0, 3), slice(0, 4), values)
    values[[0, 1], [2, 2]] = values[[1, 0], [2, 2]]
    other.add(slice(0, 3), slice(0, 4), values)
    assert not one.equals(other)


def test_margins_added_in_parts_are_those_of_the_whole():
    values = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    whole, pieces = Margins.empty((5, 7)), Margins.empty((5, 7))
    whole.add(slice(0, 5), slice(0, 7), values)
    for sites in (slice(0, 2), slice(2, 5)):
        for genes in (slice(0, 3), slice(3, 7)):
            pieces.add(sites, genes, values[sites, genes])
    assert whole.equals(pieces)
