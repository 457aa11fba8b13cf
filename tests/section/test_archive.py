"""Zips are unpacked inside their folder, within limits, or not at all."""

from __future__ import annotations

import errno
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from stentrans.errors import SectionFormatError
from stentrans.section import notes_of, read
from stentrans.section.archive import Budget, unpack
from tests.section.writers import Lab


def zip_folder(folder: Path, path: Path, *, root: str = "", junk: bool = False) -> Path:
    """Zip a folder below ``root``, optionally with what macOS adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{root}{file.relative_to(folder)}")
                if junk:
                    archive.writestr(f"__MACOSX/{root}._{file.name}", b"junk")
    return path


def refused(path: Path, into: Path, code: str, budget: Budget | None = None) -> None:
    """Expect a refusal that leaves nothing behind."""
    into.mkdir()
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        unpack(path, into, budget=budget)
    assert caught.value.code == code
    assert sum(file.stat().st_size for file in into.rglob("*") if file.is_file()) <= 2 * 2**20


def test_zip_of_outs_loads(write_outs, tmp_path, visium_section):
    path = zip_folder(write_outs(tmp_path / "outs"), tmp_path / "liver.zip")
    section = read(path)
    assert section.n_obs == visium_section.n_obs
    assert list(section.uns["spatial"]) == ["liver"]
    assert notes_of(section) == []


def test_nested_zip_with_macos_junk_loads(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs", version=2)
    path = zip_folder(outs, tmp_path / "up.zip", root="liver/outs/", junk=True)
    section = read(path)
    assert [note.code for note in notes_of(section)] == ["T5"]
    assert "sample liver; ignored 5 files" in notes_of(section)[0].sentence
    assert section.n_obs == visium_section.n_obs


def test_zip_with_backslashes_loads(write_outs, tmp_path):
    outs = write_outs(tmp_path / "outs")
    with zipfile.ZipFile(tmp_path / "win.zip", "w") as archive:
        for file in outs.rglob("*"):
            if file.is_file():
                info = zipfile.ZipInfo("x")
                info.filename = str(file.relative_to(outs)).replace("/", "\\")
                archive.writestr(info, file.read_bytes())
    assert read(tmp_path / "win.zip").n_obs > 0


def test_zip_of_an_h5ad_loads(tmp_path, visium_section):
    (tmp_path / "in").mkdir()
    visium_section.write_h5ad(tmp_path / "in/section.h5ad")
    path = zip_folder(tmp_path / "in", tmp_path / "one.zip")
    assert read(path).n_obs == visium_section.n_obs


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/tmp/x", "..\\x", "C:/x", "C:\\x"], ids=str)
def test_paths_that_leave_the_folder_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("good.txt", b"good")
        archive.writestr(name, b"bad")
    refused(tmp_path / "bad.zip", tmp_path / "into", "R1")
    assert list((tmp_path / "into").rglob("*")) == []
    assert not (tmp_path / "x").exists()


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(tmp_path / "bad.zip", tmp_path / "into", "R1")


def test_total_size_is_limited(tmp_path):
    with zipfile.ZipFile(tmp_path / "big.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"part{number}", bytes(2**20))
    refused(tmp_path / "big.zip", tmp_path / "into", "R2", Budget(bytes_left=2 * 2**20))


def test_a_lying_size_is_caught_while_unpacking(tmp_path):
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2**20))
    raw = path.read_bytes()
    path.write_bytes(raw.replace((2**20).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        unpack(path, into)
    assert caught.value.code in {"R2", "R3"}


def test_too_many_members_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    refused(tmp_path / "many.zip", tmp_path / "into", "R2")


def test_truncated_zip_is_refused(write_outs, tmp_path):
    path = zip_folder(write_outs(tmp_path / "outs"), tmp_path / "cut.zip")
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, tmp_path / "into", "R3")


@pytest.mark.parametrize("member", ["model/data.pkl", "array.npy", "x.pickle"], ids=str)
def test_models_and_arrays_are_refused(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr(member, b"\x80\x04.")
    refused(tmp_path / "model.pt", tmp_path / "into", "R4")


def test_file_and_folder_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        archive.writestr("a", b"file")
        archive.writestr("a/b", b"file in it")
    refused(tmp_path / "odd.zip", tmp_path / "into", "R3")


def test_zip_without_a_section_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "notes.zip", "w") as archive:
        archive.writestr("readme.md", b"hello")
    with pytest.raises(SectionFormatError, match=r"notes\.zip holds none") as caught:
        read(tmp_path / "notes.zip")
    assert caught.value.code == "R5"


def test_links_within_the_archive_are_left_out(tmp_path, write_outs, visium_section):
    outs = write_outs(tmp_path / "outs")
    (outs / "spatial/again.csv").symlink_to("tissue_positions_list.csv")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(outs, "outs")
    assert read(tmp_path / "a.tar").n_obs == visium_section.n_obs


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME], ids=["pax", "gnu"])
def test_endless_names_in_a_tar_are_refused(tmp_path, kind):
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 40 * 2**20
    (tmp_path / "bad.tar").write_bytes(header.tobuf() + bytes(header.size + 1024))
    refused(tmp_path / "bad.tar", tmp_path / "into", "R2")


def test_archives_share_one_budget(tmp_path, write_outs):
    path = zip_folder(write_outs(tmp_path / "outs"), tmp_path / "a.zip")
    budget = Budget()
    (tmp_path / "into").mkdir()
    unpack(path, tmp_path / "into", budget=budget)
    written = [one for one in (tmp_path / "into").rglob("*") if one.is_file()]
    assert budget.members_left == Budget().members_left - len(written)
    assert budget.bytes_left == Budget().bytes_left - sum(one.stat().st_size for one in written)


def test_full_disk_is_told_in_a_sentence(tmp_path, write_outs, monkeypatch):
    path = zip_folder(write_outs(tmp_path / "outs"), tmp_path / "a.zip")

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stentrans.section.archive.copy_bounded", full)
    with pytest.raises(SectionFormatError, match="more room than the disk has") as caught:
        read(path)
    assert caught.value.code == "R13"


def test_folder_by_path_is_left_as_it_was(tmp_path, visium_section):
    record = Lab(visium_section, tmp_path).geo("GSM1_liver")
    before = {one: one.stat().st_mtime_ns for one in record.rglob("*")}
    section = read(record)
    assert list(section.uns["spatial"]) == ["GSM1_liver"]
    assert set(section.uns["spatial"]["GSM1_liver"]["images"]) == {"hires", "lowres"}
    assert {one: one.stat().st_mtime_ns for one in record.rglob("*")} == before


def test_each_sample_of_a_record_gets_its_own_files(tmp_path, visium_section):
    lab = Lab(visium_section, tmp_path)
    record = tmp_path / "record"
    lab.geo("GSM1_liver", record)
    lab.section = visium_section[:50].copy()
    lab.geo("GSM2_lung", record)
    assert read(record).n_obs == visium_section.n_obs
    assert read(record, library="GSM2_lung").n_obs == 50
