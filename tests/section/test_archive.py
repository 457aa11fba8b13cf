"""Zips are unpacked inside their folder, within limits, or not at all."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from stentrans.errors import SectionFormatError
from stentrans.section import notes_of, read
from stentrans.section.archive import unpack


def zip_folder(folder: Path, path: Path, *, root: str = "", junk: bool = False) -> Path:
    """Zip a folder below ``root``, optionally with what macOS adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{root}{file.relative_to(folder)}")
                if junk:
                    archive.writestr(f"__MACOSX/{root}._{file.name}", b"junk")
    return path


def refused(path: Path, into: Path, code: str, **limits: int) -> None:
    """Expect a refusal that leaves nothing behind."""
    into.mkdir()
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        unpack(path, into, **limits)
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


def test_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(60 * 2**20))
    refused(tmp_path / "bomb.zip", tmp_path / "into", "R2")


def test_total_size_is_limited(tmp_path):
    with zipfile.ZipFile(tmp_path / "big.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"part{number}", bytes(2**20))
    refused(tmp_path / "big.zip", tmp_path / "into", "R2", limit=2 * 2**20)


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


def test_password_is_refused(tmp_path):
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"text")
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(raw))
    refused(path, tmp_path / "into", "R5")


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
