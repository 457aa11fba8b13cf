"""Variable genes, domains, modules and pathways: measured, enhanced, and what bears them out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from stentrans.app import (
    cache,
    columns,
    maps,
    patterns,
    router,
    spatial,
    state,
    text,
    view,
    widgets,
)
from stentrans.patterns import enrichr
from stentrans.patterns.findings import LEVEL
from stentrans.patterns.gene_sets import as_text, parse_gmt
from stentrans.patterns.kept_sets import keep_sets
from stentrans.patterns.labels import likeness
from stentrans.patterns.verdicts import with_verdict
from stentrans.section import is_simulated
from stentrans.store import Run

st.header("Patterns")
section = router.require_section()
LOOKS = ("Variable genes", "Domains", "Modules", "Pathways", "Before and after")
Frames = Mapping[str, pd.DataFrame]


def offer_csv(table: pd.DataFrame, name: str, label: str = "CSV") -> None:
    """Draw a button that saves a table."""
    st.download_button(
        label,
        data=lambda: table.to_csv(index=False).encode(),
        file_name=f"{name}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"csv-{name}",
    )


def show_genes(work: Run, compared: Run | None) -> None:
    """Draw the ranking, and look for its genes in an adjacent section."""
    genes = cache.result(work)["genes"]
    n_sure = int((genes["q_value"] < 0.05).sum())
    n_tested = int(genes["p_value"].notna().sum())
    st.markdown(f"**{n_sure:,}** of {n_tested:,} tested genes vary in space (q < 0.05).")
    st.caption(text.VARIABLE_GENES_ABOUT)
    if compared is not None:
        evidence = ["gene", "support", "support_q_value", "strength", "map_morans_i"]
        found = cache.result(compared)["genes"]
        genes = genes.merge(found[evidence], on="gene", how="left")
    st.dataframe(genes, hide_index=True, height=430, column_config=columns.GENE_COLUMNS)
    offer_csv(genes, "variable_genes")
    show_replicate(compared or work)


def show_replicate(source: Run) -> None:
    """Offer to look in an adjacent section, or show what was found there."""
    st.markdown("##### Replicate check")
    others = {name: label for name, label in state.labels().items() if name != section}
    if not others:
        st.caption(f"{text.REPLICATE_ABOUT} Open an adjacent section, too, to look there.")
        return
    other = st.selectbox(
        "Adjacent section",
        list(others),
        index=None,
        format_func=others.__getitem__,
        placeholder="a section of this session",
        key="adjacent",
    )
    if other is None:
        st.caption(text.REPLICATE_ABOUT)
        return
    work = patterns.replicate_run(source, other)
    if widgets.offer_work(work, "Look in the other section", text.REPLICATE_ABOUT):
        table = cache.result(work)["replicated"]
        st.dataframe(table, hide_index=True, column_config=columns.REPLICATE_COLUMNS)
        st.caption(text.REPLICATE_ABOUT)
        offer_csv(table, "replicated")


def show_domains(frames: Frames, run: Run | None, compared: Frames | None) -> None:
    """Draw domains on spots and finer sites, beside an annotation."""
    sites = None if run is None else patterns.fine_domains(run, measured)
    clusters = None if compared is None else compared["clusters"]
    panels, scales = patterns.domain_panels(section, frames["spots"], run, sites, clusters)
    maps.show_panels(
        section,
        panels,
        scales,
        settings=view.view_settings(),
        key="domain-maps",
        alt="Maps of the domains on spots and finer sites.",
    )
    if clusters is not None and len(clusters):
        st.caption(text.CLUSTERS_ABOUT)
    facts = cache.result(measured).facts
    one, two, three = st.columns(3)
    one.metric("Domains", int(frames["spots"]["domain"].max()))
    two.metric("Stability over seeds", f"{facts['stability']:.2f}", help=text.STABILITY_HELP)
    three.metric(
        "Border sharpness", text.number(facts["sharpness"]["measured"]), help=text.SHARPNESS_HELP
    )
    show_annotation(frames, sites)
    st.markdown("##### Genes of a domain")
    domain = st.selectbox("Domain", sorted(frames["spots"]["domain"].unique()), key="domain")
    mine = frames["markers"][frames["markers"]["domain"] == domain]
    st.dataframe(mine.head(200), hide_index=True, height=320, column_config=columns.GENE_COLUMNS)
    st.caption(text.MARKERS_ABOUT)
    offer_csv(frames["markers"], "domain_markers")


def show_annotation(frames: Frames, sites: pd.DataFrame | None) -> None:
    """Compare the domains with a column of labels."""
    obs = cache.tissue(section).obs
    names = [
        name for name in obs if obs[name].dtype.kind not in "iufb" and 1 < obs[name].nunique() <= 40
    ]
    if not names:
        return
    column = st.selectbox("Compare with labels", names, key="annotation")
    found = {"by counts": likeness(frames["spots"]["domain"].to_numpy() - 1, obs[column])}
    if sites is not None:
        fine = sites.set_index("site").loc[obs.index, "domain"].to_numpy() - 1
        found["finer map, at spots"] = likeness(fine, obs[column])
    words = [
        f"{name}: ARI **{one['ari']:.2f}**, NMI {one['nmi']:.2f}" for name, one in found.items()
    ]
    st.markdown(" · ".join(words), help=text.ARI_HELP)


def show_score(genes: list[str], name: str, run: Run | None) -> None:
    """Draw maps of the mean of some genes."""
    panels, scales = patterns.score_panels(section, tuple(genes), run, name)
    maps.show_panels(
        section,
        panels,
        scales,
        settings=view.view_settings(),
        key="score-maps",
        alt=f"Maps of {name}, measured and enhanced.",
    )


def show_modules(frames: Frames, run: Run | None) -> None:
    """Draw a module and its genes."""
    modules = frames["modules"]
    names = sorted(modules.loc[modules["module"] > 0, "module"].unique())
    if not names:
        st.info("Too few genes vary in space to be grouped into modules.")
        return
    sizes = modules["module"].value_counts()
    module = st.selectbox(
        "Module", names, key="module", format_func=lambda k: f"Module {k}, {sizes[k]} genes"
    )
    mine = modules[modules["module"] == module]
    show_score(list(mine["gene"]), f"Module {module}", run)
    st.caption(text.MODULES_ABOUT)
    st.dataframe(mine, hide_index=True, height=320, column_config=columns.GENE_COLUMNS)
    offer_csv(modules, "modules")
    sets = {f"Module {k}": list(modules["gene"][modules["module"] == k]) for k in names}
    st.download_button(
        "GMT of the modules", as_text(sets), "modules.gmt", on_click="ignore", key="gmt-modules"
    )


def chosen_sets() -> str | None:
    """Draw the choice of gene sets; the name they are kept under, empty for the demo's own."""
    adata = cache.section(section)
    ways = [*(["Those of the example"] if is_simulated(adata) else []), "GMT file", "Enrichr"]
    way = st.segmented_control("Gene sets", ways, default=ways[0], required=True, key="sets_way")
    if way == ways[0] and is_simulated(adata):
        return ""
    home = cache.store().folder
    if way == "GMT file":
        given = st.file_uploader("GMT file", type=["gmt", "txt"], key="gmt")
        if given is not None:
            content = given.getvalue().decode("utf-8-sig", errors="replace")
            st.session_state["kept_sets"] = keep_sets(parse_gmt(content, given.name), home)
        return st.session_state.get("kept_sets")
    name = st.selectbox(
        "Library", list(enrichr.LIBRARIES), format_func=enrichr.LIBRARIES.get, key="enrichr"
    )
    folder = Path(home) / "enrichr"
    if not enrichr.is_kept(name, folder):
        st.caption("Fetched from maayanlab.cloud once, then kept on this machine.")
        if not st.button("Fetch from Enrichr", icon=":material/cloud_download:"):
            return None
    return keep_sets(enrichr.library(name, folder), home)


