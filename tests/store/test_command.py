"""The command ``store`` and the store behind ``enhance``."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import pytest

from stentrans.__main__ import main
from stentrans.store import Store


@pytest.fixture
def file(tmp_path: Path, hexagonal_section: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    path = tmp_path / "mine.h5ad"
    hexagonal_section.write_h5ad(path)
    return path


def enhance(file: Path, *more: str) -> int:
    return main(["enhance", str(file), "--method", "linear", "-o", str(file.parent), *more])


def only_run() -> str:
    (name,) = Store().names("runs")
    return name


def test_second_request_is_read_and_not_computed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert enhance(file) == 0
    written = next(file.parent.glob("mine_*.h5ad"))
    first = ad.read_h5ad(written).X
    monkeypatch.setattr("stentrans.jobs.here.compute", lambda *given: pytest.fail("computed"))
    assert enhance(file) == 0
    assert (ad.read_h5ad(written).X == first).all()


def test_damaged_result_is_named_and_made_again(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enhance(file)
    path = Store().folder / "runs" / only_run() / "arrays.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    capsys.readouterr()
    assert main(["store", "verify"]) == 1
    assert f"damaged: runs/{only_run()}/arrays.npz" in capsys.readouterr().out
    assert enhance(file) == 0
    assert "damaged" in capsys.readouterr().err
    assert main(["store", "verify"]) == 0


def test_full_store_is_no_obstacle(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*given: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stentrans.store.store.mkdtemp", full)
    assert enhance(file) == 0
    assert "No space left" in capsys.readouterr().err
    assert list(file.parent.glob("mine_*.h5ad"))


def test_entries_are_listed_shown_pinned_and_pruned(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentrans.store.store.IN_USE_S", -1.0)
    enhance(file)
    name = only_run()
    assert main(["store", "pin", name]) == 0
    assert main(["store", "list"]) == 0
    assert f"{name}" in (told := capsys.readouterr().out)
    assert "enhance linear x2" in told
    assert "pinned" in told
    assert main(["store", "show", name]) == 0
    assert '"method": "linear"' in capsys.readouterr().out
    assert main(["store", "prune", "--to", "0"]) == 0
    assert Store().names("runs") == [name]
    assert main(["store", "unpin", name]) == 0
    assert main(["store", "prune", "--to", "0"]) == 0
    assert Store().names("runs") == []


@pytest.mark.parametrize("name", ["../x", "a" * 32, "", "/etc/passwd"])
def test_name_that_is_not_stored_is_refused(
    file: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "show", name]) == 2
    assert main(["store", "pin", name]) == 2
    assert "not" in capsys.readouterr().err
