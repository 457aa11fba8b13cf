"""Turn and mirror a section, its picture with it, where a user wants to see it another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from stentrans.keys import SPATIAL
from stentrans.section.notes import Note, add_notes
from stentrans.section.options import ReadOptions
from stentrans.section.positions import lattice_of

PIXELS_PER_PITCH: Final = 100.0
"""Scale of the positions that a section without pixels gets when it is turned."""
RESOLUTIONS: Final = ("hires", "lowres")


def orient(adata: AnnData, options: ReadOptions) -> None:
    """Turn and mirror pixels and pictures in place; array positions stay as in the file.

    Parameters
    ----------
    adata
        A section with array positions. Without pixels it gets those of its lattice, 100 per
        spot distance, so that the turn is kept with it.
    options
        ``rotate`` (clockwise) is applied before ``flip`` (left to right).
    """
    if not options.is_turned:
        return
    if SPATIAL not in adata.obsm:
        adata.obsm[SPATIAL] = _lattice_pixels(adata)
    pixels = np.asarray(adata.obsm[SPATIAL], dtype=np.float64)
    held = adata.uns.get(SPATIAL, {})
    frame = _frame(held, pixels)
    n_turns = (options.rotate or 0) // 90
    adata.obsm[SPATIAL] = _turn(pixels, frame, n_turns, is_flipped=bool(options.flip))
    if held:
        adata.uns[SPATIAL] = {
            library: _turn_pictures(entry, n_turns, is_flipped=bool(options.flip))
            for library, entry in held.items()
        }
    words = [f"turned by {options.rotate}° clockwise"] if options.rotate else []
    words += ["mirrored left to right"] if options.flip else []
    add_notes(adata, [Note("T3", f"{' and '.join(words).capitalize()}, as asked.")])


def _lattice_pixels(adata: AnnData) -> NDArray[np.float64]:
    """Positions on a plane with true proportions, from 0, shape ``(n_spots, 2)``."""
    lattice = lattice_of(adata)
    plane = lattice.plane(lattice.array) * PIXELS_PER_PITCH
    placed: NDArray[np.float64] = plane - plane.min(axis=0)
    return placed


def _frame(held: Mapping[str, Any], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width and height of the full-resolution picture; of the positions where there is none."""
    for entry in held.values():
        for name in RESOLUTIONS:
            image = entry.get("images", {}).get(name)
            scale = entry.get("scalefactors", {}).get(f"tissue_{name}_scalef")
            if image is not None and scale:
                return np.array(np.shape(image)[1::-1], dtype=np.float64) / float(scale)
    extent: NDArray[np.float64] = pixels.min(axis=0) + pixels.max(axis=0)
    return extent


def _turn(
    pixels: NDArray[np.float64], frame: NDArray[np.float64], n_turns: int, *, is_flipped: bool
) -> NDArray[np.float64]:
    """(x, y) after quarter turns clockwise within the frame, then mirrored; a new array."""
    turned, (width, height) = pixels.copy(), frame
    for _ in range(n_turns):
        turned = np.column_stack([height - turned[:, 1], turned[:, 0]])
        width, height = height, width
    if is_flipped:
        turned[:, 0] = width - turned[:, 0]
    return turned


def _turn_pictures(entry: Mapping[str, Any], n_turns: int, *, is_flipped: bool) -> dict[str, Any]:
    """One library's entry of ``uns["spatial"]`` with its pictures turned the same way."""
    images = {}
    for name, image in entry.get("images", {}).items():
        turned = np.rot90(np.asarray(image), k=-n_turns)
        images[name] = np.ascontiguousarray(turned[:, ::-1] if is_flipped else turned)
    return {**entry, "images": images}
