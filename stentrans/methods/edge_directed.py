"""Double images by local least squares: each inserted value mixes its neighbours along edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

LEAST_TRAINING: Final = 8
"""Rhombs in the window: twice as many as weights."""
SINGULAR: Final = 1e-10
"""Least determinant of the system once its trace is 4."""
CELLS_AT_ONCE: Final = 2**17
_MARGIN: Final = 2

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Vector = tuple[int, int]


class EdgeDirected:
    """The upscaler: local least squares decide how each inserted value mixes its neighbours.

    Parameters
    ----------
    window
        Lattice lines that weights are learned from.
    is_hexagonal
        Whether the raster's cells are rhombs of two triangles.
    """

    code: ClassVar[int] = 0

    def __init__(self, window: int, *, is_hexagonal: bool) -> None:
        self.window, self.is_hexagonal = window, is_hexagonal

    def double(self, images: NDArray[np.float32], mask: Mask, spacing: int) -> NDArray[np.float32]:
        """Images twice as fine; see `stentrans.methods.image_decoding.Upscaler`.

        ``spacing`` plays no part: one rule holds at every spacing.
        """
        n_genes, n_rows, n_cols = images.shape
        fine = np.empty((n_genes, 2 * n_rows, 2 * n_cols), np.float32)
        size = max(1, CELLS_AT_ONCE // mask.size)
        for start in range(0, n_genes, size):
            genes = slice(start, start + size)
            fine[genes] = self._double(images[genes], mask)
        return fine

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Settings as arrays."""
        return {"window": np.array([self.window]), "hexagonal": np.array([self.is_hexagonal])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> EdgeDirected:
        """Rebuild from `to_arrays`; raises KeyError if an array is missing."""
        return cls(int(arrays["window"][0]), is_hexagonal=bool(arrays["hexagonal"][0]))

    def _double(self, images: NDArray[np.float32], mask: Mask) -> Floats:
        """As `double`, for as many genes as fit into memory."""
        known = _Image(images.astype(np.float64), mask)
        fine = np.repeat(np.repeat(known.values, 2, axis=1), 2, axis=2)
        if self.is_hexagonal:
            fine[:, 1::2, 0::2] = self._insert(known, (1, 0), (1, 0), (1, -2))
            fine[:, 0::2, 1::2] = self._insert(known, (0, 1), (0, 1), (2, -1))
            fine[:, 1::2, 1::2] = self._insert(known, (1, 1), (1, -1), (1, 1))
            return fine
        middles = self._insert(known, (1, 1), (1, 1), (1, -1), all_near=True)
        fine[:, 1::2, 1::2] = middles
        inside = np.all([known.mask_at(c) for c in ((0, 0), (1, 0), (0, 1), (1, 1))], axis=0)
        between = _Image(middles, inside)
        rows = [(between, (0, -1)), (between, (0, 0))]
        fine[:, 1::2, 0::2] = self._insert(known, (1, 0), (1, 0), (0, 1), far=rows)
        columns = [(between, (-1, 0)), (between, (0, 0))]
        fine[:, 0::2, 1::2] = self._insert(known, (0, 1), (0, 1), (1, 0), far=columns)
        return fine

    def _insert(
        self,
        known: _Image,
        half: Vector,
        near: Vector,
        across: Vector,
        *,
        far: list[tuple[_Image, Vector]] | None = None,
        all_near: bool = False,
    ) -> Floats:
        """Values at every cell moved by half a step along ``half``, shape of the images.

        ``near`` and ``across`` are the diagonals of the rhombus around the site; ``far`` says
        where the ends of the second are known, if not on the raster itself.
        """
        corners = [(known, _end(half, near, s)) for s in (-1, 1)]
        corners += far or [(known, _end(half, across, s)) for s in (-1, 1)]
        values = np.stack([image.at(shift) for image, shift in corners], axis=-1)
        seen = np.stack([image.mask_at(shift) for image, shift in corners], axis=-1)
        counted = seen if all_near else seen & np.array([True, True, False, False])
        n_counted = counted.sum(axis=-1)
        plain = (values * counted).sum(axis=-1) / np.maximum(n_counted, 1)
        plain = np.where(n_counted > 0, plain, known.values)
        rhombs = _Rhombs(known, [(-near[0], -near[1]), near, (-across[0], -across[1]), across])
        is_taught = rhombs.count(half, self.window) >= LEAST_TRAINING
        rows, cols = np.nonzero(seen.all(axis=-1) & is_taught)
        if len(rows):
            given = values[:, rows, cols]
            system, right = rhombs.system(half, self.window, rows, cols)
            plain[:, rows, cols] = _weighed(system, right, given, plain[:, rows, cols])
        return plain


class _Image:
    """Images with their mask, readable at shifted cells."""

    def __init__(self, values: Floats, mask: Mask) -> None:
        self.values, self.mask = values, mask
        self._values = np.pad(values, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)), "edge")
        self._mask = np.pad(mask, _MARGIN)

    def at(self, shift: Vector) -> Floats:
        """Values of the cells ``shift`` away, repeated beyond the border."""
        return self._values[(slice(None), *self._window(shift))]

    def mask_at(self, shift: Vector) -> Mask:
        """Whether the cells ``shift`` away were measured."""
        return self._mask[self._window(shift)]

    def _window(self, shift: Vector) -> tuple[slice, slice]:
        (n_rows, n_cols), (row, col) = self.mask.shape, (shift[0] + _MARGIN, shift[1] + _MARGIN)
        return slice(row, row + n_rows), slice(col, col + n_cols)


