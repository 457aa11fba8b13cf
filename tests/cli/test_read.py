"""What a section is said to be, and a section without its poor spots."""

from __future__ import annotations

import signal
from pathlib import Path

import anndata as ad
import pytest

from tests.cli.calling import Capture, call, run


def test_read_prints_size_lattice_and_depth(square_file: Path) -> None:
    done = run("read", square_file)
    assert done.returncode == 0, done.stderr
    assert "42 (42 on tissue)" in done.stdout
    assert "square" in done.stdout
    assert "counts per spot" in done.stdout


def test_read_recognises_the_hexagonal_lattice(hexagonal_file: Path, capsys: Capture) -> None:
    assert call("read", hexagonal_file) == 0
    assert "hexagonal" in capsys.readouterr().out


def test_read_prints_the_notes_of_the_reader(
    hexagonal_section: ad.AnnData, tmp_path: Path, capsys: Capture
) -> None:
    hexagonal_section.obs["in_tissue"] = 0
    hexagonal_section.write_h5ad(tmp_path / "off.h5ad")
    assert call("read", tmp_path / "off.h5ad") == 0
    assert "note:            No spot is marked in tissue" in capsys.readouterr().out


def test_filter_writes_a_section_whose_poor_spots_are_gaps(
    square_section: ad.AnnData, tmp_path: Path, capsys: Capture
) -> None:
    counts = square_section.X.tolil()
    counts[square_section.obs_names.get_loc("3x3")] = 0
    square_section.X = counts.tocsr()
    square_section.write_h5ad(tmp_path / "a.h5ad")
    assert call("filter", tmp_path / "a.h5ad", "--min-counts", 1, "-o", tmp_path / "b.h5ad") == 0
    assert "41 spots stay, 1 set aside" in capsys.readouterr().out
    call("enhance", tmp_path / "b.h5ad", "-o", tmp_path, "--factor", 1, "--method", "nearest")
    assert "41 measured, 0 inserted, 1 gap" in capsys.readouterr().out


def test_filter_refuses_another_format(square_file: Path, tmp_path: Path, capsys: Capture) -> None:
    assert call("filter", square_file, "-o", tmp_path / "b.csv") == 2
    assert "--out must end in .h5ad" in capsys.readouterr().err


def test_full_disk_leaves_a_sentence_and_no_half_file(
    square_section: ad.AnnData, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of processes")
    square_section.write_h5ad(tmp_path / "a.h5ad")

    def with_little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    out = tmp_path / "out" / "b.h5ad"
    done = run(
        "filter", tmp_path / "a.h5ad", "--min-counts", 5, "--out", out, at_first=with_little_room
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"stentrans: File too large: {out}."]
    assert list(out.parent.iterdir()) == []
