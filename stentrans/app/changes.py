"""Controls by which a user decides otherwise about a file than its reader did."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from stentrans.app import opening, state, text, thumbnails, widgets
from stentrans.app.maps import is_dark
from stentrans.section import Note, ReadOptions

FEW: Final = 6
"""Choices that are shown as a list; more become a menu."""


def show_notes(section_id: str, notes: tuple[Note, ...]) -> None:
    """Draw what was found and assumed, each assumption with a way to change it."""
    can_change = opening.can_reopen(section_id)
    for number, note in enumerate(notes):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            # Not a badge: on a phone its end would be cut off.
            st.markdown(f":blue[:material/info: {text.plain(note.sentence)}]", width="content")
            if note.option and can_change:
                with st.popover("Change", type="tertiary", key=f"change-{number}-{section_id}"):
                    _offer(section_id, note)


def show_orientation(section_id: str) -> None:
    """Draw the buttons that turn and mirror a section, and the one that undoes all changes."""
    source = state.source_of(section_id)
    if source is None or not opening.can_reopen(section_id):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _button("Rotate", source.options.turned(), icon=":material/rotate_90_degrees_cw:")
        _button("Flip", source.options.flipped(), icon=":material/flip:")
        if source.options.given():
            _button("Undo my changes", ReadOptions(), icon=":material/undo:")


def _offer(section_id: str, note: Note) -> None:
    """Draw the choices that a note leaves."""
    source = state.source_of(section_id)
    options = ReadOptions() if source is None else source.options
    if note.option == "first_number":
        _offer_axes(section_id, note, options)
        return
    key = f"{note.option}-{section_id}"
    st.markdown(f"**{text.OPTION_NAMES.get(note.option, note.option)}**")
    label = text.OPTION_NAMES.get(note.option, note.option)
    now = note.choices.index(note.chosen) if note.chosen in note.choices else None
    hidden: dict[str, Any] = {"index": now, "key": key, "label_visibility": "collapsed"}
    if len(note.choices) <= FEW:
        chosen = st.radio(label, note.choices, format_func=text.plain, **hidden)
    else:
        chosen = st.selectbox(label, note.choices, **hidden)
    if chosen is not None and chosen != note.chosen:
        _reopen(options.choosing(note.option, chosen))
        st.rerun()


def _offer_axes(section_id: str, note: Note, options: ReadOptions) -> None:
    """Draw how the section lies either way, with a button below each."""
    st.markdown(f"**{text.OPTION_NAMES['first_number']}**")
    for column, choice in zip(st.columns(2), note.choices, strict=True):
        is_now = choice == note.chosen
        picture = thumbnails.array_thumbnail(section_id, is_swapped=not is_now, is_dark=is_dark())
        column.image(picture, alt=f"The section if the first number is the {choice}.")
        column.button(
            f"The {choice}",
            key=f"first-{choice}-{section_id}",
            type="primary" if is_now else "secondary",
            disabled=is_now,
            width="stretch",
            on_click=_reopen,
            args=(options.choosing(note.option, choice),),
        )


def _button(label: str, options: ReadOptions, *, icon: str) -> None:
    st.button(
        label, icon=icon, type="tertiary", key=f"read-{label}", on_click=_reopen, args=(options,)
    )


def _reopen(options: ReadOptions) -> None:
    widgets.keep_error(opening.reopen, options)
