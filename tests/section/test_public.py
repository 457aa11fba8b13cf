"""Public sections are fetched whole or not at all, whatever the connection does."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from stentrans.__main__ import main
from stentrans.errors import Cancelled, FetchError, MissingKeyError, SectionFormatError
from stentrans.section import notes_of, public, read
from stentrans.section.public import download, fetch
from stentrans.section.registry import PUBLIC, PublicSection
from tests.section.publisher import Publisher

NAME = "V1_Human_Heart"
PLACE = f"/1.1.0/{NAME}/{NAME}"
MATRIX, SPATIAL = f"{PLACE}_filtered_feature_bc_matrix.h5", f"{PLACE}_spatial.tar.gz"


@pytest.fixture
def publisher(write_outs, tmp_path) -> Iterator[Publisher]:
    """A publisher of one section, version 1 of the software."""
    outs = write_outs(tmp_path / "publisher")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(outs / "spatial", "spatial")
    matrix = (outs / "filtered_feature_bc_matrix.h5").read_bytes()
    made = Publisher({MATRIX: matrix, SPATIAL: packed.getvalue()})
    server = made.start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "public"


def left(folder: Path) -> list[str]:
    """Names of all files that were written."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_fetched_section_is_read_like_any_other(publisher, folder, visium_section):
    section = read(fetch(NAME, folder, publisher=publisher.address))
    assert section.n_obs == visium_section.n_obs
    assert "hires" in section.uns["spatial"][NAME]["images"]
    assert not [note for note in notes_of(section) if note.code in {"T5", "T6", "T17"}]
    assert [path.name for path in (folder / "incomplete").iterdir()] == []


def test_second_fetch_asks_nobody(publisher, folder):
    first = fetch(NAME, folder, publisher=publisher.address)
    publisher.asked.clear()
    assert fetch(NAME, folder, publisher=publisher.address) == first
    assert publisher.asked == []


def test_download_that_breaks_off_goes_on_where_it_stopped(publisher, folder):
    publisher.breaks = 2
    fetch(NAME, folder, publisher=publisher.address)
    starts = [wanted for path, wanted in publisher.asked if path == MATRIX]
    assert starts[0] == ""
    assert all(wanted.startswith("bytes=") and wanted != "bytes=0-" for wanted in starts[1:])
    assert len(starts) == 3


def test_download_is_given_up_after_some_tries_and_goes_on_at_the_next_call(publisher, folder):
    publisher.breaks = public.TRIES
    with pytest.raises(FetchError, match=r"broke off before its end\. Fetch it again: it goes on"):
        fetch(NAME, folder, publisher=publisher.address)
    assert not (folder / NAME).exists()
    publisher.asked.clear()
    fetch(NAME, folder, publisher=publisher.address)
    assert publisher.asked[0][1].startswith("bytes=")


def test_file_that_changed_meanwhile_is_fetched_from_its_start(publisher, folder, tmp_path):
    publisher.breaks = public.TRIES
    with pytest.raises(FetchError, match="broke off"):
        download(publisher.address + MATRIX, tmp_path / "matrix.h5")
    publisher.etag, publisher.files[MATRIX] = '"two"', b"another file" * 500
    download(publisher.address + MATRIX, tmp_path / "matrix.h5")
    assert (tmp_path / "matrix.h5").read_bytes() == b"another file" * 500


def test_publisher_without_ranges_sends_the_whole_file_again(publisher, tmp_path):
    publisher.knows_ranges, publisher.breaks = False, 1
    download(publisher.address + MATRIX, tmp_path / "matrix.h5")
    assert (tmp_path / "matrix.h5").read_bytes() == publisher.files[MATRIX]


def test_checksum_is_compared_and_a_wrong_file_deleted(publisher, tmp_path):
    right = hashlib.md5(publisher.files[MATRIX]).hexdigest()
    with pytest.raises(FetchError, match=r"checksum of matrix\.h5 is another one"):
        download(publisher.address + MATRIX, tmp_path / "matrix.h5", md5="0" * 32)
    assert left(tmp_path / "public") == []
    assert not list(tmp_path.glob("matrix*"))
    download(publisher.address + MATRIX, tmp_path / "matrix.h5", md5=right)