def show_pathways(works: list[Run], run: Run | None, sets: str | None) -> None:
    """Ask a list and its ranking for pathways, and draw where one is active."""
    if sets is None:
        st.info("Choose gene sets above.")
        return
    found = patterns.matched(section, sets)
    st.caption(text.plain(f"{found.source}: {found.sentence}"))
    lists = patterns.gene_lists(works, view.regions())
    asked = st.selectbox(
        "List of genes", lists, format_func=lambda one: one.words, key="gene_list_asked"
    )
    if not view.regions():
        st.caption("Draw around spots on Genes to ask a region, too.")
    if asked.is_empty:
        st.info("This list is empty: only the ranking of all genes can be asked.")
    work = patterns.pathways_run(section, asked, sets)
    if not widgets.offer_work(work, "Look for pathways", text.ASKING_ABOUT):
        return
    table = patterns.pathways(work)
    in_list = (table["q_value"] < 0.05) & (table["q_as_often_seen"] < 0.05)
    in_ranking = (table["ranked_q_value"] < 0.05) & (table["score"] > 0)
    st.markdown(
        f"**{in_list.sum():,}** of {len(table):,} sets are found in the list (q < 0.05 in both "
        f"comparisons), **{in_ranking.sum():,}** near the top of the ranking, "
        f"**{(in_list & in_ranking).sum():,}** in both."
    )
    st.dataframe(
        table,
        hide_index=True,
        height=380,
        column_config=columns.SET_COLUMNS,
        column_order=columns.SET_ORDER,
    )
    st.caption(text.PATHWAYS_ABOUT)
    offer_csv(table, "pathways")
    term = st.selectbox("Where is it active", list(table["term"].head(100)), key="term")
    show_score(list(found.sets[term]), str(term), run)