class _Rhombs:
    """Normal equations of every measured spot as a mixture of four others."""

    def __init__(self, known: _Image, corners: list[Vector]) -> None:
        self.whole = np.all([known.mask, *(known.mask_at(shift) for shift in corners)], axis=0)
        around = [known.at(shift) * self.whole for shift in corners]
        columns = [*around, known.values * self.whole]
        self.pairs = [(i, j) for i in range(4) for j in range(i, 5)]
        products = np.stack([columns[i] * columns[j] for i, j in self.pairs])
        self.sums = _running_sums(products)
        self.counts = _running_sums(self.whole.astype(np.float64))

    def count(self, half: Vector, window: int) -> Floats:
        """How many rhombs the window around each site holds."""
        rows, cols = np.indices(self.whole.shape)
        return _window_sums(self.counts, half, window, rows, cols)

    def system(
        self, half: Vector, window: int, rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Matrices ``(n_genes, n_sites, 4, 4)`` and right sides ``(n_genes, n_sites, 4)``."""
        sums = _window_sums(self.sums, half, window, rows, cols)
        matrix = np.empty((*sums.shape[1:], 4, 4))
        right = np.empty((*sums.shape[1:], 4))
        for total, (i, j) in zip(sums, self.pairs, strict=True):
            if j == 4:
                right[..., i] = total
            else:
                matrix[..., i, j] = matrix[..., j, i] = total
        return matrix, right


def _end(half: Vector, diagonal: Vector, sign: int) -> Vector:
    """The cell at one end of a diagonal whose middle lies half a step along ``half``."""
    return (half[0] + sign * diagonal[0]) // 2, (half[1] + sign * diagonal[1]) // 2


def _weighed(system: Floats, right: Floats, given: Floats, plain: Floats) -> Floats:
    """Values by least-squares weights, the plain average where these cannot be trusted."""
    trace = np.trace(system, axis1=-2, axis2=-1)[..., None, None]
    scaled = system * (4 / np.maximum(trace, 1e-300))
    is_sound = np.linalg.det(scaled) > SINGULAR
    weights = np.linalg.solve(
        np.where(is_sound[..., None, None], scaled, np.eye(4)),
        (right * (4 / np.maximum(trace[..., 0], 1e-300)))[..., None],
    )[..., 0]
    mixed = (weights * given).sum(axis=-1)
    low, high = given.min(axis=-1), given.max(axis=-1)
    return np.where(is_sound & (mixed >= low) & (mixed <= high), mixed, plain)


def _running_sums(maps: Floats) -> Floats:
    """Sums over all earlier rows and columns, one longer on both of the last axes."""
    padded = np.pad(maps, [(0, 0)] * (maps.ndim - 2) + [(1, 0), (1, 0)])
    return padded.cumsum(axis=-2).cumsum(axis=-1)


def _window_sums(
    sums: Floats, half: Vector, window: int, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> Floats:
    """Sums over the window around each site."""
    reach = window // 2
    low, high = [], []
    for place, moved, size in zip((rows, cols), half, sums.shape[-2:], strict=True):
        low.append(np.clip(place - reach + moved, 0, size - 1))
        high.append(np.clip(place + reach + 1, 0, size - 1))
    total: Floats = (
        sums[..., high[0], high[1]]
        - sums[..., low[0], high[1]]
        - sums[..., high[0], low[1]]
        + sums[..., low[0], low[1]]
    )
    return total
