"""The picture of a section, turned and cut so that it lies below a map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from stentrans.keys import SPATIAL
from stentrans.section.pictures import RESOLUTIONS

_CLEAR: Final = (255, 255, 255, 0)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of the tissue and how it relates to full-resolution pixels.

    Parameters
    ----------
    pixels
        Shape ``(height, width, 3)``, uint8.
    per_fullres_pixel
        Pixels of this picture per full-resolution pixel.
    """

    pixels: NDArray[np.uint8]
    per_fullres_pixel: float


def picture_of(section: AnnData) -> Picture | None:
    """Return the finest usable picture of a section, None where there is none.

    Parameters
    ----------
    section
        Pictures and scale factors below ``uns["spatial"]``, as scanpy and squidpy keep them;
        values 0 to 255, or 0 to 1 where they are fractions. Left as it was.
    """
    return picture_in((section.uns.get(SPATIAL) or {}).values())


def picture_in(libraries: Iterable[Any]) -> Picture | None:
    """Return the finest usable picture among libraries with ``images`` and ``scalefactors``."""
    for library in libraries:
        for name in RESOLUTIONS:
            image = (library.get("images") or {}).get(name)
            scale = (library.get("scalefactors") or {}).get(f"tissue_{name}_scalef")
            if image is not None and scale:
                pixels = _as_rgb(image)
                if pixels is not None:
                    return Picture(pixels, float(scale))
    return None


def warp_picture(
    picture: Picture, to_fullres: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Resample a picture on another grid of pixels.

    Parameters
    ----------
    picture
        Left as it was.
    to_fullres
        Shape ``(2, 3)``: position (x, y, 1) in the new picture to full-resolution pixels.
    size
        Width and height of the new picture in pixels.

    Returns
    -------
    warped
        Shape ``(height, width, 4)``, uint8, red, green, blue and opacity; clear where the old
        picture does not reach.
    """
    from PIL import Image

    source = Image.fromarray(picture.pixels).convert("RGBA")
    matrix = to_fullres * picture.per_fullres_pixel
    # Pixels of the picture per pixel asked for: averaged first where there are many.
    coarser = max(int(np.sqrt(abs(np.linalg.det(matrix[:, :2])))), 1)
    if coarser > 1:
        source, matrix = source.reduce(coarser), matrix / coarser
    warped = source.transform(
        size,
        Image.Transform.AFFINE,
        tuple(matrix.ravel()),
        resample=Image.Resampling.BICUBIC,
        fillcolor=_CLEAR,
    )
    return np.asarray(warped, dtype=np.uint8)


def _as_rgb(image: Any) -> NDArray[np.uint8] | None:
    """Grey, RGB or RGBA of any number type as RGB; None where it is no picture."""
    values = np.asarray(image)
    if values.ndim == 2:
        values = values[:, :, None].repeat(3, axis=2)
    if values.ndim != 3 or values.shape[2] < 3 or not values.size:
        return None
    values = values[:, :, :3]
    if values.dtype.kind == "f":
        top = 255.0 if float(np.nanmax(values)) <= 1.0 else 1.0
        values = np.clip(np.nan_to_num(values) * top, 0, 255)
    elif values.dtype.kind not in "ui":
        return None
    return np.ascontiguousarray(values.astype(np.uint8))
