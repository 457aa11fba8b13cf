from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from numpy.typing import NDArray

from stentrans.section import Picture, picture_of, warp_picture

QUARTERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], np.uint8)
"""Red, green, blue and nearly black, left to right and down."""


def section_with(image: NDArray) -> ad.AnnData:
    found = ad.AnnData(np.zeros((1, 1), np.float32))
    scales = {"tissue_hires_scalef": 0.5}
    found.uns["spatial"] = {"sample": {"images": {"hires": image}, "scalefactors": scales}}
    return found


def test_picture_kept_as_fractions_is_the_same_picture() -> None:
    picture = picture_of(section_with(QUARTERS.astype(np.float32) / 255))
    assert picture is not None
    assert picture.per_fullres_pixel == 0.5
    assert np.abs(picture.pixels.astype(int) - QUARTERS).max() <= 1


@pytest.mark.parametrize(
    "image", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8)], ids=["grey", "alpha"]
)
def test_picture_of_another_depth_is_read(image: NDArray) -> None:
    picture = picture_of(section_with(image))
    assert picture is not None
    assert picture.pixels.shape == (2, 2, 3)


@pytest.mark.parametrize("image", [np.zeros((2,)), np.zeros((2, 2, 2)), np.array([["a"]])])
def test_what_is_no_picture_is_none(image: NDArray) -> None:
    assert picture_of(section_with(image)) is None


def test_section_without_pictures_has_none() -> None:
    assert picture_of(ad.AnnData(np.zeros((1, 1), np.float32))) is None


def test_mirrored_grid_gives_the_mirrored_picture() -> None:
    big = Picture(QUARTERS.repeat(40, 0).repeat(40, 1), per_fullres_pixel=0.5)
    # 160 full-resolution pixels across; the new grid runs from right to left, 20 pixels wide.
    warped = warp_picture(big, np.array([[-8.0, 0.0, 160.0], [0.0, 8.0, 0.0]]), (20, 20))
    assert warped.shape == (20, 20, 4)
    assert warped[3, 3].tolist() == [0, 255, 0, 255]
    assert warped[3, 16].tolist() == [255, 0, 0, 255]
    assert warped[16, 16].tolist() == [0, 0, 255, 255]


def test_beyond_the_picture_is_clear() -> None:
    big = Picture(QUARTERS.repeat(40, 0).repeat(40, 1), per_fullres_pixel=1.0)
    warped = warp_picture(big, np.array([[1.0, 0.0, -40.0], [0.0, 1.0, 0.0]]), (80, 80))
    assert (warped[:, :38, 3] == 0).all()
    assert (warped[:, 42:, 3] == 255).all()
