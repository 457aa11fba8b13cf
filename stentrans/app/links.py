"""Addresses that open the same again: here, or on another machine once it has the section."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import numpy as np
import streamlit as st

from stentrans.app import access, cache, state, text, view
from stentrans.errors import StoreError
from stentrans.methods.registry import METHODS
from stentrans.methods.settings import SETTINGS
from stentrans.section import default_factor
from stentrans.store import Run
from stentrans.words import READINGS

ABOUT: Final = "about"
HOW: Final = "how"
REGION: Final = "region"
WANTED: Final = "stentrans_wanted"
SEEN: Final = "stentrans_link_seen"
_MOST_LETTERS: Final = 80
_RUN_FIELDS: Final = ("method", "factor", "fill_gaps", "seed", "device", "settings")


@dataclass(frozen=True)
class Wanted:
    """What a link asks for; nothing in it is trusted.

    Parameters
    ----------
    section, run
        Their ids.
    how
        What the run depends on beside the section.
    gene, reading
        What to look at.
    region
        Name and packed spots; empty for none.
    about
        Name of the section, its spots and genes, for who has to find the file.
    """

    section: str
    run: str = ""
    how: str = ""
    gene: str = ""
    reading: str = ""
    region: str = ""
    about: str = ""

    def sentence(self) -> str:
        """Say which file is needed."""
        try:
            name, spots, genes = json.loads(self.about)
            told = f"{str(name)[:_MOST_LETTERS]} ({int(spots):,} spots, {int(genes):,} genes)"
        except (ValueError, TypeError):
            return text.LINK_IS_STALE
        return (
            f"The link shows the section {told}, which is not on this machine: open that file on "
            f"Home, and what the link shows is opened with it. Its content has the id "
            f"{self.section[:_MOST_LETTERS]}."
        )


def link(run: Run, gene: str, reading: state.Reading) -> str:
    """Return the address of one gene of a result, with what another machine needs to know."""
    tissue = cache.tissue(run.section)
    how = {name: run.to_dict()[name] for name in _RUN_FIELDS}
    told: dict[str, str] = {
        **{name: value for name, value in st.query_params.items() if name not in ("view",)},
        state.SECTION_PARAMETER: run.section,
        state.RUN_PARAMETER: run.id,
        state.GENE: gene,
        state.READING: reading,
        HOW: json.dumps(how, separators=(",", ":")),
        ABOUT: json.dumps([state.label(), tissue.n_obs, tissue.n_vars], separators=(",", ":")),
    }
    region = view.region()
    if region is not None:
        told[REGION] = pack_region(region, tissue.n_obs)
    parts = urlsplit(str(st.context.url or ""))
    path = parts.path.rstrip("/").rpartition("/")[0] + "/genes"
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(told), ""))


def write_region() -> None:
    """Put the region that is looked at into the page's address, so that a reload keeps it."""
    region, section = view.region(), state.section_id()
    if region is None or section is None:
        st.query_params.pop(REGION, None)
        return
    told = pack_region(region, cache.tissue(section).n_obs)
    if st.query_params.get(REGION) != told:
        st.query_params[REGION] = told


def restore() -> None:
    """Open what the page's address names, once; what is not here yet waits for its section."""
    if SEEN not in st.session_state:
        st.session_state[SEEN] = True
        wanted = _asked()
        if wanted is not None:
            st.session_state[WANTED] = wanted
            if wanted.section not in state.labels() and not _has(wanted.section):
                st.query_params.clear()
            state.restore_from_url()
    _take_up()


def show_waiting() -> None:
    """Say on every page which file a link needs, until it is there."""
    wanted: Wanted | None = st.session_state.get(WANTED)
    if wanted is None:
        return
    words, button = st.columns([5, 1], vertical_alignment="center")
    words.warning(text.plain(wanted.sentence()), icon=":material/link_off:")
    if button.button("Forget the link", key="forget-link"):
        del st.session_state[WANTED]
        st.rerun()


def _has(section: str) -> bool:
    return access.may_open(section) and cache.store().has("sections", section)


def _asked() -> Wanted | None:
    """What the page's address asks for."""
    given = st.query_params
    section = given.get(state.SECTION_PARAMETER)
    if section is None:
        return None
    names = (state.RUN_PARAMETER, HOW, state.GENE, state.READING, REGION, ABOUT)
    return Wanted(section, *(given.get(name, "") for name in names))


def _take_up() -> None:
    """Show what a link asks for as soon as its section is the one that is looked at."""
    wanted: Wanted | None = st.session_state.get(WANTED)
    if wanted is None or wanted.section != state.section_id():
        return
    del st.session_state[WANTED]
    run = state.run() if wanted.run == getattr(state.run(), "id", None) else _run_of(wanted)
    if run is not None:
        state.choose_run(run)
        if _suits_form(run):
            state.clone_run(run)
    if wanted.gene in cache.genes(wanted.section):
        st.session_state[state.GENE] = wanted.gene
    if wanted.reading in READINGS:
        st.session_state[state.READING] = wanted.reading
    region = unpack_region(wanted.region, cache.tissue(wanted.section).n_obs)
    if region is not None:
        view.keep_region(region)
    for name in (HOW, REGION, ABOUT):
        if name in st.query_params:
            del st.query_params[name]


def _run_of(wanted: Wanted) -> Run | None:
    """The run of a link, computed here or not; None where it is not the one that is named."""
    try:
        told: dict[str, Any] = json.loads(wanted.how)
        run = Run.from_dict({"section": wanted.section, **told})
    except (ValueError, TypeError, StoreError):
        return None
    return run if run.id == wanted.run else None


def _suits_form(run: Run) -> bool:
    """Say whether the form of settings can hold a run; a link may ask for anything."""
    known = {one.name: one for one in SETTINGS.get(run.method, ())}
    factors = (2, 3, 4, default_factor(cache.section(run.section)))
    return (
        run.method in METHODS
        and run.factor in factors
        and run.fill_gaps in (True, False)
        and _is_number(run.seed, 0, 2**53)
        and all(
            name in known and _is_number(value, known[name].low, known[name].high)
            for name, value in run.settings
        )
    )


def _is_number(value: object, low: float, high: float) -> bool:
    """Say whether a value is a number of a form: whole unless it is a share."""
    return type(value) in ((int,) if high > 1 else (float,)) and low <= float(str(value)) <= high


def pack_region(region: view.Region, n_spots: int) -> str:
    """Return a region as letters for an address: a bit per spot, then its name."""
    inside = np.zeros(n_spots, bool)
    inside[list(region.spots)] = True
    bits = zlib.compress(np.packbits(inside).tobytes(), 9)
    return f"{urlsafe_b64encode(bits).decode('ascii')}.{region.name}"


def unpack_region(told: str, n_spots: int) -> view.Region | None:
    """Undo `pack_region`; None where it is nothing of this section."""
    letters, _, name = told.partition(".")
    if not letters or not name.strip():
        return None
    most = n_spots // 8 + 1
    try:
        bits = zlib.decompressobj().decompress(urlsafe_b64decode(letters), most + 1)
    except (ValueError, zlib.error):
        return None
    if len(bits) != -(-n_spots // 8):
        return None
    inside = np.unpackbits(np.frombuffer(bits, np.uint8), count=n_spots)
    return view.Region(name[:_MOST_LETTERS], tuple(np.flatnonzero(inside).tolist()))
