"""Which way round a section is shown: as its picture, or as the user turned it."""

from __future__ import annotations

from stentrans.app import cache
from stentrans.figures.screen import Screen, screen_of


def screen(section_id: str, turns: tuple[int, bool] = (0, False)) -> Screen:
    """Return the orientation of a section on screen.

    Parameters
    ----------
    section_id
        The section.
    turns
        Quarter turns clockwise, then whether left and right are exchanged.
    """
    lattice = cache.lattice(section_id)
    to_pixels = None if lattice.to_pixels is None else lattice.to_pixels.matrix
    found = screen_of(lattice.to_um.matrix, to_pixels, pitch_um=lattice.pitch_um)
    quarters, is_flipped = turns
    for _ in range(quarters):
        found = found.turned()
    return found.flipped() if is_flipped else found
