"""The row of widgets that set how maps are drawn."""

from __future__ import annotations

import streamlit as st

from stentrans.app import map_text, pictures, regions, text, view
from stentrans.app.view import ViewSettings, key_of


def toolbar(section_id: str, *, is_tested: bool) -> ViewSettings:
    """Draw the row and return what it is set to.

    Parameters
    ----------
    section_id
        Whose maps are drawn; some widgets need a picture.
    is_tested
        Whether hidden spots were predicted; without, nobody knows what to trust.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.segmented_control(
            "Reading",
            list(text.READINGS),
            default="composition",
            required=True,
            key=key_of("reading"),
            bind="query-params",
            format_func=lambda name: text.READINGS[name],
            help=text.READING_HELP,
        )
        st.segmented_control(
            "Drag",
            list(map_text.DRAGS),
            default="pan",
            required=True,
            key=key_of("drag"),
            persist_state="session",
            format_func=lambda name: map_text.DRAGS[name],
            help=map_text.DRAG_HELP,
        )
        with st.popover("Colours", icon=":material/palette:"):
            _colours()
        with st.popover("Layers", icon=":material/layers:"):
            _layers(section_id)
        with st.popover("Regions", icon=":material/polyline:"), st.container(width=340):
            regions.show_picker(section_id)
        with st.popover("Trust", icon=":material/verified:"), st.container(width=340):
            _trust(is_tested=is_tested)
    return view.view_settings()


def _colours() -> None:
    st.selectbox(
        "Colours",
        list(map_text.PALETTES),
        key=key_of("palette"),
        bind="query-params",
        format_func=lambda name: map_text.PALETTES[name],
        help="All are even in brightness and can be told apart by colour-blind people.",
    )
    st.segmented_control(
        "Colours run from",
        list(map_text.CLIPS),
        default="percentiles",
        required=True,
        key=key_of("clip"),
        bind="query-params",
        format_func=lambda name: map_text.CLIPS[name],
        help="Always of the measured spots, so that no other map can look better by its colours.",
    )
    st.toggle(
        "One scale for all maps",
        value=True,
        key=key_of("is_locked"),
        bind="query-params",
        help="The same colour is the same value everywhere. Without it, every map is stretched "
        "over all colours, which makes weak maps look strong.",
    )


def _layers(section_id: str) -> None:
    has_picture = pictures.has_picture(section_id)
    st.toggle(
        "Picture of the tissue below",
        key=key_of("shows_picture"),
        bind="query-params",
        disabled=not has_picture,
        help=None if has_picture else map_text.NO_PICTURE,
    )
    st.slider(
        "Opacity of the tiles, in percent",
        10,
        100,
        70,
        step=5,
        key=key_of("opacity"),
        bind="query-params",
        disabled=not (has_picture and view.view_settings().shows_picture),
    )
    st.toggle(
        "Mark measured spots and gaps",
        key=key_of("marks_origin"),
        bind="query-params",
        help="A dot where something was measured, a cross where a lost spot was filled in. "
        "Whatever has no mark was inserted between spots.",
    )
    quarters, is_flipped = view.turns()
    with st.container(horizontal=True):
        if st.button("Turn", icon=":material/rotate_right:", help=map_text.TURN_HELP):
            view.turn(quarters + (-1 if is_flipped else 1), is_flipped=is_flipped)
            st.rerun()
        if st.button("Mirror", icon=":material/flip:", help=map_text.MIRROR_HELP):
            view.turn(quarters, is_flipped=not is_flipped)
            st.rerun()


def _trust(*, is_tested: bool) -> None:
    st.radio(
        "Show",
        list(map_text.TRUSTS),
        key=key_of("trust"),
        bind="query-params",
        format_func=lambda name: map_text.TRUSTS[name],
    )
    st.caption(map_text.TRUST_EXPLAINED if is_tested else map_text.TRUST_NEEDS_TEST)
