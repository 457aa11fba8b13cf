"""Whatever is damaged in a file: a section, or a refusal with a code; nothing written beside it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentrans.errors import SectionFormatError
from stentrans.section import read
from tests.section.damage import FORMATS, damaged_copies, write_format

N_COPIES = 40
"""The full count of 2,000 is run by benchmarks/fuzz_reading.py."""


def loads_or_refuses(path: Path) -> str:
    try:
        # What pandas and anndata warn of in nonsense is no matter here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except SectionFormatError as error:
        return error.code or "no code"
    return "loaded"


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_file_loads_or_is_refused(name: str, tmp_path: Path) -> None:
    path, part = write_format(name, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    copies = damaged_copies(part.read_bytes(), N_COPIES, seed=1)
    seen = set()
    for raw in copies:
        part.write_bytes(raw)
        seen.add(loads_or_refuses(path))
    assert sorted(tmp_path.rglob("*")) == before
    assert seen <= {"loaded", *(f"R{number}" for number in range(1, 18)), "T15"}


CELLS = st.one_of(
    st.integers(-3, 10**12).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(["", "NA", "1,5", "0x1", "text", '"quoted', "\u00e4", "1e999", " 3 "]),
)
NAMES = st.sampled_from(["1x1", "1x2", "X2x1", "2.1x2.9", "1x1x3", "gene", "", "ENSG00000000001"])


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A table of any dialect, rarely a sound one."""
    mark = draw(st.sampled_from(["\t", ",", ";", " "]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    width = draw(st.integers(1, 4))
    header = draw(st.lists(NAMES, min_size=width, max_size=width + 1))
    rows = draw(st.lists(st.tuples(NAMES, st.lists(CELLS, min_size=1, max_size=4)), max_size=5))
    lines = [mark.join(header), *(mark.join([name, *cells]) for name, cells in rows)]
    text = draw(st.sampled_from(["", end, "\ufeff"])) + end.join(lines)
    coded = text.encode(draw(st.sampled_from(["utf-8", "utf-16", "latin-1"])), "replace")
    return coded + draw(st.sampled_from([b"", b"\x00", b"\xff\xfe"]))


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(raw=tables())
def test_table_of_any_dialect_loads_or_is_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_bytes(raw)
    assert loads_or_refuses(tmp_path / "counts.csv") != "no code"


@st.composite
def structures(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Datasets under the names that readers look for, of any shape and type."""
    names = ["matrix/data", "matrix/indices", "matrix/indptr", "matrix/shape", "matrix/barcodes"]
    names += ["matrix/features/id", "matrix/features/name", "matrix/features/feature_type"]
    names += ["obs/_index", "var/_index", "X", "X/data", "obsm/spatial", "raw/X", "layers/counts"]
    kinds = ["f4", "f8", "i4", "i8", "u1", "S3", "?"]
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    shapes = st.lists(st.integers(0, 3), max_size=3)
    return {name: np.ones(draw(shapes), dtype=draw(st.sampled_from(kinds))) for name in chosen}


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(held=structures(), attributes=st.sampled_from(["", "dataframe", "csr_matrix", "array"]))
def test_hdf5_of_any_structure_loads_or_is_refused(
    held: dict[str, np.ndarray], attributes: str, tmp_path: Path
) -> None:
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in held.items():
            parent = file.get(name.rpartition("/")[0] or "/")
            if name not in file and (parent is None or isinstance(parent, h5py.Group)):
                file[name] = values
        for group in file.values():
            group.attrs["encoding-type"] = attributes
            group.attrs["_index"], group.attrs["column-order"] = "_index", ["_index"]
            group.attrs["shape"] = [2, 2]
    assert loads_or_refuses(tmp_path / "a.h5") != "no code"
