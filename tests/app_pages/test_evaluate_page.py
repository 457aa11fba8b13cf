"""The evaluate page before, while and after methods are compared; run against run."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import cache, comparing, repeat
from stentrans.cli.parser import build_parser
from stentrans.evaluation.judgement import Judgement
from stentrans.jobs import Manager
from stentrans.section import check_section
from stentrans.store import Run
from tests.app_pages.looking import button, figures, words

PAGE = "pages/evaluate.py"
TOLD = {
    "methods": ["linear", "nearest"],
    "protocol": "scattered",
    "repeats": 1,
    "null": True,
    "published": True,
}


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    import stentrans
    from stentrans.evaluation.judgement import judge

    return judge(stentrans.simulate(lattice="square", n_rows=14, n_cols=14), **TOLD)


@pytest.fixture
def compared(app: AppTest, judgement: Judgement) -> AppTest:
    """The page of the example, for which two methods have been compared."""
    app.run()
    run = comparing.run_of(app.session_state["stentrans_section"], TOLD)
    cache.store().put_run(run, judgement.save)
    return app.switch_page(PAGE).run()


@pytest.mark.usefixtures("no_worker")
def test_page_says_what_will_appear_before_anything_is_compared(app: AppTest) -> None:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert "Nothing has been compared" in words(app)
    assert "25 fits" in words(app)
    assert "evaluate" in app.code[0].value


@pytest.mark.usefixtures("no_worker")
def test_start_submits_what_was_chosen(app: AppTest, manager: Manager) -> None:
    app.run()
    app.switch_page(PAGE).run()
    app.multiselect[0].set_value(["linear", "nearest"]).run()
    button(app, "Start").click().run()
    assert not app.exception
    (job,) = [job for job in manager.jobs() if job.run.work == "evaluate"]
    assert dict(job.run.settings)["methods"] == ("linear", "nearest")
    assert [one for one in app.button if one.label == "Cancel"]


@pytest.mark.usefixtures("no_worker")
def test_no_method_is_answered_in_words(app: AppTest) -> None:
    app.run()
    app.switch_page(PAGE).run()
    app.multiselect[0].set_value([]).run()
    assert not app.exception
    assert "Choose at least one method" in words(app)


@pytest.mark.usefixtures("no_worker")
def test_methods_are_ranked_beside_their_published_scores(compared: AppTest) -> None:
    assert not compared.exception
    assert "Strict: on spots that no method saw" in words(compared)
    assert "rewards memory" in words(compared)
    strict, published = figures(compared)[:2]
    names = [trace["name"] for trace in strict["data"]]
    assert names == ["hidden spots", "shuffled spots"]
    assert strict["data"][0]["y"] == ["linear", "nearest"]
    assert "raw counts" in published["layout"]["xaxis"]["title"]["text"]


@pytest.mark.usefixtures("no_worker")
def test_ranking_follows_the_metric(compared: AppTest) -> None:
    compared.button_group(key="ranked_by").set_value("deviance_explained").run()
    assert not compared.exception
    axis = figures(compared)[0]["layout"]["xaxis"]["title"]["text"]
    assert axis == "deviance explained, hidden spots"


@pytest.mark.usefixtures("no_worker")
def test_every_metric_stands_with_its_meaning(compared: AppTest, judgement: Judgement) -> None:
    table = compared.dataframe[0].value
    assert table["What this means"].str.len().min() > 10
    assert "Depth-adjusted correlation" in table.index
    assert "±" in table.loc["Depth-adjusted correlation", "linear"]
    assert "Published score" in table.index


@pytest.mark.usefixtures("no_worker")
def test_gene_has_its_scores_and_worst_genes_are_listed(compared: AppTest) -> None:
    (menu,) = [one for one in compared.selectbox if one.label == "Gene"]
    menu.set_value("Ring-03").run()
    assert not compared.exception
    by_metric, worst = compared.dataframe[1].value, compared.dataframe[2].value
    assert list(by_metric.columns) == ["linear", "nearest"]
    lost = worst["noise ceiling"] - worst["correlation"]
    assert lost.is_monotonic_decreasing


@pytest.mark.usefixtures("no_worker")
def test_two_methods_are_compared_beyond_chance(compared: AppTest) -> None:
    assert "linear minus nearest, depth-adjusted correlation" in words(compared).replace("*", "")
    scatter = figures(compared)[-1]
    assert [trace["name"] for trace in scatter["data"]] == ["equal", "genes"]


@pytest.mark.usefixtures("no_worker")
def test_one_run_cannot_be_compared_with_itself(compared: AppTest) -> None:
    assert "Two enhancements of this section" in words(compared)


def test_run_stands_against_run(compared: AppTest, finish: Callable[[], None]) -> None:
    finish()
    run = Run(section=compared.session_state["stentrans_section"], method="nearest")
    cache.manager().submit(run.holdout())
    cache.manager().wait(run.holdout().id, timeout_s=60)
    compared.run()
    assert not compared.exception
    assert [one for one in compared.selectbox if one.label == "Run A"]
    assert "minus" in words(compared)
    assert "correlation: +" in words(compared) or "correlation: -" in words(compared)


@pytest.mark.usefixtures("manager")
def test_command_lines_repeat_both_protocols(square_section) -> None:
    name = cache.store().put_section(check_section(square_section))
    lines = repeat.evaluate_lines(comparing.run_of(name, TOLD), "my file.h5ad")
    strict, published = (build_parser().parse_args(shlex.split(line)[3:]) for line in lines)
    assert (strict.protocol, strict.repeats, strict.null) == ("scattered", 1, True)
    assert strict.methods == published.methods == ["linear", "nearest"]
    assert published.protocol == "published"


@pytest.mark.parametrize(
    ("difference", "reach", "said"),
    [
        (0.1, 0.05, "a is better than b"),
        (-0.1, 0.05, "b is better than a"),
        (0.01, 0.05, "may be chance"),
        (0.01, float("nan"), "without a known interval"),
    ],
)
def test_comparison_claims_no_more_than_the_interval(difference, reach, said) -> None:
    assert said in comparing.compared("a", "b", "score", difference, reach)
