"""The Export page: what it says of a file, and how the file gets to the browser."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import anndata as ad
import pytest
from starlette.requests import Request
from starlette.responses import FileResponse
from streamlit.testing.v1 import AppTest

import stentrans
from stentrans import export
from stentrans.app import cache, data_tab, downloads, repeat, state
from stentrans.app.wish import Wish
from stentrans.store import Run
from tests.app_pages.test_pages import unescaped, words

PAGE = "pages/export.py"


@pytest.fixture
def exporting(app: AppTest, finish: Callable[[], None]) -> AppTest:
    """The page after the example was enhanced."""
    app.run()
    finish()
    return app.switch_page(PAGE).run()


def answered(token: str) -> tuple[int, bytes]:
    """What the server's route sends for a token: status and body."""
    parts: list[dict] = []

    async def send(part: dict) -> None:
        parts.append(part)

    async def ask() -> None:
        scope = {"type": "http", "method": "GET", "headers": [], "path_params": {"token": token}}
        scope["asgi"] = {"spec_version": "2.4"}
        response = await downloads._send(Request(scope))
        await response(scope, None, send)

    asyncio.run(ask())
    return parts[0]["status"], b"".join(part.get("body", b"") for part in parts)


def test_page_without_a_result_leads_to_enhance(app: AppTest, gate: Event) -> None:
    gate.clear()
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert "enhance the section first" in words(app)


def test_page_says_what_the_file_will_hold(exporting: AppTest) -> None:
    assert not exporting.exception
    assert not exporting.error
    said = words(exporting)
    sites = cache.enhancement(_example_run().id).sites
    assert f"{len(sites):,} sites" in said
    assert f"{(sites['origin'] == 'measured').sum()} measured" in said
    assert "300 genes" in said
    assert "standard deviation" in said
    assert "no picture" in said


def _example_run() -> Run:
    (run,) = [job.run for job in cache.manager().jobs() if job.run.work == "enhance"]
    return run


def test_chosen_genes_are_counted(exporting: AppTest) -> None:
    exporting.button_group(key=state.EXPORT_GENES).set_value("chosen").run()
    assert "Choose at least one gene" in words(exporting)
    some = cache.genes(_example_run().section)[:2]
    exporting.multiselect(key=state.EXPORT_CHOSEN).set_value(some).run()
    assert "2 genes" in words(exporting)
    assert some[0] in exporting.code[0].value


def test_large_file_is_made_by_a_job_and_then_linked(
    exporting: AppTest, finish: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data_tab, "AT_ONCE", 0)
    exporting.run()
    (button,) = [one for one in exporting.button if one.label == "Make the file"]
    button.click().run()
    finish()
    exporting.run()
    assert not exporting.exception
    link = exporting.get("link_button")[0].proto
    assert "Download Example_simulated_Visium-like_linear_x2.h5ad" in unescaped(link.label)
    status, body = answered(link.url.rpartition("/")[2])
    assert status == 200
    (tmp_path / "got.h5ad").write_bytes(body)
    got = ad.read_h5ad(tmp_path / "got.h5ad")
    assert got.n_obs == len(cache.enhancement(_example_run().id).sites)
    # Drawn again, the page shows the same link.
    assert exporting.run().get("link_button")[0].proto.url == link.url


@pytest.mark.parametrize("token", ["", "nothing", "../../etc/passwd"])
def test_unknown_token_gets_a_sentence(token: str) -> None:
    status, body = answered(token)
    assert status == 404
    assert b"expired" in body


def test_token_of_a_file_that_is_gone_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    token = downloads.downloads().offer(tmp_path / "file", "file")
    (tmp_path / "file").unlink()
    assert answered(token)[0] == 404


def test_oldest_link_stops_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MOST", 2)
    offered = downloads.Downloads()
    tokens = [offered.offer(tmp_path, str(number)) for number in range(3)]
    assert [offered.find(token) is None for token in tokens] == [True, False, False]


def test_file_is_streamed_from_disk_not_from_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    token = downloads.downloads().offer(tmp_path / "file", "name of mine.h5ad")
    request = Request({"type": "http", "path_params": {"token": token}, "headers": []})
    response = asyncio.run(downloads._send(request))
    assert isinstance(response, FileResponse)
    assert "name%20of%20mine.h5ad" in response.headers["content-disposition"]


def test_small_file_is_written_when_the_button_is_pressed(exporting: AppTest, tmp_path: Path):
    enhancement = cache.enhancement(_example_run().id)
    wish = Wish(export.FORMATS[".h5ad"], (enhancement.genes[3],), "counts", ("sd",))
    (tmp_path / "got.h5ad").write_bytes(data_tab._written(wish, enhancement, "a.h5ad")())
    got = ad.read_h5ad(tmp_path / "got.h5ad")
    assert list(got.var_names) == [enhancement.genes[3]]
    assert set(got.layers) == {"sd"}


@pytest.mark.slow
def test_command_on_the_page_makes_the_same_file(exporting: AppTest, tmp_path: Path) -> None:
    run = _example_run()
    enhancement = cache.enhancement(run.id)
    wish = Wish(export.FORMATS[".h5ad"], tuple(enhancement.genes[:2]), "composition", ("sd",))
    line = repeat.export_line(run, "Example", wish, "again.h5ad")
    root = Path(__file__).resolve().parents[2]
    # The example of the tests is smaller than the real one; only the names can agree.
    subprocess.run(
        [sys.executable, *shlex.split(line)[1:]],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root)},
        check=True,
    )
    got = ad.read_h5ad(tmp_path / "again.h5ad")
    assert tuple(got.var_names) == wish.genes
    assert set(got.layers) == {"sd"}


def test_exported_file_is_looked_at_but_not_enhanced_again(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    stentrans.enhance(hexagonal_section, method="linear").write(tmp_path / "mine.h5ad")
    app.run().text_input(key="path").set_value(str(tmp_path / "mine.h5ad")).run()
    for page in ("pages/home.py", "pages/genes.py", "pages/enhance.py"):
        app.switch_page(page).run()
        assert not app.exception, page
    assert "this is a result of it" in words(app)
    assert not [one for one in app.button if one.label == "Start"]
