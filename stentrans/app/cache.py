"""What all sessions share: store, jobs, and bounded caches keyed by content ids.

Nothing that is returned here may be changed by its reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from stentrans.app.desks import Desks
from stentrans.jobs import Manager
from stentrans.jobs.kinds import load
from stentrans.store import Run, Store

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement
    from stentrans.evaluation.holdout import HeldOut
    from stentrans.lattice import Lattice


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """Return the store on disk."""
    return Store()


@st.cache_resource(show_spinner=False)
def desks() -> Desks:
    """Return who has which sections open, and what is shared."""
    return Desks(store().folder)


@st.cache_resource(show_spinner=False, on_release=Manager.close)
def manager() -> Manager:
    """Return the jobs of this app; no worker starts before the first job."""
    return Manager(store())


@st.cache_resource(show_spinner=False, max_entries=4)
def section(section_id: str) -> AnnData:
    """Return a section, spots off tissue included."""
    return store().section(section_id)


@st.cache_resource(show_spinner=False, max_entries=4)
def tissue(section_id: str) -> AnnData:
    """Return the spots on tissue, those that are enhanced and shown."""
    from stentrans.section import on_tissue

    return on_tissue(section(section_id))


@st.cache_resource(show_spinner=False, max_entries=8)
def lattice(section_id: str) -> Lattice:
    """Return the lattice of the spots on tissue."""
    from stentrans.section import lattice_of

    return lattice_of(tissue(section_id))


@st.cache_resource(show_spinner=False, max_entries=4)
def enhancement(run_id: str) -> Enhancement:
    """Return the result of a finished run."""
    from stentrans.enhancement import Enhancement

    return Enhancement.load(store().open("runs", run_id))


@st.cache_resource(show_spinner=False, max_entries=4)
def held_out(run_id: str) -> HeldOut:
    """Return the finished test of a method on hidden spots."""
    from stentrans.evaluation.holdout import HeldOut

    return HeldOut.load(store().open("runs", run_id))


@st.cache_resource(show_spinner=False, max_entries=8)
def result(run: Run) -> Any:
    """Return the result of a finished run of any kind of work."""
    return load(run, store().open("runs", run.id))


def is_finished(run: Run | None) -> bool:
    """Say whether the result of a run is in the store."""
    return run is not None and store().has("runs", run.id)


@st.cache_data(show_spinner=False, max_entries=4)
def genes(section_id: str) -> list[str]:
    """Return the genes that were seen in any spot, in alphabetical order."""
    from stentrans.section import keep_genes

    seen = tissue(section_id)
    return sorted(seen.var_names[keep_genes(seen.X, 0.0)], key=str.lower)


def finished_runs(section_id: str, work: str) -> list[Run]:
    """Return the finished runs of one kind of work on a section, the one used last first."""
    found = (store().run(name) for name in store().names("runs"))
    return [
        run for run in found if run is not None and run.section == section_id and run.work == work
    ]
