"""How to read the screens: tour, maps, publishing, formats, words, questions, limits."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import stentrans
from stentrans.app import help_text, router, text
from stentrans.methods import registry

router.require_router()
st.header("Help")


def show_tour() -> None:
    """Draw the steps of the tour, each with the way to its page."""
    st.subheader("Three minutes")
    st.caption("Each step takes about half a minute. The example is there to try it on.")
    for row in range(0, len(help_text.TOUR), 3):
        columns = st.columns(3)
        for place, step in enumerate(help_text.TOUR[row : row + 3]):
            with columns[place].container(border=True, height="stretch"):
                st.page_link(
                    step.page, label=f"**{row + place + 1}. {step.title}**", icon=step.icon
                )
                st.markdown(step.words)


def show_words() -> None:
    """List the words used on the screens."""
    frame = pd.DataFrame(help_text.GLOSSARY.items(), columns=["Word", "Means here"])
    st.table(frame.set_index("Word"))


def show_questions() -> None:
    """List what people ask."""
    for question, answer in help_text.QUESTIONS.items():
        with st.expander(question):
            st.markdown(answer)


def show_citation() -> None:
    """Say whom to cite."""
    st.markdown(help_text.CITATION)
    lines = [f"- **{text.method_name(n)}**: {m.citation}" for n, m in registry.ABOUT.items()]
    st.markdown("\n".join(lines))
    st.markdown(f"This is stentrans {stentrans.__version__}.")


show_tour()
tabs = {
    "Read the maps": lambda: st.markdown(help_text.MAPS),
    "Can I publish this?": lambda: st.markdown(help_text.PUBLISH),
    "Limits": lambda: st.markdown(help_text.LIMITS),
    "Questions": show_questions,
    "Words": show_words,
    "Formats": lambda: st.markdown(help_text.FORMATS),
    "Cite": show_citation,
}
for tab, draw in zip(st.tabs(list(tabs)), tabs.values(), strict=True):
    with tab:
        draw()
