"""The pictures of a Space Ranger folder, and whether they belong to the positions."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stentrans.section.files import content, decode, kind_of
from stentrans.section.notes import Note

RESOLUTIONS: Final = ("hires", "lowres")
MAX_FACTOR: Final = 1e9
"""Scale factors and diameters are far below this; JSON may hold any number."""
UNREADABLE: Final = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    # Pillow reports damaged PNG chunks as this.
    SyntaxError,
)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with scale factors, possibly none.

    Parameters
    ----------
    images
        ``hires`` and/or ``lowres``, shape ``(height, width, channels)``, uint8.
    scalefactors
        As in ``scalefactors_json.json``: picture pixels per full-resolution pixel, and more.
    notes
        T6 where a part is missing.
    """

    images: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    scalefactors: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def full_size(self) -> NDArray[np.float64] | None:
        """Width and height of the full-resolution picture in pixels; None where unknown."""
        for name in RESOLUTIONS:
            scale = self.scalefactors.get(f"tissue_{name}_scalef")
            if name in self.images and scale:
                height, width = self.images[name].shape[:2]
                return np.array([width, height], dtype=np.float64) / scale
        return None


def read_pictures(paths: Mapping[str, Path], scalefactors: Path | None) -> Pictures:
    """Read what there is: a missing or unreadable part becomes a note, never an error."""
    scale = _read_scalefactors(scalefactors)
    if not scale:
        return Pictures(notes=(Note("T6", "No usable scale factors; no picture shown."),))
    images = {}
    for name in RESOLUTIONS:
        picture = _read_picture(paths[name]) if name in paths else None
        if picture is not None and f"tissue_{name}_scalef" in scale:
            images[name] = picture
    if "hires" in images:
        return Pictures(images, scale)
    if "lowres" in images:
        return Pictures(images, scale, (Note("T6", "Low-resolution picture used."),))
    return Pictures({}, scale, (Note("T6", "No usable picture; no picture shown."),))


def match_pictures(
    pictures: Pictures, pixels: NDArray[np.float64]
) -> tuple[Pictures, NDArray[np.float64], list[Note]]:
    """Compare positions with the picture they should lie in.

    Parameters
    ----------
    pictures
        From `read_pictures`.
    pixels
        (x, y) of the spots on tissue or of all, shape ``(n, 2)``, float64, finite.

    Returns
    -------
    pictures
        Without images where they do not belong to the positions.
    order
        Columns of the pixels as x and y: (0, 1), or (1, 0) where they were exchanged.
    notes
        T2, T4 or T6.
    """
    kept = np.array([0, 1])
    size = pictures.full_size()
    if size is None or not len(pixels):
        return pictures, kept, []
    inside = _share_inside(pixels, size)
    if inside == 1.0:
        return pictures, kept, []
    if inside < 0.98 and _share_inside(pixels[:, ::-1], size) == 1.0:
        note = Note("T2", "Pixel columns were exchanged; please check.")
        return pictures, kept[::-1], [note]
    if inside < 0.5:
        off = Pictures({}, pictures.scalefactors)
        return off, kept, [Note("T6", "The picture does not match the positions; none shown.")]
    n_outside = round((1.0 - inside) * len(pixels))
    return pictures, kept, [Note("T4", f"{n_outside} spots lie outside the picture.")]


def _share_inside(pixels: NDArray[np.float64], size: NDArray[np.float64]) -> float:
    """Share of positions within the picture."""
    return float(((pixels >= 0) & (pixels <= size)).all(axis=1).mean())


def _read_scalefactors(path: Path | None) -> dict[str, float]:
    """Positive numbers of the json file; empty where it is absent or unusable."""
    if path is None:
        return {}
    try:
        stored: Any = json.loads(decode(content(path)))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(stored, dict):
        return {}
    numbers = {str(key): value for key, value in stored.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in numbers.items() if 0 < value < MAX_FACTOR}


def _read_picture(path: Path) -> NDArray[np.uint8] | None:
    """A picture as RGB, None where it cannot be read or is too large to be one of these."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS or 0
    try:
        packed = BytesIO(content(path)) if kind_of(path) == "gzip" else path
        with Image.open(packed) as picture:
            if picture.width * picture.height > limit:
                return None
            return np.array(picture.convert("RGB"), dtype=np.uint8)
    except (*UNREADABLE, Image.DecompressionBombError):
        return None
