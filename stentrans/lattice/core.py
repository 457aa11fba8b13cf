"""The lattice of one section: integer positions, neighbours and maps to the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stentrans.errors import ShapeError
from stentrans.lattice import hexagonal, square
from stentrans.lattice.affine import Affine

LatticeKind = Literal["square", "hexagonal", "staggered"]

ON_LATTICE: Final = 1e-6
"""Array steps within which a fractional position counts as a lattice position."""


def raster_to_array(kind: LatticeKind) -> NDArray[np.int64]:
    """One raster step along each axis as (array_row, array_col), shape ``(2, 2)``."""
    steps = {
        "square": square.RASTER_TO_ARRAY,
        "hexagonal": hexagonal.RASTER_TO_ARRAY,
        "staggered": square.STAGGERED_RASTER_TO_ARRAY,
    }
    return np.array(steps[kind], dtype=np.int64)


def axial_to_raster(kind: LatticeKind) -> NDArray[np.int64]:
    """One axial step along each axis in raster steps, shape ``(2, 2)``.

    Axes that follow cell edges make the raster. Those of the staggered lattice are its
    diagonals u = q + r and v = q; elsewhere raster and axial axes are the same.
    """
    return np.array([[1, 1], [1, 0]] if kind == "staggered" else np.eye(2), dtype=np.int64)


def find_rows(known: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index in ``known`` of each row of ``wanted``, -1 where there is none; rows are pairs."""
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    low = known.min(axis=0)
    size = known.max(axis=0) - low + 1
    shifted = wanted - low
    inside = ((shifted >= 0) & (shifted < size)).all(axis=1)
    keys = (known - low) @ np.array([size[1], 1])
    order = np.argsort(keys, kind="stable")
    asked = np.where(inside, shifted @ np.array([size[1], 1]), -1)
    place = np.minimum(np.searchsorted(keys, asked, sorter=order), len(keys) - 1)
    found = order[place]
    return np.where(inside & (keys[found] == asked), found, -1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Lattice:
    """Where the measured spots of one section lie; made by `fit_lattice`.

    Parameters
    ----------
    kind
        ``"square"`` (legacy ST), ``"hexagonal"`` (Visium) or ``"staggered"`` (ST "2K": array
        positions as on Visium, but square cells).
    array
        Shape ``(n_spots, 2)``, int64: array_row and array_col as in the file.
    axial
        Shape ``(n_spots, 2)``, int64: (row, col) on the square lattice, else (q, r).
    step
        Axial steps between two lattice lines that can hold a spot; (2, 2) on a thinned section.
    to_um
        Array positions to micrometres (to native pitches where the pitch is unknown); x grows
        with array_col and y, downwards, with array_row.
    to_pixels
        Array positions to full-resolution pixels (x, y), None where no pixels are known;
        a negative determinant of it against `to_um` means a mirrored picture.
    residual
        Root mean squared distance of the pixel fit, in native pitches; None without pixels.
    pitch_um
        Distance of neighbouring positions of the unthinned array in µm; None if unknown.
    """

    kind: LatticeKind
    array: NDArray[np.int64]
    axial: NDArray[np.int64]
    step: tuple[int, int]
    to_um: Affine
    to_pixels: Affine | None
    residual: float | None
    pitch_um: float | None

    @property
    def n_spots(self) -> int:
        """Number of measured spots."""
        return len(self.array)

    @property
    def is_mirrored(self) -> bool:
        """Whether the picture shows the array mirrored; False without pixels."""
        if self.to_pixels is None:
            return False
        return self.to_pixels.determinant * self.to_um.determinant < 0

    def plane(self, array: ArrayLike) -> NDArray[np.float64]:
        """Map array positions to isotropic ones, in units of this lattice's own spacing.

        Parameters
        ----------
        array
            Shape ``(n_sites, 2)``: array_row, array_col, fractions allowed.

        Returns
        -------
        positions
            Shape ``(n_sites, 2)``, float64: (x, y); nearest lattice positions are 1.0 apart,
            also on a thinned section.
        """
        return self.to_um(array) / self._spacing()

    def to_axial(self, array: ArrayLike) -> NDArray[np.float64]:
        """Axial coordinates of array positions, shape ``(n_sites, 2)``, fractions kept."""
        given = np.array(array, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != 2:
            raise ShapeError(f"Array positions must have shape (n_sites, 2); got {given.shape}.")
        given[:, 1] += self._shift()
        back = np.linalg.inv(self._axial_to_array().astype(np.float64))
        axial: NDArray[np.float64] = given @ back
        return axial

    def to_array(self, axial: ArrayLike) -> NDArray[np.float64]:
        """Array positions of axial coordinates, shape ``(n_sites, 2)``; undoes `to_axial`."""
        array: NDArray[np.float64] = np.asarray(axial, np.float64) @ self._axial_to_array()
        array[:, 1] -= self._shift()
        return array

    def offsets(self) -> NDArray[np.int64]:
        """Axial steps to the neighbours: shape (4, 2), hexagonal (6, 2); thinning included."""
        listed = hexagonal.OFFSETS if self.kind == "hexagonal" else square.OFFSETS
        raster = np.array(listed, dtype=np.int64) * self.step
        back = np.linalg.inv(axial_to_raster(self.kind).astype(np.float64))
        return np.rint(raster @ back).astype(np.int64)

    def neighbours(self) -> NDArray[np.int64]:
        """Pairs of adjacent measured spots, shape ``(n_pairs, 2)``, int64, each pair once."""
        offsets = self.offsets()
        pairs = []
        for offset in offsets[: len(offsets) // 2]:
            other = find_rows(self.axial, self.axial + offset)
            here = np.flatnonzero(other >= 0)
            pairs.append(np.column_stack([here, other[here]]))
        return np.concatenate(pairs)

    def find(self, array: ArrayLike) -> NDArray[np.int64]:
        """Index of the measured spot at each array position, -1 where there is none."""
        given = np.asarray(array, dtype=np.float64)
        whole = np.rint(given)
        found = find_rows(self.array, whole.astype(np.int64))
        found[(np.abs(given - whole) > ON_LATTICE).any(axis=1)] = -1
        return found

    def to_raster(self, array: ArrayLike) -> NDArray[np.float64]:
        """Positions in lattice lines along the cell edges, shape ``(n_sites, 2)``, fractional.

        The first measured line of each axis is 0; measured spots get whole numbers. Rasters
        serve image-like work: neighbours along an axis are one apart, also when thinned.
        """
        raster = self.to_axial(array) @ axial_to_raster(self.kind)
        return (raster - self._raster_origin()) / self.step

    def from_raster(self, raster: ArrayLike) -> NDArray[np.float64]:
        """Array positions of raster positions, shape ``(n_sites, 2)``; undoes `to_raster`."""
        lines = np.asarray(raster, np.float64) * self.step + self._raster_origin()
        back = np.linalg.inv(axial_to_raster(self.kind).astype(np.float64))
        return self.to_array(lines @ back)

    def _raster_origin(self) -> NDArray[np.int64]:
        origin: NDArray[np.int64] = (self.axial @ axial_to_raster(self.kind)).min(axis=0)
        return origin

    def _axial_to_array(self) -> NDArray[np.int64]:
        steps: NDArray[np.int64] = axial_to_raster(self.kind) @ raster_to_array(self.kind)
        return steps

    def _shift(self) -> int:
        """Columns added so that array_row + array_col is even where its parity is constant."""
        return 0 if self.kind == "square" else int(self.array[0].sum() % 2)

    def _spacing(self) -> float:
        """Distance of the nearest lattice positions in the units of `to_um`."""
        steps = self.offsets() @ self._axial_to_array() @ self.to_um.linear.T
        return float(np.linalg.norm(steps, axis=1).min())
