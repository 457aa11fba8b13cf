"""The slide that sites lie on: pictures, their scale, and the name of the section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from stentrans.keys import LIBRARY_ID, SPATIAL

if TYPE_CHECKING:
    from anndata import AnnData

NO_NAME: Final = "section"
DIAMETER: Final = "spot_diameter_fullres"
HIRES, LOWRES = "tissue_hires_scalef", "tissue_lowres_scalef"
OF_PITCH: Final = 0.65
"""Diameter of a drawn spot in pitches, as Space Ranger writes it (measured)."""


@dataclass(frozen=True, eq=False)
class Slide:
    """What other software needs to draw sites on their picture.

    Parameters
    ----------
    library
        Name of the section, harmless as a key.
    images
        ``hires`` and ``lowres``, shape ``(height, width, channels)``; possibly none.
    scalefactors
        Picture pixels per full-resolution pixel, and the diameter of a spot; possibly none.
    """

    library: str = NO_NAME
    images: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    scalefactors: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, section: AnnData) -> Slide:
        """Take the slide of a section; pictures are shared, not copied."""
        held = section.uns.get(SPATIAL)
        entries = held if isinstance(held, Mapping) else {}
        # cellxgene's flags beside the libraries are none.
        entries = {str(name): one for name, one in entries.items() if isinstance(one, Mapping)}
        name = _own_name(section.obs, list(entries))
        entry = entries.get(name, {})
        images, scale = (_mapping(entry.get(key)) for key in ("images", "scalefactors"))
        return cls(
            library=_harmless(name),
            images={key: np.asarray(images[key]) for key in ("hires", "lowres") if key in images},
            scalefactors={str(key): float(value) for key, value in scale.items() if value > 0},
        )

    def entry(self, sites: pd.DataFrame, factor: int) -> dict[str, Any]:
        """Make the entry of ``uns["spatial"]`` for sites ``factor`` times as dense as spots.

        Parameters
        ----------
        sites
            Positions in ``x_px``, ``y_px``, else ``x_um``, ``y_um``.
        factor
            Sites per spot and axis; a site is drawn so much smaller than a spot.

        Notes
        -----
        squidpy draws the picture named ``hires`` and needs its factor and a diameter even
        without a picture, so that these are always there.
        """
        images, scale = dict(self.images), dict(self.scalefactors)
        if "hires" not in images and "lowres" in images and LOWRES in scale:
            images["hires"], scale[HIRES] = images["lowres"], scale[LOWRES]
        scale.setdefault(HIRES, scale.get(LOWRES, 1.0))
        scale.setdefault(LOWRES, scale[HIRES])
        if DIAMETER in scale:
            scale[DIAMETER] /= factor
        else:
            scale[DIAMETER] = OF_PITCH * _spacing(places(sites))
        return {"images": images, "scalefactors": scale, "metadata": {}}


def places(sites: pd.DataFrame) -> NDArray[np.float64]:
    """Return (x, y) of sites, shape ``(n_sites, 2)``: full-resolution pixels, else micrometres."""
    axes = ["x_px", "y_px"] if "x_px" in sites else ["x_um", "y_um"]
    return sites[axes].to_numpy(np.float64)


def as_bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture with values 0 to 255; scanpy keeps some as shares of 1."""
    if image.dtype == np.uint8:
        return image
    most = 255.0 if np.issubdtype(image.dtype, np.floating) and image.max(initial=0) <= 1 else 1.0
    return np.clip(np.rint(image * most), 0, 255).astype(np.uint8)


def _own_name(obs: pd.DataFrame, names: list[str]) -> str:
    """The library of a section: what its spots say, else the first one that has an entry."""
    told = set(obs[LIBRARY_ID].astype(str)) if LIBRARY_ID in obs else set()
    if len(told) == 1:
        return str(told.pop())
    return names[0] if names else NO_NAME


def _harmless(name: str) -> str:
    """A slash would split the key in a file."""
    return name.replace("/", "_").strip() or NO_NAME


def _mapping(held: Any) -> Mapping[str, Any]:
    return held if isinstance(held, Mapping) else {}


def _spacing(points: NDArray[np.float64]) -> float:
    """Usual distance of a site to its nearest neighbour; 1 where there is none."""
    if len(points) < 2:
        return 1.0
    nearest = np.asarray(cKDTree(points).query(points, k=2)[0])
    return float(np.median(nearest[:, 1])) or 1.0
