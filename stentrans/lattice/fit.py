"""Find the lattice of a section from its integer array positions and, if known, its pixels."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice.affine import Affine
from stentrans.lattice.core import Lattice, LatticeKind, axial_to_raster, raster_to_array
from stentrans.validate import check_number

HEXAGONAL_RATIO: Final = 3.0**0.5
"""Row step over column step of Visium: rows are √3/2 pitches apart, columns half a pitch."""
RATIO_TOLERANCE: Final = 0.10
ARRAY_UNITS: Final = 1.5
"""Pixels per array step below which 'pixels' are array indices and say nothing of the shape."""
MAX_RASTER: Final = 50_000_000
"""Lattice positions in the bounding box, beyond which the positions cannot be one array."""


def fit_lattice(
    array: ArrayLike, pixels: ArrayLike | None = None, *, pitch_um: float | None = None
) -> Lattice:
    """Fit the lattice on which the spots of a section lie.

    Parameters
    ----------
    array
        Shape ``(n_spots, 2)``, whole numbers: array_row, array_col; no position twice. A single
        row or column of spots is allowed.
    pixels
        Shape ``(n_spots, 2)``: (x, y) in full-resolution pixels, any orientation, mirrored
        or not. They also tell hexagonal from staggered arrays.
    pitch_um
        Distance of neighbouring positions of the unthinned array in µm (Visium 100,
        legacy ST 200).

    Returns
    -------
    lattice
        The fitted lattice; the inputs are left as they were.

    Raises
    ------
    ShapeError
        If the shapes are not ``(n_spots, 2)``.
    ParameterError
        If positions are not whole numbers, occur twice, lie absurdly far apart or are not finite.

    Notes
    -----
    Constant parity of array_row + array_col, also after every second line of both axes was left
    out, means hexagonal; pixels with rows and columns about equally far apart mean staggered.
    A square array of which only a checkerboard is left cannot be told from these without pixels.
    """
    positions = _check_array(array)
    pitch = None if pitch_um is None else check_number("pitch_um", pitch_um, low=1e-3, high=1e6)
    seen = None if pixels is None else _check_pixels(pixels, len(positions))
    free = None if seen is None else _affine_fit(positions, seen)
    ratio = None if free is None else _step_ratio(free)
    kind = _kind(positions, ratio)
    to_um = _plane_map(kind, ratio, 1.0 if pitch is None else pitch)
    to_pixels = free
    if seen is not None and free is None:
        to_pixels = _similarity_fit(to_um, positions, seen)
    residual = None
    if seen is not None and to_pixels is not None:
        pixel_pitch = abs(to_pixels.determinant / to_um.determinant) ** 0.5
        miss = np.sqrt(((to_pixels(positions) - seen) ** 2).sum(axis=1).mean())
        residual = float(miss / pixel_pitch / (pitch or 1.0))
    axial, step = _axial(kind, positions)
    return Lattice(kind, positions, axial, step, to_um, to_pixels, residual, pitch)


def _check_array(array: ArrayLike) -> NDArray[np.int64]:
    given = np.asarray(array)
    if given.ndim != 2 or given.shape[1] != 2 or not len(given):
        raise ShapeError(
            f"Array positions must have shape (n_spots, 2) with at least one spot; got "
            f"{given.shape}."
        )
    number = given.astype(np.float64)
    if not np.isfinite(number).all() or (number != np.rint(number)).any():
        raise ParameterError(
            "Array positions of measured spots must be whole numbers; got fractions or missing "
            "values. Give array_row and array_col as in the file."
        )
    positions = number.astype(np.int64)
    if len(np.unique(positions, axis=0)) != len(positions):
        raise ParameterError(
            "Every measured spot must have an array position of its own; "
            f"{len(positions)} spots share {len(np.unique(positions, axis=0))} positions."
        )
    extent = np.ptp(positions, axis=0) + 1.0
    if extent.prod() > MAX_RASTER:
        raise ParameterError(
            f"Array positions must lie on one array; these span {extent[0]:.0f} rows and "
            f"{extent[1]:.0f} columns. Pixel positions are no array positions."
        )
    positions.flags.writeable = False
    return positions


def _check_pixels(pixels: ArrayLike, n_spots: int) -> NDArray[np.float64]:
    seen = np.asarray(pixels, dtype=np.float64)
    if seen.shape != (n_spots, 2):
        raise ShapeError(
            f"Pixels must have shape ({n_spots}, 2), one (x, y) per spot; got {seen.shape}."
        )
    if not np.isfinite(seen).all():
        raise ParameterError("Pixel positions must be finite; leave them out where they are not.")
    return seen


def _affine_fit(positions: NDArray[np.int64], seen: NDArray[np.float64]) -> Affine | None:
    """Least-squares map to pixels; None where spots or pixels lie on one line."""
    centre = positions.mean(axis=0)
    solved, _, rank, _ = np.linalg.lstsq(positions - centre, seen - seen.mean(axis=0), rcond=1e-9)
    linear = solved.T
    spread = np.linalg.norm(linear, axis=0).prod()
    if rank < 2 or abs(np.linalg.det(linear)) <= 1e-6 * spread:
        return None
    return Affine(np.column_stack([linear, seen.mean(axis=0) - linear @ centre]))


def _similarity_fit(
    to_um: Affine, positions: NDArray[np.int64], seen: NDArray[np.float64]
) -> Affine | None:
    """Rotation, scale and shift of the plane to pixels, for spots on one line."""
    flat = to_um(positions) @ np.array([1, 1j])
    target = seen @ np.array([1, 1j])
    centred = flat - flat.mean()
    size = float((np.abs(centred) ** 2).sum())
    turn = complex((np.conj(centred) * (target - target.mean())).sum() / size) if size else 0j
    if abs(turn) == 0:
        return None
    rotation = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    linear = rotation @ to_um.linear
    return Affine(np.column_stack([linear, seen.mean(axis=0) - linear @ positions.mean(axis=0)]))


def _step_ratio(to_pixels: Affine) -> float | None:
    """Row step over column step in pixels; None where the pixels are array indices."""
    row_step, col_step = np.linalg.norm(to_pixels.linear, axis=0)
    if max(row_step, col_step) < ARRAY_UNITS:
        return None
    return float(row_step / col_step)


def _line_step(values: NDArray[np.int64]) -> int:
    """Greatest common divisor of the differences; 1 where all values are equal."""
    return int(np.gcd.reduce(values - values.min())) or 1


def _has_constant_parity(positions: NDArray[np.int64]) -> bool:
    parity = positions.sum(axis=1) % 2
    return bool(parity.min() == parity.max())


def _kind(positions: NDArray[np.int64], ratio: float | None) -> LatticeKind:
    if np.ptp(positions, axis=0).min() == 0 or not _has_constant_parity(positions):
        return "square"
    looks_hexagonal = ratio is not None and abs(ratio / HEXAGONAL_RATIO - 1) <= RATIO_TOLERANCE
    lines = [_line_step(positions[:, axis]) for axis in (0, 1)]
    if not _has_constant_parity((positions - positions.min(axis=0)) // lines):
        # Every second row and column of a square array has constant parity too.
        return "hexagonal" if looks_hexagonal else "square"
    if ratio is None or abs(np.log(ratio / HEXAGONAL_RATIO)) < abs(np.log(ratio)):
        return "hexagonal"
    return "staggered"


def _plane_map(kind: LatticeKind, ratio: float | None, pitch: float) -> Affine:
    """Array positions to the plane, neighbours of the unthinned array ``pitch`` apart."""
    if kind == "square":
        row_step, col_step = 1.0, 1.0
    elif kind == "hexagonal":
        row_step, col_step = HEXAGONAL_RATIO / 2, 0.5
    else:
        # ST 2K arrays are not exactly square (0.90 on a real slide), so the pixels decide.
        stretch = 1.0 if ratio is None else ratio
        row_step, col_step = np.array([stretch, 1.0]) / np.hypot(stretch, 1.0)
    return Affine(np.array([[0.0, col_step, 0.0], [row_step, 0.0, 0.0]]) * pitch)


def _axial(
    kind: LatticeKind, positions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Axial indices of the spots and the steps between lattice lines."""
    shifted = positions.copy()
    if kind != "square":
        shifted[:, 1] += positions[0].sum() % 2
    steps = axial_to_raster(kind) @ raster_to_array(kind)
    axial = np.rint(shifted @ np.linalg.inv(steps.astype(np.float64))).astype(np.int64)
    axial.flags.writeable = False
    first, second = (_line_step(axial[:, axis]) for axis in (0, 1))
    if kind == "staggered":
        # Its raster axes mix q and r, so only a common step keeps the cells square.
        first = second = int(np.gcd(first, second))
    return axial, (first, second)
