"""Take results along: files for other software, figures, reports, words for a paper."""

from __future__ import annotations

import streamlit as st

from stentrans.app import (
    cache,
    data_tab,
    figures_tab,
    methods_tab,
    report_tab,
    router,
    state,
    text,
    widgets,
)

st.header("Export")
section = router.require_section()
run = state.run()

if run is None or not cache.is_finished(run):
    st.info(text.NOTHING_TO_EXPORT)
    st.page_link("pages/enhance.py", label="**Enhance this section**", icon=":material/blur_on:")
    if run is not None:
        widgets.show_failure(run)
    st.stop()

TABS = {
    ":material/table_chart: Data": data_tab.show,
    ":material/image: Figures": figures_tab.show,
    ":material/co_present: Report": report_tab.show,
    ":material/article: Methods": methods_tab.show,
}
tabs = st.tabs(list(TABS), on_change="rerun", key=state.EXPORT_TAB)
for tab, show in zip(tabs, TABS.values(), strict=True):
    # Only what is looked at is computed.
    if tab.open:
        with tab, widgets.show_errors():
            show(run)
