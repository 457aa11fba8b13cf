"""The tab with words for a paper, and all that makes the result again."""

from __future__ import annotations

import streamlit as st

from stentrans.app import cache, links, told
from stentrans.report.story import Story
from stentrans.store import Run
from stentrans.store.store import SECTION_FILE


def show(run: Run) -> None:
    """Draw the methods paragraph, what to cite, and how to make the result again."""
    genes = told.first_genes(run)
    story = told.story(run, genes, "composition", "", {})
    words, again = st.columns(2, gap="large")
    with words:
        _show_words(story)
    with again:
        _show_again(run, story, genes)


def _show_words(story: Story) -> None:
    st.markdown("##### Methods paragraph")
    st.code(story.methods, language=None, wrap_lines=True)
    if story.deviations:
        st.markdown("##### Differences from the article")
        st.markdown("\n".join(f"- {one}" for one in story.deviations))
    st.markdown("##### Please cite")
    st.markdown("\n".join(f"- {one.text()}" for one in story.citations))
    st.download_button(
        "BibTeX",
        "\n\n".join(one.bibtex() for one in story.citations) + "\n",
        file_name="stentrans.bib",
        mime="application/x-bibtex",
        on_click="ignore",
        icon=":material/download:",
    )


def _show_again(run: Run, story: Story, genes: list[str]) -> None:
    assert story.recipe is not None
    st.markdown("##### Make it again")
    st.caption("In a terminal: the same file and settings give the same numbers.")
    st.code(story.recipe.command(), language="bash", wrap_lines=True)
    notebook, section = st.columns(2)
    notebook.download_button(
        "Notebook (.ipynb)",
        story.recipe.notebook(genes),
        file_name="enhanced.ipynb",
        mime="application/x-ipynb+json",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
        help="Reads the section, checks that it is this one, enhances and tests it, and draws "
        "the genes.",
    )
    section.download_button(
        "Section as used (.h5ad)",
        lambda: _section_file(run.section),
        file_name="section.h5ad",
        mime="application/octet-stream",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
        help="What the result was made from, after reading and filtering. Where your own file "
        "was filtered or turned since, the command and the notebook need this one.",
    )
    st.markdown("##### Link")
    st.caption(
        "Opens this section, result, gene, reading and region. On a machine without the section "
        "it says which file is needed."
    )
    st.code(links.link(run, genes[0], "composition"), language=None, wrap_lines=True)
    with st.expander("Settings, and what the fit found"):
        names, values = zip(*story.settings(), strict=True)
        st.dataframe({"Setting": names, "Value": values}, hide_index=True, width="stretch")


def _section_file(section: str) -> bytes:
    """Return the section as the store keeps it."""
    return (cache.store().open("sections", section) / SECTION_FILE).read_bytes()