def show_before_after(work: Run) -> None:
    """Draw what enhancement lets one find, beside the same with permuted spots."""
    compared = cache.result(work).frames
    table = compared["counted"]
    st.plotly_chart(
        patterns.counted_figure(table, dark=maps.is_dark()),
        key="counted",
        width="stretch",
        theme=None,
        config={"displayModeBar": False},
        alt="Patterns found before and after.",
    )
    st.dataframe(table, hide_index=True, column_config=columns.COUNTED_COLUMNS)
    st.caption(text.BEFORE_AFTER_ABOUT)
    offer_csv(table, "before_after", "CSV of the counts")
    st.markdown("##### One by one")
    kind = st.selectbox("Kind", ["genes", "domains", "modules", "pathways"], key="found_kind")
    found = with_verdict(compared[kind], kind)
    if kind == "pathways":  # all that were tested, thousands
        found = found[found["q_value"] < LEVEL]
    st.dataframe(found, hide_index=True, height=320, column_config=columns.FOUND_COLUMNS)
    offer_csv(found, f"{kind}_before_after")
    show_replicate(work)


with widgets.show_errors():
    shown = state.run() if cache.is_finished(state.run()) else None
    look = st.segmented_control(
        "Show",
        LOOKS,
        default=LOOKS[0],
        required=True,
        key="patterns_look",
        width="stretch",
        label_visibility="collapsed",
    )
    n_domains = 0
    if look == "Domains":
        n_domains = st.slider(
            "Domains (0: as many as are found)", 0, 15, 0, key="n_domains", persist_state="session"
        )
    else:
        n_domains = int(st.session_state.get("n_domains", 0))
    sets = chosen_sets() if look in ("Pathways", "Before and after") else None
    measured = spatial.patterns_run(section, 0 if n_domains == 1 else n_domains)
    if widgets.offer_work(measured, "Look for patterns", text.PATTERNS_ABOUT):
        frames = cache.result(measured).frames
        done = patterns.last_compared(shown)
        if look == LOOKS[0]:
            show_genes(measured, done)
        elif look == LOOKS[1]:
            show_domains(frames, shown, None if done is None else cache.result(done).frames)
        elif look == LOOKS[2]:
            show_modules(frames, shown)
        elif look == LOOKS[3]:
            show_pathways([measured] if done is None else [measured, done], shown, sets)
        elif shown is None or not maps.is_tested(shown):
            st.info("Enhance the section first; its test on hidden spots follows by itself.")
            st.page_link("pages/enhance.py", label="**Enhance this section**")
        else:
            compared = patterns.compared_run(shown, n_domains, sets or "")
            if widgets.offer_work(compared, "Compare before and after", text.COMPARING_ABOUT):
                show_before_after(compared)
