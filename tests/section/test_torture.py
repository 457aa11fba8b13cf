"""Every file that labs are known to hand over: it loads with these notes, or is refused so.

One row per case: what it is, how it is made, and the codes of notes (a tuple) or of the refusal
(a text). What a case means beyond its codes is tested where its reader is.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image

from stentrans.app import opening
from stentrans.errors import SectionFormatError
from stentrans.section import notes_of, read, refusal_of
from tests.section.writers import (
    Lab,
    positions_text,
    write_bins,
    write_legacy_h5,
    write_triplet,
)

Expected = tuple[str, ...] | str
H5 = "filtered_feature_bc_matrix.h5"
LIST = "spatial/tissue_positions_list.csv"


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    row: str
    make: Callable[[Lab], Path]
    expected: Expected
    options: dict[str, Any] = field(default_factory=dict)
    is_off: bool = False
    """Enhancement must be off; where False, and it loads, it must be possible."""


CASES: list[Case] = []


def case(row: str, expected: Expected, *, is_off: bool = False, **options: Any) -> Any:
    """Add a function that makes a file to the table."""

    def add(make: Callable[[Lab], Path]) -> Callable[[Lab], Path]:
        CASES.append(Case(row, make, expected, options, is_off))
        return make

    return add


@pytest.fixture
def lab(visium_section: ad.AnnData, tmp_path: Path) -> Lab:
    visium_section.uns.clear()  # nothing says that it is simulated
    return Lab(visium_section, tmp_path)


@pytest.mark.parametrize("given", CASES, ids=lambda given: given.row)
def test_torture(given: Case, lab: Lab) -> None:
    path = given.make(lab)
    before = sorted(str(one) for one in lab.folder.rglob("*"))
    if isinstance(given.expected, str):
        with pytest.raises(SectionFormatError, match=r"^[^\n]*\.$") as caught:
            read(path, **given.options)
        assert caught.value.code == given.expected
    else:
        section = read(path, **given.options)
        assert sorted({note.code for note in notes_of(section)}) == sorted(given.expected)
        assert (refusal_of(section) is not None) == given.is_off
    assert sorted(str(one) for one in lab.folder.rglob("*")) == before


def test_every_row_of_the_table_is_here() -> None:
    rows = {int(one.row.split()[0].rstrip("abcdefghij")) for one in CASES}
    assert rows | TESTED_BELOW == set(range(1, 55))


# Rows that are no file, or need more than one look.
TESTED_BELOW = {46, 48, 49, 54}


@case("1 complete folder of version 1", ())
def _(lab: Lab) -> Path:
    return lab.outs()


@case("2 zip of version 2, nested, with macOS files", ("T5",))
def _(lab: Lab) -> Path:
    return lab.zip(lab.outs(version=2), "liver/outs/", junk=True)


@case("2b tar.gz of version 2, nested", ("T5",))
def _(lab: Lab) -> Path:
    return lab.tar(lab.outs(version=2), "liver/outs/")


@case("3 list file with header", ("T1",))
def _(lab: Lab) -> Path:
    return lab.with_positions(lab.outs(), positions_text(lab.section, header=True))


@case("4 positions without header", ("T1",))
def _(lab: Lab) -> Path:
    return lab.with_positions(lab.outs(version=2), positions_text(lab.section, header=False))


@case("5 eleven millimetres, float and negative pixels", ("T4",))
def _(lab: Lab) -> Path:
    lab.section.obsm["spatial"] -= lab.section.obsm["spatial"].min(axis=0) + [20.25, 0]
    lines = positions_text(lab.section, header=True, digits=2)
    return lab.with_positions(lab.outs(version=2), lines)


@case("6 mirrored slide", ("T3",))
def _(lab: Lab) -> Path:
    outs = lab.outs()
    x = lab.section.obsm["spatial"][:, 0]
    lab.section.obsm["spatial"][:, 0] = x.max() + x.min() - x
    return lab.with_positions(outs, positions_text(lab.section, header=False))


@case("6b upright slide", ())
def _(lab: Lab) -> Path:
    return lab.outs(version=2)


@case("7 pixel columns exchanged", ("T2",))
def _(lab: Lab) -> Path:
    outs = lab.outs()
    width, height = lab.section.obsm["spatial"].max(axis=0) + 400
    size = (int(width * 0.05) + 1, int(height * 0.05) // 2 + 1)
    Image.new("RGB", size).save(outs / "spatial/tissue_hires_image.png")
    lab.section.obsm["spatial"] = (lab.section.obsm["spatial"] * [1.0, 0.5])[:, ::-1]
    return lab.with_positions(outs, positions_text(lab.section, header=False))


@case("8 files of GEO with a prefix", ("T5",))
def _(lab: Lab) -> Path:
    return lab.outs(prefix="GSM123_")


@case("8b loose files of GEO, gzipped, spatial apart", ("T5",))
def _(lab: Lab) -> Path:
    return lab.geo("GSM123_liver")


@case("8c record of GEO with two samples", ("T5", "T11"))
def _(lab: Lab) -> Path:
    record = lab.folder / "GSE1_RAW"
    lab.geo("GSM123_liver", record)
    lab.geo("GSM124_lung", record)
    return lab.tar(record, suffix=".tar")


@case("9 no hires picture", ("T6",))
def _(lab: Lab) -> Path:
    return lab.without(lab.outs(), "spatial/tissue_hires_image.png")


@case("9b no scale factors", ("T6",))
def _(lab: Lab) -> Path:
    return lab.without(lab.outs(), "spatial/scalefactors_json.json")


@case("9c foreign scale factors", ("T6",))
def _(lab: Lab) -> Path:
    outs = lab.outs()
    (outs / "spatial/scalefactors_json.json").write_text('{"tissue_hires_scalef": 1.0}')
    return outs


@case("10 legacy 10x h5", ())
def _(lab: Lab) -> Path:
    outs = lab.outs()
    write_legacy_h5(outs / H5, lab.section, ["INVENTED1"])
    return outs


@case("10b legacy 10x h5 with two genomes", ("T7",))
def _(lab: Lab) -> Path:
    outs = lab.outs()
    write_legacy_h5(outs / H5, lab.section, ["human", "mouse"])
    return outs


@case("11 10x h5 with proteins", ("T9",))
def _(lab: Lab) -> Path:
    kinds = ["Gene Expression"] * 295 + ["Antibody Capture"] * 5
    return lab.with_matrix(lab.outs(), feature_type=kinds)


@case("12 mtx triplet with genes.tsv", ())
def _(lab: Lab) -> Path:
    outs = lab.without(lab.outs(), H5)
    write_triplet(outs / "filtered_feature_bc_matrix", lab.section, genes_tsv=True)
    return outs


@case("13 legacy ST, no spot file", ("T12",))
def _(lab: Lab) -> Path:
    return lab.write("counts.tsv", lab.table().to_csv(sep="\t"))


@case("14 legacy ST transposed, names from R", ("T12", "T13"))
def _(lab: Lab) -> Path:
    table = lab.table()
    return lab.write("counts.csv", table.rename("X{}".format).T.to_csv())


@case("15 h5ad with Ensembl ids only", ("T7",))
def _(lab: Lab) -> Path:
    lab.section.var = pd.DataFrame(index=lab.section.var["gene_ids"].to_numpy())
    return lab.h5ad()


@case("15b h5ad with ids and feature_name", ("T7",))
def _(lab: Lab) -> Path:
    lab.section.var["feature_name"] = list(lab.section.var_names)
    lab.section.var_names = list(lab.section.var["gene_ids"])
    return lab.h5ad()


@case("16 duplicate symbols", ("T8",))
def _(lab: Lab) -> Path:
    return lab.with_matrix(lab.outs(), name=["Same", "Same", *lab.section.var_names[2:]])


@case("17 h5ad normalised, counts in a layer", ("T10",))
def _(lab: Lab) -> Path:
    lab.section.layers["counts"] = lab.section.X.copy()
    lab.section.X = lab.section.X.log1p()
    return lab.h5ad()


@case("17b h5ad normalised, no counts", ("T10",), is_off=True)
def _(lab: Lab) -> Path:
    lab.section.X = lab.section.X.log1p()
    return lab.h5ad()


@case("18 h5ad with three libraries", ("T11",))
def _(lab: Lab) -> Path:
    parts = dict.fromkeys(("a", "b", "c"), lab.section)
    lab.section = ad.concat(parts, label="library_id", index_unique="-", merge="same")
    return lab.h5ad()


@case("19 h5ad without array positions", ("T16",))
def _(lab: Lab) -> Path:
    del lab.section.obs["array_row"], lab.section.obs["array_col"]
    return lab.h5ad()


@case("20 h5ad of cells, as from MERFISH", ("T15",), is_off=True)
def _(lab: Lab) -> Path:
    del lab.section.obs["array_row"], lab.section.obs["array_col"]
    places = np.random.default_rng(0).uniform(0, 5000, size=(lab.section.n_obs, 2))
    lab.section.obsm["spatial"] = places
    return lab.h5ad()


@case("20b Visium HD, one size of bins", ("T15",))
def _(lab: Lab) -> Path:
    return write_bins(lab.folder / "hd", sizes_um=(16,))


@case("20c Visium HD, three sizes of bins", ("T11", "T15"))
def _(lab: Lab) -> Path:
    return write_bins(lab.folder / "hd", sizes_um=(2, 8, 16))


@case("21 missing coordinates", ("T14",))
def _(lab: Lab) -> Path:
    lab.section.obsm["spatial"][:3] = np.nan
    return lab.h5ad()


@case("21b spots without any value", ("T14",))
def _(lab: Lab) -> Path:
    dense = lab.section.X.toarray()
    dense[2] = np.nan
    lab.section.X = dense
    return lab.h5ad()


@case("22 spots without counts", ("T21",))
def _(lab: Lab) -> Path:
    dense = lab.section.X.toarray()
    dense[2] = 0
    lab.section.X = dense
    return lab.h5ad()


@case("23 one spot", ("T15",), is_off=True)
def _(lab: Lab) -> Path:
    lab.section = lab.section[:1].copy()
    return lab.h5ad()


@case("23b one row", ("T15",), is_off=True)
def _(lab: Lab) -> Path:
    lab.section = lab.section[lab.section.obs["array_row"] == 5].copy()
    return lab.h5ad()


@case("24 no spots", "R6")
def _(lab: Lab) -> Path:
    lab.section = lab.section[:0].copy()
    return lab.h5ad()


@case("24b no genes", "R6")
def _(lab: Lab) -> Path:
    lab.section = lab.section[:, :0].copy()
    return lab.h5ad()


@case("25 negative values", ("T10",), is_off=True)
def _(lab: Lab) -> Path:
    dense = lab.section.X.toarray()
    dense[0, 0] = -2
    lab.section.X = dense
    return lab.h5ad()


@case("26 counts that are not whole", ("T10", "T12"), is_off=True)
def _(lab: Lab) -> Path:
    return lab.write("counts.csv", (lab.table() / 7).to_csv())


@case("27 scattered NaN", "R11")
def _(lab: Lab) -> Path:
    lab.section.X.data[3] = np.nan
    return lab.h5ad()


@case("27b infinite value", "R11")
def _(lab: Lab) -> Path:
    table = lab.table().astype(float)
    table.iloc[4, 7] = np.inf
    return lab.write("counts.csv", table.to_csv())


@case("28 duplicate barcodes in csv", "R10")
def _(lab: Lab) -> Path:
    table = lab.table()
    return lab.write("counts.csv", pd.concat([table, table.iloc[:1]]).to_csv())


@case("28b duplicate barcodes in mtx", "R10")
def _(lab: Lab) -> Path:
    outs = lab.without(lab.outs(), H5)
    lab.section.obs_names = ["SPOT0001-1", *lab.section.obs_names[1:]]
    write_triplet(outs / "filtered_feature_bc_matrix", lab.section, genes_tsv=True)
    return outs


@case("28c two spots on one array position", "R10")
def _(lab: Lab) -> Path:
    for key in ("array_row", "array_col"):
        lab.section.obs[key] = [lab.section.obs[key].iloc[1], *lab.section.obs[key].iloc[1:]]
    return lab.h5ad()


@case("29 positions without matrix", "R7")
def _(lab: Lab) -> Path:
    return lab.without(lab.outs(), H5)


@case("30 matrix without positions", "R8")
def _(lab: Lab) -> Path:
    return lab.without(lab.outs(), LIST)


@case("31 foreign barcodes", "R9")
def _(lab: Lab) -> Path:
    return lab.with_matrix(lab.outs(), barcodes=[f"OTHER{i}" for i in range(lab.section.n_obs)])


@case("32 barcodes without suffix", ("T17",))
def _(lab: Lab) -> Path:
    names = [name.removesuffix("-1") for name in lab.section.obs_names]
    return lab.with_matrix(lab.outs(), barcodes=names)


@case("32b half of the barcodes", ("T17",))
def _(lab: Lab) -> Path:
    names = [*lab.section.obs_names[:45], *(f"O{i}" for i in range(lab.section.n_obs - 45))]
    return lab.with_matrix(lab.outs(), barcodes=names)


@case("33 Windows line ends", ())
def _(lab: Lab) -> Path:
    text = positions_text(lab.section, header=True)
    return lab.with_positions(lab.outs(version=2), text.replace("\n", "\r\n"))


@case("33b byte order mark", ())
def _(lab: Lab) -> Path:
    text = positions_text(lab.section, header=True)
    return lab.with_positions(lab.outs(version=2), "\ufeff" + text)


@case("34 semicolons and decimal commas", ("T12", "T18"))
def _(lab: Lab) -> Path:
    return lab.write("counts.csv", (lab.table() * 1.0).to_csv(sep=";", decimal=","))


@case("34b UTF-16", ("T12", "T18"))
def _(lab: Lab) -> Path:
    return lab.write("counts.csv", lab.table().to_csv().encode("utf-16"))


@case("35 gzip named csv", ("T12", "T19"))
def _(lab: Lab) -> Path:
    return lab.write("counts.csv", gzip.compress(lab.table().to_csv().encode()))


@case("35b text named gz", ("T12", "T19"))
def _(lab: Lab) -> Path:
    return lab.write("counts.csv.gz", lab.table().to_csv())


@case("36 h5ad named txt", ("T19",))
def _(lab: Lab) -> Path:
    return lab.h5ad().rename(lab.folder / "section.txt")


def _zip_with(lab: Lab, name: str, content: bytes = b"bad", *, mode: int = 0) -> Path:
    path = lab.folder / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr("good.txt", b"good")
        archive.writestr(info, content)
    return path


def _tar_with(lab: Lab, **fields: Any) -> Path:
    path = lab.folder / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("good.txt")
        archive.addfile(info)
        for name, value in fields.items():
            setattr(info, name, value)
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    return path


@case("37 zip that climbs out", "R1")
def _(lab: Lab) -> Path:
    return _zip_with(lab, "../x")


@case("37b zip with an absolute path", "R1")
def _(lab: Lab) -> Path:
    return _zip_with(lab, "/tmp/x")


@case("37c zip with a link out", "R1")
def _(lab: Lab) -> Path:
    return _zip_with(lab, "a/link", b"../../etc/passwd", mode=0o120777)


@case("37d tar that climbs out", "R1")
def _(lab: Lab) -> Path:
    return _tar_with(lab, name="a/../../x")


@case("37e tar with an absolute path", "R1")
def _(lab: Lab) -> Path:
    return _tar_with(lab, name="/tmp/x")


@case("37f tar with a symbolic link out", "R1")
def _(lab: Lab) -> Path:
    return _tar_with(lab, name="a", type=tarfile.SYMTYPE, linkname="/etc/passwd")


@case("37g tar with a hard link out", "R1")
def _(lab: Lab) -> Path:
    return _tar_with(lab, name="a", type=tarfile.LNKTYPE, linkname="../x")


@case("37h tar with a device", "R1")
def _(lab: Lab) -> Path:
    return _tar_with(lab, name="a", type=tarfile.CHRTYPE)


@case("37i h5ad that points to another file", "R1")
def _(lab: Lab) -> Path:
    path = lab.h5ad()
    with h5py.File(path, "a") as file:
        file["obsm/other"] = h5py.ExternalLink("/etc/other.h5", "/X")
    return path


@case("37j h5ad that keeps values in another file", "R1")
def _(lab: Lab) -> Path:
    path = lab.h5ad()
    with h5py.File(path, "a") as file:
        file.create_dataset("secret", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    return path


@case("38 zip bomb", "R2")
def _(lab: Lab) -> Path:
    return _zip_with(lab, "zeros", bytes(60 * 2**20))


@case("38b gzip bomb", "R2")
def _(lab: Lab) -> Path:
    return lab.write("bomb.csv.gz", gzip.compress(bytes(60 * 2**20)))


@case("38c bomb within an archive", "R2")
def _(lab: Lab) -> Path:
    bomb = _zip_with(lab, "zeros", bytes(60 * 2**20))
    inner = lab.folder / "in"
    inner.mkdir()
    bomb.rename(inner / "spatial.zip")
    return lab.zip(inner)


@case("38d tar bomb", "R2")
def _(lab: Lab) -> Path:
    return _tar_with(lab, name="zeros", size=60 * 2**20)


@case("39 truncated h5", "R3")
def _(lab: Lab) -> Path:
    outs = lab.outs()
    (outs / H5).write_bytes((outs / H5).read_bytes()[:20_000])
    return outs


@case("39b truncated gzip", "R3")
def _(lab: Lab) -> Path:
    return lab.write("counts.csv.gz", gzip.compress(lab.table().to_csv().encode())[:1000])


@case("39c truncated tar.gz", "R3")
def _(lab: Lab) -> Path:
    path = lab.tar(lab.outs())
    return lab.write("cut.tar.gz", path.read_bytes()[:-2000])


@case("40 HDF5 that is not 10x", "R15")
def _(lab: Lab) -> Path:
    with h5py.File(lab.folder / "other.h5", "w") as file:
        file["lonely"] = [1]
    return lab.folder / "other.h5"


@case("41 h5 that declares a billion spots", "R13")
def _(lab: Lab) -> Path:
    return lab.with_matrix(lab.outs(), shape=(300, 10**9))


@case("42 npz with object arrays", "R4")
def _(lab: Lab) -> Path:
    np.savez(lab.folder / "a.npz", a=np.array([{}, None], dtype=object))
    return lab.folder / "a.npz"


@case("42b pickle", "R4")
def _(lab: Lab) -> Path:
    return lab.write("a.pkl", pickle.dumps({"a": 1}))


@case("42c unsafe pt", "R4")
def _(lab: Lab) -> Path:
    return _zip_with(lab, "model/data.pkl", b"\x80\x04.")


@case("43 rds", "R5")
def _(lab: Lab) -> Path:
    return lab.write("a.rds", gzip.compress(b"X\n\x00\x00\x00\x03 R saves itself like this"))


@case("43b cloupe", "R5")
def _(lab: Lab) -> Path:
    return lab.write("a.cloupe", '{"headerVersion": 1}' + "\x00" * 200)


@case("43c PNG named h5ad", "R5")
def _(lab: Lab) -> Path:
    Image.new("RGB", (4, 4)).save(lab.folder / "a.png")
    return (lab.folder / "a.png").rename(lab.folder / "a.h5ad")


@case("44 newer h5ad with an unknown element", ("T20",))
def _(lab: Lab) -> Path:
    path = lab.h5ad()
    with h5py.File(path, "a") as file:
        file["obsm"].create_group("odd").attrs["encoding-type"] = "from the future"
    return path


@case("45 newer h5ad with unreadable X", "R14")
def _(lab: Lab) -> Path:
    path = lab.h5ad()
    with h5py.File(path, "a") as file:
        file["X"].attrs["encoding-type"] = "from the future"
    return path


@case("47 genes that a spreadsheet made dates of", ("T12", "T22"))
def _(lab: Lab) -> Path:
    table = lab.table()
    table.columns = ["1-Mar", "2-Sep", *table.columns[2:]]
    return lab.write("counts.csv", table.to_csv())


@case("50 table with a column of text", "R17")
def _(lab: Lab) -> Path:
    return lab.write("counts.csv", lab.table().assign(cluster="tumour").to_csv())


@case("51 zero bytes", "R3")
def _(lab: Lab) -> Path:
    return lab.write("empty.h5ad", b"")


@case("51b zip with a password", "R5")
def _(lab: Lab) -> Path:
    path = lab.zip(lab.outs())
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return lab.write("secret.zip", bytes(raw))


@case("52 no spot marked in tissue", ("T21",))
def _(lab: Lab) -> Path:
    lab.section.obs["in_tissue"] = 0
    return lab.h5ad()


@case("53 duplicate spot names with their own places", ("T22",))
def _(lab: Lab) -> Path:
    lab.section.obs_names = ["A", "A", *lab.section.obs_names[2:]]
    return lab.h5ad()


def test_46_slashes_are_kept_in_genes(lab: Lab) -> None:
    lab.section.var_names = ["A/B", *lab.section.var_names[1:]]
    lab.section.obs["library_id"] = "a/b"
    section = read(lab.h5ad())
    assert section.var_names[0] == "A/B"
    section.write_h5ad(lab.folder / "again.h5ad")
    assert read(lab.folder / "again.h5ad").var_names.equals(section.var_names)


class Large:
    """An upload of 2 GB whose content nobody may ask for."""

    name, size = "large.h5ad", 2**31

    def getbuffer(self) -> memoryview:
        pytest.fail("what is refused is not read")


def test_48_two_gigabytes_are_refused_as_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: 500)
    with pytest.raises(SectionFormatError, match=r"2,048 MB exceed .* by its path") as caught:
        opening.open_upload([Large()])
    assert caught.value.code == "R12"


def test_48_two_gigabytes_by_path_load_without_being_read_whole(lab: Lab) -> None:
    path = lab.h5ad()
    with h5py.File(path, "a") as file:
        # Never written, so it takes no room on the disk; what is not needed is not read.
        file.create_dataset("layers/huge", (lab.section.n_obs, 2**23), "f4", chunks=(1, 2**16))
        file["layers/huge"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    assert read(path).n_obs == lab.section.n_obs


@pytest.mark.parametrize("way", ["climb", "link", "link within"])
def test_49_path_outside_the_data_folder_is_refused(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    shown, hidden = lab.folder / "shown", lab.folder / "hidden"
    shown.mkdir()
    (hidden / "outs").mkdir(parents=True)
    monkeypatch.setenv("STENTRANS_DATA", str(shown))
    (shown / "link").symlink_to(hidden)
    (shown / "outs").mkdir()
    (shown / "outs/matrix.h5").symlink_to(hidden / "outs")
    given = {"climb": "../../etc/passwd", "link": "link", "link within": "outs"}[way]
    with pytest.raises(SectionFormatError, match="outside the data folder") as caught:
        opening.open_path(str(shown / given))
    assert caught.value.code == "R16"


def test_54_own_export_keeps_its_origins(lab: Lab) -> None:
    is_inserted = np.arange(lab.section.n_obs) >= 60
    lab.section.obs["origin"] = np.where(is_inserted, "inserted", "measured")
    lab.section.obs["array_row"] = lab.section.obs["array_row"] + 0.5 * is_inserted
    lab.section.X = lab.section.X.log1p()
    lab.section.uns["stentrans"] = '{"method": "prior"}'
    section = read(lab.h5ad())
    assert section.obs["origin"].value_counts()["measured"] == 60
    np.testing.assert_array_equal(section.obs["array_row"] % 1, 0.5 * is_inserted)