def test_checksum_of_the_registry_is_the_one_compared(publisher, folder, monkeypatch):
    wrong = PublicSection(NAME, "", md5=(("spatial.tar.gz", "0" * 32),))
    monkeypatch.setitem(PUBLIC, NAME, wrong)
    with pytest.raises(FetchError, match=r"checksum of spatial\.tar\.gz"):
        fetch(NAME, folder, publisher=publisher.address)
    assert not (folder / NAME).exists()


@pytest.mark.parametrize("tells_length", [True, False], ids=["told", "found out"])
def test_file_beyond_the_limit_is_not_kept(publisher, folder, tells_length):
    publisher.tells_length = tells_length
    with pytest.raises(FetchError, match=r"may have up to 0 MiB; http\S+ has more"):
        fetch(NAME, folder, publisher=publisher.address, limit=3000)
    assert left(folder) == []


def test_file_that_is_not_there_is_one_sentence(publisher, folder):
    publisher.files.clear()
    with pytest.raises(FetchError, match=r"is not there \(any more\)"):
        fetch(NAME, folder, publisher=publisher.address)


def test_publisher_in_trouble_is_one_sentence(publisher, folder):
    publisher.status = 503
    with pytest.raises(FetchError, match="it said 503"):
        fetch(NAME, folder, publisher=publisher.address)


def test_offline_is_one_sentence(publisher, folder):
    nobody = "http://127.0.0.1:9"  # the port for discarding: nothing listens
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:9 could not be reached\. Everything else"):
        fetch(NAME, folder, publisher=nobody)
    assert left(folder) == []


def test_progress_grows_to_the_size_of_the_file(publisher, folder):
    told: list[public.Fetching] = []
    fetch(NAME, folder, publisher=publisher.address, on_progress=told.append)
    mine = [one.done for one in told if one.file == "filtered_feature_bc_matrix.h5"]
    assert mine == sorted(mine)
    assert mine[-1] == told[0].total == len(publisher.files[MATRIX])


def test_cancelled_fetch_keeps_what_is_there(publisher, folder):
    with pytest.raises(Cancelled, match="goes on where it stopped"):
        fetch(NAME, folder, publisher=publisher.address, on_progress=lambda told: False)
    assert not (folder / NAME).exists()
    fetch(NAME, folder, publisher=publisher.address)
    assert publisher.asked[1][1].startswith("bytes=")


def test_archive_that_is_none_is_refused_and_forgotten(publisher, folder):
    good = publisher.files[SPATIAL]
    publisher.files[SPATIAL] = good[: len(good) // 2]
    with pytest.raises(SectionFormatError, match="incomplete or damaged"):
        fetch(NAME, folder, publisher=publisher.address)
    assert left(folder) == []
    publisher.files[SPATIAL] = good
    fetch(NAME, folder, publisher=publisher.address)


def test_archive_that_leaves_its_folder_writes_nothing(publisher, folder, tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../../outside"), io.BytesIO())
    publisher.files[SPATIAL] = packed.getvalue()
    with pytest.raises(SectionFormatError, match="leave its folder"):
        fetch(NAME, folder, publisher=publisher.address)
    assert not list(tmp_path.rglob("outside"))


def test_unknown_name_is_refused(folder):
    with pytest.raises(MissingKeyError, match=r"must be one of V1_Adult_Mouse_Brain, .*'nothing'"):
        fetch("nothing", folder)


def test_command_fetches_and_says_where(publisher, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(public, "fetch", partial(fetch, publisher=publisher.address))
    assert main(["fetch", NAME]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "home" / "public" / NAME)
    assert "filtered_feature_bc_matrix.h5" in told.err
    assert main(["read", told.out.strip()]) == 0


def test_command_without_a_name_lists_sections_with_source_and_licence(capsys):
    assert main(["fetch"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in PUBLIC)
    assert "CC BY 4.0" in told
