"""Each page empty, loaded and after a run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import anndata as ad
import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import cache, facts, maps
from stentrans.jobs import Manager
from stentrans.section import Note

PAGES = ["pages/home.py", "pages/enhance.py", "pages/genes.py"]


def choose_method(app: AppTest) -> None:
    """Leave the presets for a method that takes no time."""
    app.button_group(key="preset").set_value("own").run()
    app.selectbox(key="method").set_value("linear").run()


def h5ad_bytes(section: ad.AnnData, folder: Path) -> bytes:
    path = folder / "given.h5ad"
    section.write_h5ad(path)
    return path.read_bytes()


def upload(app: AppTest, content: bytes, name: str = "mine.h5ad") -> AppTest:
    app.file_uploader(key="upload").set_value([(name, content, "application/octet-stream")])
    return app.run()


def figures_of(app: AppTest) -> list[dict]:
    told = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return [json.loads(one["spec"]) for one in told if "spec" in one]


def figure_of(app: AppTest) -> dict:
    return figures_of(app)[0]


def kinds(figure: dict) -> list[str]:
    return [trace["type"] for trace in figure["data"]]


def unescaped(markdown: str) -> str:
    return re.sub(r"\\([^\w\s])", r"\1", markdown)


def words(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.info, *app.success, *app.warning, *app.error]
    return unescaped("\n".join(str(element.value) for element in shown))


@pytest.mark.parametrize("page", PAGES)
def test_page_is_usable_while_the_example_is_being_made(
    app: AppTest, gate: Event, page: str
) -> None:
    gate.clear()
    app.run()
    app.switch_page(page).run()
    assert not app.exception
    assert not app.error
    if page != "pages/enhance.py":
        assert kinds(figure_of(app)).count("heatmap") == 1
        assert "being computed" in json.dumps(figure_of(app)["layout"], ensure_ascii=False)


def test_home_opens_on_a_finished_example(app: AppTest, finish: Callable[[], None]) -> None:
    app.run()
    finish()
    app.run()
    assert not app.exception
    assert kinds(figure_of(app)).count("heatmap") == 3
    assert "simulated" in words(app).lower()


def test_second_start_takes_the_example_from_the_store(
    app: AppTest, finish: Callable[[], None], manager: Manager
) -> None:
    app.run()
    finish()
    again = Manager(cache.store(), open_client=lambda: pytest.fail("no worker is needed"))
    states = [again.submit(job.run).state for job in manager.jobs()]
    assert states == ["finished", "finished"]
    again.close()


def test_uploaded_section_is_described_and_drawn(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    upload(app.run(), h5ad_bytes(hexagonal_section, tmp_path))
    assert not app.exception
    assert not app.error
    assert "What we found in mine.h5ad" in words(app)
    assert kinds(figure_of(app)).count("heatmap") == 1


def test_useless_upload_is_refused_in_one_sentence(app: AppTest) -> None:
    upload(app.run(), b"nothing of use", "notes.h5ad")
    assert not app.exception
    assert len(app.error) == 1
    assert "Example" in words(app)


def test_path_is_opened_on_a_private_server(
    app: AppTest, square_section: ad.AnnData, tmp_path: Path
) -> None:
    h5ad_bytes(square_section, tmp_path)
    app.run().text_input(key="path").set_value(str(tmp_path / "given.h5ad")).run()
    assert not app.error
    assert "What we found in given.h5ad" in words(app)


def test_path_that_does_not_exist_is_refused(app: AppTest, tmp_path: Path) -> None:
    app.run().text_input(key="path").set_value(str(tmp_path / "nothing")).run()
    assert "must exist" in app.error[0].value


def test_square_example_is_opened_on_request(app: AppTest, finish: Callable[[], None]) -> None:
    app.run().pills(key="example").set_value("square").run()
    assert not app.exception
    assert "ST-like" in words(app)
    finish()


def test_enhance_runs_an_uploaded_section(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path, finish: Callable[[], None]
) -> None:
    upload(app.run(), h5ad_bytes(hexagonal_section, tmp_path))
    app.switch_page("pages/enhance.py").run()
    choose_method(app)
    button = next(one for one in app.button if one.label == "Start")
    button.click().run()
    finish()
    app.run()
    assert not app.exception
    assert "Finished" in words(app)
    assert "--method linear" in app.code[0].value


def test_enhance_asks_for_nothing_twice(
    app: AppTest, finish: Callable[[], None], manager: Manager
) -> None:
    app.run()
    finish()
    app.switch_page("pages/enhance.py").run()
    choose_method(app)
    assert "Finished" in words(app)
    assert not [one for one in app.button if one.label == "Start"]


def test_failed_run_says_why_and_offers_another_try(
    app: AppTest, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing():
        def do(run, store, on_progress):
            from stentrans.errors import ParameterError

            raise ParameterError("rank must be at least 1; got 0.")

        return do

    manager._do = refusing()
    app.run()
    for job in manager.jobs():
        manager.wait(job.run.id, timeout_s=60)
    app.run()
    assert "rank must be at least 1" in words(app)
    assert [one for one in app.button if one.label == "Run it again"]


def test_running_job_can_be_cancelled_from_the_page(
    app: AppTest, gate: Event, manager: Manager
) -> None:
    gate.clear()
    app.run()
    app.switch_page("pages/enhance.py").run()
    choose_method(app)
    next(one for one in app.button if one.label == "Cancel").click().run()
    assert manager.jobs()[0].state == "cancelled"
    assert not app.exception


def test_genes_show_measured_only_before_a_run(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    upload(app.run(), h5ad_bytes(hexagonal_section, tmp_path))
    app.switch_page("pages/genes.py").run()
    assert not app.exception
    assert kinds(figure_of(app)).count("heatmap") == 1
    assert "Enhance the section" in words(app)


def test_gene_in_the_address_is_shown(app: AppTest, finish: Callable[[], None]) -> None:
    app.query_params["gene"] = "Ring-03"
    app.run()
    finish()
    app.switch_page("pages/genes.py").run()
    assert app.selectbox(key="gene").value == "Ring-03"


def test_gene_change_redraws_all_maps_and_scores(app: AppTest, finish: Callable[[], None]) -> None:
    app.run()
    finish()
    app.switch_page("pages/genes.py").run()
    before = figure_of(app)
    app.selectbox(key="gene").set_value("Ring-03").run()
    after = figure_of(app)
    assert not app.exception
    assert kinds(after).count("heatmap") == 3
    assert before["data"][0]["z"] != after["data"][0]["z"]
    assert "Is it real?" in words(app)
    assert [one.label for one in app.metric][:2] == ["Hidden spots, r", "Gain over nearest"]
    assert len(figures_of(app)) == 3


def test_reading_changes_the_unit(app: AppTest, finish: Callable[[], None]) -> None:
    app.run()
    finish()
    app.switch_page("pages/genes.py").run()
    app.button_group(key="reading").set_value("counts").run()
    bar = figure_of(app)["layout"]["coloraxis"]["colorbar"]
    assert bar["title"]["text"] == "UMI counts"


def test_pasted_genes_shorten_the_menu(app: AppTest, finish: Callable[[], None]) -> None:
    app.run()
    finish()
    app.switch_page("pages/enhance.py").run()
    app.text_area(key="gene_list").set_value("ring-03, Layer1-01").run()
    app.switch_page("pages/genes.py").run()
    assert app.selectbox(key="gene").options == ["Ring-03", "Layer1-01"]
    assert not app.exception


def test_unknown_pasted_gene_is_named(app: AppTest) -> None:
    app.run()
    app.switch_page("pages/enhance.py").run()
    app.text_area(key="gene_list").set_value("Rinq-03").run()
    assert "'Rinq-03'" in unescaped(app.error[0].value)


def test_address_brings_a_reload_back(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    upload(app.run(), h5ad_bytes(hexagonal_section, tmp_path))
    again = AppTest.from_file(app._script_path, default_timeout=60)
    again.query_params = {"section": app.session_state["stentrans_section"]}
    again.run()
    assert "What we found in mine.h5ad" in words(again)
    assert list(again.session_state["stentrans_labels"].values()) == ["mine.h5ad"]  # no example


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize("is_left", [False, True])
def test_job_of_another_section_is_told_with_its_name(is_left: bool) -> None:
    def script(is_left: bool) -> None:
        from stentrans.app import demo, state, widgets

        demo.open_demo("hexagonal")
        if is_left:
            state.choose_section("f" * 32, "mine")
        widgets.job_ticker()

    app = AppTest.from_function(script, kwargs={"is_left": is_left}, default_timeout=60).run()
    assert not app.exception
    (line,) = (unescaped(one.proto.text) for one in app.get("progress"))
    expected = "Example (simulated, Visium-like): Enhancing" if is_left else "Enhancing"
    assert line.startswith(expected)


def test_upload_name_never_becomes_a_path(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    upload(app.run(), h5ad_bytes(hexagonal_section, tmp_path), "../../../etc/mine.h5ad")
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("gene", ["![x](http://evil.example/t.png)", "a*b* $c$ :red[d]"])
def test_gene_and_file_names_are_never_markdown(
    app: AppTest,
    hexagonal_section: ad.AnnData,
    tmp_path: Path,
    gene: str,
    finish: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hexagonal_section.var_names = [gene, *hexagonal_section.var_names[1:]]
    given = tmp_path / "*x* :red[y].h5ad"
    given.write_bytes(h5ad_bytes(hexagonal_section, tmp_path))
    monkeypatch.setattr(maps, "striking_gene", lambda *args, **options: gene)
    app.run().text_input(key="path").set_value(str(given)).run()
    shown = [str(one.value) for one in (*app.sidebar.markdown, *app.markdown)]
    app.switch_page("pages/enhance.py").run()
    choose_method(app)
    next(one for one in app.button if one.label == "Start").click().run()
    shown += [str(one.value) for one in (*app.sidebar.markdown, *app.markdown)]
    finish()
    app.switch_page("pages/genes.py").run()
    shown += [str(one.value) for one in (*app.sidebar.markdown, *app.markdown)]
    assert not app.exception
    assert sum(gene in unescaped(line) for line in shown) == 2
    assert sum(given.name in unescaped(line) for line in shown) >= 2
    assert not [line for line in shown if gene in line or given.name in line]


def test_error_about_an_odd_name_is_shown_as_text(app: AppTest, tmp_path: Path) -> None:
    name = "![x](http:evil.example)"
    app.run().text_input(key="path").set_value(str(tmp_path / name)).run()
    assert name not in app.error[0].value
    assert name in unescaped(app.error[0].value)


def test_note_about_a_file_is_escaped_once(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    found = facts.facts_of

    def with_note(section_id: str) -> facts.Facts:
        return replace(found(section_id), notes=(Note("", "gene [a](b) was renamed"),))

    monkeypatch.setattr(facts, "facts_of", with_note)
    app.run()
    assert any(r"gene \[a\]\(b\) was" in str(one.value) for one in app.markdown)


def test_first_loss_is_drawn_while_training(app: AppTest, gate: Event, manager: Manager) -> None:
    gate.clear()
    app.run()
    job = manager.jobs()[0]
    told = {"stage": "training", "fraction": 0.1, "loss": 2.5, "message": "", "preview": None}
    told |= {"is_first": True, "memory": 10**9, "memory_limit": 2 * 10**9}
    manager._jobs[job.run.id] = job.advanced(told, 0.0)
    app.switch_page("pages/enhance.py").run()
    choose_method(app)
    assert not app.exception
    loss = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert loss["layout"]["yaxis"]["title"]["text"] == "training loss"


def test_enhanced_map_tells_the_standard_deviation(
    app: AppTest, finish: Callable[[], None]
) -> None:
    app.run()
    finish()
    app.switch_page("pages/genes.py").run()
    told = [trace.get("hovertemplate", "") for trace in figure_of(app)["data"]]
    assert any("± " in one for one in told)
    app.button_group(key="reading").set_value("counts").run()
    told = [trace.get("hovertemplate", "") for trace in figure_of(app)["data"]]
    assert not any("± " in one for one in told)
