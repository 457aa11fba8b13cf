"""Methods side by side: strict and as published, by gene and overall, run against run."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import stentrans
from stentrans.app import cache, comparing, maps, plot, repeat, router, state, text, widgets
from stentrans.evaluation import DEFAULT_METHODS
from stentrans.evaluation.judgement import Judgement
from stentrans.evaluation.metric_words import METRICS
from stentrans.figures.ranking import gene_scatter
from stentrans.figures.theme import theme
from stentrans.store import Run

PROTOCOLS = {
    "thinning": "Between spots",
    "scattered": "Scattered spots",
    "holes": "Holes",
}

TABS = ["All metrics", "Genes", "Method against method", "Run against run"]

st.header("Evaluate")
st.markdown(text.EVALUATE_INTRO)
section = router.require_section()


def choose(section: str) -> Run:
    """Draw the settings and return the comparison they describe."""
    before = comparing.last_run(section)
    known = {} if before is None else dict(before.settings)
    methods = st.multiselect(
        "Methods",
        list(stentrans.METHODS),
        default=list(known.get("methods", DEFAULT_METHODS)),
        key=f"compared-{section}",
        format_func=text.method_name,
        help="stEnTrans as published and DIST take minutes each.",
    )
    hidden, times, more = st.columns([3, 2, 2], gap="large", vertical_alignment="top")
    protocol = hidden.segmented_control(
        "What is hidden",
        list(PROTOCOLS),
        default=known.get("protocol", "thinning"),
        required=True,
        key=f"protocol-{section}",
        format_func=PROTOCOLS.__getitem__,
        help=text.PROTOCOL_HELP,
    )
    repeats = times.slider(
        "Repeats",
        1,
        4,
        int(known.get("repeats", 2)),
        key=f"repeats-{section}",
        help="How often other spots are hidden; every repeat adds a fit per method.",
    )
    null = more.checkbox(
        "Also with shuffled spots",
        bool(known.get("null", True)),
        key=f"null-{section}",
        help="Where nothing can be found, a method must find nothing.",
    )
    published = more.checkbox(
        "Also as published",
        bool(known.get("published", True)),
        key=f"published-{section}",
        help="Trained and scored on the same pair. It rewards memory: for comparison only.",
    )
    told = {"methods": list(methods), "protocol": protocol, "repeats": repeats}
    return comparing.run_of(section, told | {"null": null, "published": published})


def show_state(run: Run) -> None:
    """Draw how the comparison stands, with the button that starts it."""
    told = dict(run.settings)
    if not told["methods"]:
        st.info("Choose at least one method.")
    elif widgets.is_going_on(run):
        widgets.live_job(run)
    elif not cache.is_finished(run):
        job = cache.manager().follow(run.id)
        if job is not None:
            widgets.show_ending(job)
        if st.button("Start", type="primary", icon=":material/play_arrow:"):
            cache.manager().submit(run)
            st.rerun()
        fits = len(told["methods"]) * told["repeats"] * (2 if told["null"] else 1)
        fits += len(told["methods"]) if told["published"] else 0
        st.caption(f"{text.counted(fits, 'fit')}, in the background.")


def show_line(run: Run) -> None:
    """Show how to repeat it without the app."""
    st.caption("The same from the command line")
    lines = "\n".join(repeat.evaluate_lines(run, state.label()))
    st.code(lines, language="bash", wrap_lines=True)


def show_overall(judgement: Judgement) -> None:
    """Draw the ranking, strict and as published beside each other."""
    ranked = [m for m in comparing.RANKED if m in set(judgement.means["metric"])]
    metric = st.segmented_control(
        "Rank by",
        ranked,
        default=ranked[0],
        required=True,
        key="ranked_by",
        format_func=lambda name: METRICS[name].title,
    )
    strict, published = st.columns(2, gap="large")
    with strict:
        st.markdown("##### Strict: on spots that no method saw")
        st.caption(METRICS[metric].meaning.capitalize() + ".")
        plot.show_figure(
            comparing.ranking_figure(judgement, metric),
            key="ranking",
            alt=f"Methods ranked by {METRICS[metric].title} on hidden spots, with intervals.",
        )
        st.caption(text.STRICT_LEGEND)
    with published:
        st.markdown("##### As published: spots seen before are scored, too")
        if not judgement.about["published"]:
            st.caption("Not asked for. Tick *Also as published* and start again.")
            return
        st.caption(text.PUBLISHED_LEGEND)
        plot.show_figure(
            comparing.published_figure(judgement),
            key="published",
            alt="Methods ranked by the published score, which includes spots seen in training.",
        )
        st.caption(comparing.trained_sentence(judgement))


def show_table(judgement: Judgement) -> None:
    """Show every metric with its meaning, and hand out all scores."""
    st.dataframe(comparing.metric_table(judgement), width="stretch", height="content")
    if judgement.about["n_left_out"]:
        st.caption(
            f"{text.counted(judgement.about['n_left_out'], 'spot')} left out: they show fewer "
            "than 20 genes."
        )
    st.download_button(
        "Download all scores per gene (.csv)",
        data=lambda: judgement.table().to_csv().encode(),
        file_name="scores.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def show_genes(judgement: Judgement) -> None:
    """Show the scores of one gene, and the genes known worst."""
    one, worst = st.columns(2, gap="large")
    with one:
        genes = sorted(judgement.genes, key=str.lower)
        first = comparing.best_gene(judgement)
        looked_at = st.session_state.get(state.GENE)
        start = genes.index(looked_at if looked_at in judgement.genes else first)
        gene = st.selectbox("Gene", genes, start, key=f"scored_gene-{section}")
        scores = comparing.gene_table(judgement, gene)
        plot.show_figure(
            comparing.gene_figure(judgement, gene),
            key="gene-bars",
            alt=f"Correlation of {gene} on hidden spots for each method, and the noise ceiling.",
        )
        st.dataframe(scores.style.format("{:.3f}", na_rep="–"), width="stretch")
    with worst:
        method = st.selectbox(
            "Genes that this method knows worst",
            list(judgement.methods),
            key="worst_of",
            format_func=text.method_name,
            help="Furthest below what counting noise allows.",
        )
        frame = comparing.worst_genes(judgement, method)
        st.dataframe(frame.style.format("{:.3f}", na_rep="–"), width="stretch")


def show_methods_against(judgement: Judgement) -> None:
    """Draw two methods against each other, gene by gene."""
    names = list(judgement.methods)
    if len(names) < 2:
        st.info("Compare at least two methods.")
        return
    first, second = st.columns(2)
    a = first.selectbox("A", names, 0, key="method_a", format_func=text.method_name)
    b = second.selectbox("B", names, 1, key="method_b", format_func=text.method_name)
    if a == b:
        st.info("Choose two different methods.")
        return
    st.markdown(comparing.difference_sentence(judgement, a, b, "depth_adjusted"))
    frame = judgement.of_metric("depth_adjusted")[[a, b]].set_axis(["a", "b"], axis=1)
    show_scatter(frame, text.method_name(a), text.method_name(b), "depth-adjusted correlation")


def show_runs_against(section: str) -> None:
    """Draw two tested runs against each other, gene by gene."""
    runs = comparing.tested_runs(section)
    if len(runs) < 2:
        st.info(text.TWO_RUNS_NEEDED)
        return
    first, second = st.columns(2)
    a = first.selectbox("Run A", list(runs), 0, key="run_a")
    b = second.selectbox("Run B", list(runs), 1, key="run_b")
    if a == b:
        st.info("Choose two different runs.")
        return
    found = comparing.paired_runs(section, runs[a], runs[b])
    st.markdown(comparing.compared(a, b, "correlation", found.difference, found.reach))
    show_scatter(found.scores, a, b, "correlation on hidden spots")


def show_scatter(frame: pd.DataFrame, a: str, b: str, axis: str) -> None:
    """Draw genes as points; above the line A is better."""
    drawing, words = st.columns([3, 2], gap="large", vertical_alignment="center")
    with drawing:
        plot.show_figure(
            gene_scatter(frame, a=a, b=b, axis=axis, colours=theme(dark=maps.is_dark())),
            key=f"scatter-{axis}",
            alt=f"Genes as points: {axis} of {a} upwards, of {b} to the right.",
        )
    share = float((frame["a"] > frame["b"]).mean())
    words.markdown(
        f"A point is a gene. Above the dotted line, {a} knows it better: {share:.0%} of the genes."
    )


with widgets.show_errors():
    with st.expander("What to compare", expanded=comparing.last_run(section) is None):
        run = choose(section)
        show_state(run)
    shown = run if cache.is_finished(run) else comparing.last_run(section)
    if shown is None:
        st.info(text.NOT_COMPARED_YET)
        show_line(run)
    else:
        judgement = cache.result(shown)
        if shown != run:
            st.caption("Shown: the comparison made before, with other settings.")
        show_overall(judgement)
        metrics, genes, methods, runs = st.tabs(TABS)
        with metrics:
            show_table(judgement)
            show_line(shown)
        with genes:
            show_genes(judgement)
        with methods:
            show_methods_against(judgement)
        with runs:
            show_runs_against(section)
