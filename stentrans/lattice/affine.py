"""One affine map of the plane, from array positions to micrometres or pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stentrans.errors import ParameterError, ShapeError


@dataclass(frozen=True, eq=False)
class Affine:
    """An affine map ``(row, col) -> (x, y)``.

    Parameters
    ----------
    matrix
        Shape ``(2, 3)``, float64: two linear columns, then the offset.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Keep a read-only float64 copy of the matrix."""
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (2, 3):
            raise ShapeError(f"An affine matrix must have shape (2, 3); got {matrix.shape}.")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points, shape ``(n_points, 2)``; the input is left as it was."""
        given = np.asarray(points, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != 2:
            raise ShapeError(f"Points must have shape (n_points, 2); got {given.shape}.")
        mapped: NDArray[np.float64] = given @ self.linear.T + self.matrix[:, 2]
        return mapped

    @property
    def linear(self) -> NDArray[np.float64]:
        """The part without the offset, shape ``(2, 2)``."""
        return self.matrix[:, :2]

    @property
    def determinant(self) -> float:
        """Signed area of the image of one array cell."""
        (a, b), (c, d) = self.linear
        return float(a * d - b * c)

    def inverse(self) -> Affine:
        """Return the map back.

        Raises
        ------
        ParameterError
            If the map sends the plane to a line.
        """
        spread = np.linalg.norm(self.linear, axis=0).prod()
        if abs(self.determinant) <= 1e-12 * spread or spread == 0:
            raise ParameterError(
                "Only a map onto the whole plane has an inverse; this one has determinant "
                f"{self.determinant:g}."
            )
        back = np.linalg.inv(self.linear)
        return Affine(np.column_stack([back, -back @ self.matrix[:, 2]]))
