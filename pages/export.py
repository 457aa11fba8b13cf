"""Take results along: files for other software."""

from __future__ import annotations

import streamlit as st

from stentrans.app import cache, data_tab, router, state, text, widgets

st.header("Export")
section = router.require_section()
run = state.run()

if run is None or not cache.is_finished(run):
    st.info(text.NOTHING_TO_EXPORT)
    st.page_link("pages/enhance.py", label="**Enhance this section**", icon=":material/blur_on:")
    if run is not None:
        widgets.show_failure(run)
    st.stop()

(data,) = st.tabs([":material/table_chart: Data"])
with data, widgets.show_errors():
    data_tab.show(run)
