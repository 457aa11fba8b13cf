"""Affine maps and their inverses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import Affine

finite = st.floats(-1e3, 1e3, width=32)


def test_call_maps_row_col_to_x_y():
    affine = Affine(np.array([[0.0, 2.0, 5.0], [3.0, 0.0, 7.0]]))
    np.testing.assert_allclose(affine([[1, 10]]), [[25.0, 10.0]])


def test_determinant_is_negative_when_axes_swap():
    assert Affine(np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]])).determinant == -6.0


@settings(max_examples=40, deadline=None)
@given(arrays(float, (2, 3), elements=finite), arrays(float, (5, 2), elements=finite))
def test_inverse_undoes_the_map(matrix, points):
    affine = Affine(matrix)
    spread = np.linalg.norm(affine.linear, axis=0).prod()
    if abs(affine.determinant) < 1e-3 * max(spread, 1.0) or np.linalg.cond(affine.linear) > 1e4:
        return
    np.testing.assert_allclose(affine.inverse()(affine(points)), points, atol=1e-4)


def test_inverse_of_a_flat_map_is_refused():
    with pytest.raises(ParameterError, match="onto the whole plane"):
        Affine(np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]])).inverse()


def test_wrong_matrix_shape_is_refused():
    with pytest.raises(ShapeError, match=r"shape \(2, 3\); got \(3, 3\)"):
        Affine(np.eye(3))


def test_wrong_point_shape_is_refused():
    with pytest.raises(ShapeError, match=r"\(n_points, 2\); got \(3,\)"):
        Affine(np.eye(3)[:2])([1.0, 2.0, 3.0])


def test_matrix_is_a_read_only_copy():
    matrix = np.eye(3)[:2].copy()
    affine = Affine(matrix)
    matrix[0, 0] = 9.0
    assert affine.matrix[0, 0] == 1.0
    assert not affine.matrix.flags.writeable
