"""Labels are compared where an annotation knows something, and matched by what they share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stentrans.patterns.graphs import by_size
from stentrans.patterns.labels import is_labelled, likeness, matched, overlap


def test_spots_that_the_annotation_does_not_know_play_no_part():
    annotation = pd.Series(["a", "a", "b", "b", "NA", None, "undetermined", " "])
    np.testing.assert_array_equal(is_labelled(annotation), [1, 1, 1, 1, 0, 0, 0, 0])
    labels = np.array([0, 0, 1, 1, 1, 0, 0, 1])
    assert likeness(labels, annotation) == {"ari": 1.0, "nmi": pytest.approx(1.0), "spots": 4.0}


def test_labels_drawn_by_chance_have_no_likeness():
    rng = np.random.default_rng(0)
    found = likeness(rng.integers(0, 4, 2_000), pd.Series(rng.integers(0, 4, 2_000)).astype(str))
    assert abs(found["ari"]) < 0.01


def test_annotation_that_knows_nothing_gives_no_number():
    found = likeness(np.array([0, 1]), pd.Series(["NA", "nan"]))
    assert np.isnan(found["ari"])
    assert found["spots"] == 0


def test_labels_are_renamed_after_those_they_share_most_spots_with():
    reference = np.array([0, 0, 0, 1, 1, 2, 2])
    labels = np.array([2, 2, 2, 0, 0, 1, 1])
    np.testing.assert_array_equal(matched(labels, reference), reference)


def test_label_without_a_counterpart_gets_a_new_number():
    reference = np.array([0, 0, 0, 1, 1, 1])
    labels = np.array([1, 1, 0, 2, 2, 2])
    np.testing.assert_array_equal(matched(labels, reference), [0, 0, 2, 1, 1, 1])


def test_fewer_labels_than_the_reference_keep_its_names():
    reference = np.array([0, 0, 1, 1, 2, 2])
    labels = np.array([1, 1, 0, 0, 0, 0])
    assert set(matched(labels, reference)) <= {0, 1, 2}


def test_overlap_counts_pairs():
    table = overlap(np.array([0, 0, 1]), np.array([1, 1, 0]))
    np.testing.assert_array_equal(table, [[0, 2], [1, 0]])


def test_numbers_follow_the_size():
    np.testing.assert_array_equal(by_size(np.array([5, 7, 7, 2, 2, 7])), [2, 0, 0, 1, 1, 0])


def test_sites_are_renamed_by_the_spots_among_them():
    reference = np.array([0, 0, 1, 1])
    labels, spots = np.array([1, 2, 1, 0, 0, 2, 0]), np.array([0, 2, 3, 4])
    found = matched(labels, reference, spots)
    np.testing.assert_array_equal(found, [0, 2, 0, 1, 1, 2, 1])
