"""How a session looks at its sections: view settings, starred genes, regions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import streamlit as st

from stentrans.app import state
from stentrans.app.state import Reading
from stentrans.figures.colours import Clip, Palette
from stentrans.figures.panel import Drag

Trust = Literal["all", "trusted", "uncertainty"]
Kind = Literal["maps", "difference", "swipe", "several", "pair", "signature"]
"""What the page of genes shows: one gene in three maps, or another comparison."""

KIND: Final = "show"
GENES: Final = "genes"
STARS: Final = "stentrans_stars"
REGIONS: Final = "stentrans_regions"
REGION: Final = "stentrans_region"
TURNS: Final = "stentrans_turns"


@dataclass(frozen=True)
class ViewSettings:
    """How maps are drawn, as the user set it; `key_of` names the widget of a field.

    Parameters
    ----------
    reading
        Which scale values are read on.
    palette
        Colours; ``"auto"`` follows the page, and purples over a picture.
    clip
        Whether colours run between percentiles 1 and 99 of the measured values or extremes.
    is_locked
        One colour scale for all panels.
    trust
        All sites, only those whose level hidden spots confirm, or the uncertainty itself.
    shows_picture
        Draw the picture of the tissue below the maps.
    opacity
        Of the tiles over the picture, in percent.
    marks_origin
        Put dots on measured spots and crosses on gaps.
    drag
        What dragging on a map does.
    """

    reading: Reading = "composition"
    palette: Palette = "auto"
    clip: Clip = "percentiles"
    is_locked: bool = True
    trust: Trust = "all"
    shows_picture: bool = False
    opacity: int = 70
    marks_origin: bool = False
    drag: Drag = "pan"


def key_of(field: str) -> str:
    """Return the key of the widget that sets a field; the reading stands in the address, too."""
    return state.READING if field == "reading" else f"map_{field}"


def view_settings() -> ViewSettings:
    """Return the view settings of this session."""
    kept = {one.name: st.session_state.get(key_of(one.name)) for one in fields(ViewSettings)}
    return ViewSettings(**{name: value for name, value in kept.items() if value is not None})


@dataclass(frozen=True)
class Region:
    """Spots that the user drew a line around, under a name.

    Parameters
    ----------
    name
        As the user calls it.
    spots
        Positions among the spots on tissue, rising.
    """

    name: str
    spots: tuple[int, ...]


def regions() -> dict[str, Region]:
    """Return the regions of the current section by name, in the order they were drawn."""
    found: dict[str, Region] = _of_section(REGIONS, {})
    return found


def region() -> Region | None:
    """Return the region that is looked at, None where there is none."""
    return regions().get(_of_section(REGION, ""))


def keep_region(kept: Region) -> None:
    """Keep a region, replacing one of the same name, and look at it."""
    _set_of_section(REGIONS, {**regions(), kept.name: kept})
    choose_region(kept.name)


def choose_region(name: str | None) -> None:
    """Look at a region of this section, None for none."""
    _set_of_section(REGION, name or "")


def delete_region(name: str) -> None:
    """Forget a region; one that is not there is no error."""
    _set_of_section(REGIONS, {key: one for key, one in regions().items() if key != name})


def rename_region(name: str, new: str) -> None:
    """Give a region another name; where that is taken or empty, nothing changes."""
    kept = regions()
    if name not in kept or not new.strip() or new in kept:
        return
    named = {new if key == name else key: one for key, one in kept.items()}
    _set_of_section(REGIONS, {key: Region(key, one.spots) for key, one in named.items()})
    choose_region(new)


def stars() -> dict[str, str]:
    """Return the starred genes of the current section, each with the user's note."""
    found: dict[str, str] = _of_section(STARS, {})
    return found


def star(gene: str, note: str = "") -> None:
    """Star a gene, or change its note."""
    _set_of_section(STARS, {**stars(), gene: note})


def unstar(gene: str) -> None:
    """Take the star from a gene; one without is no error."""
    _set_of_section(STARS, {name: note for name, note in stars().items() if name != gene})


def turns() -> tuple[int, bool]:
    """Return how the user turned this section's maps: quarter turns clockwise, mirrored or not."""
    found: tuple[int, bool] = _of_section(TURNS, (0, False))
    return found


def turn(quarters: int, *, is_flipped: bool) -> None:
    """Turn the maps of this section on screen; the data stay as they are."""
    _set_of_section(TURNS, (quarters % 4, is_flipped))


def _of_section(key: str, default: Any) -> Any:
    return st.session_state.get(key, {}).get(state.section_id() or "", default)


def _set_of_section(key: str, value: Any) -> None:
    kept = st.session_state.get(key, {})
    st.session_state[key] = {**kept, state.section_id() or "": value}
