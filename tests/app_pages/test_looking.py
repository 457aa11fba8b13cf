"""Leafing through genes, regions as text, and what a selection becomes."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from stentrans.app import flipbook, map_text, state, view
from stentrans.app.links import pack_region, unpack_region
from stentrans.evaluation.smoothing import MoranCheck

GENES = [f"G{number:02d}" for number in range(30)]


@given(some.sets(some.integers(0, 4_999), min_size=1), some.text(min_size=1))
def test_region_survives_the_way_through_an_address(spots: set[int], name: str) -> None:
    region = view.Region(name, tuple(sorted(spots)))
    found = unpack_region(pack_region(region, 5_000), 5_000)
    kept = view.Region(name[:80], region.spots)
    assert found == (kept if name.strip() else None)


def test_compact_region_of_a_full_section_is_short() -> None:
    disc = tuple(
        128 * row + col
        for row in range(78)
        for col in range(128)
        if (row - 30) ** 2 + ((col - 60) / 2) ** 2 < 400
    )
    assert len(pack_region(view.Region("disc", disc), 78 * 128)) < 400


@pytest.mark.parametrize(
    "text", ["", ".", ".name", "!!.name", "AAAA.name", "eJxjAAAAAQAB.", "no code at all"]
)
def test_text_that_is_no_region_is_none(text: str) -> None:
    assert unpack_region(text, 100) is None


def test_region_never_unpacks_to_more_than_fits() -> None:
    bomb = urlsafe_b64encode(zlib.compress(bytes(50_000_000), 9)).decode()
    assert unpack_region(f"{bomb}.bomb", 5_000) is None


def test_leafing_stays_within_the_order() -> None:
    assert flipbook.step(GENES, "G01", 1) == "G02"
    assert flipbook.step(GENES, "G00", -1) == "G00"
    assert flipbook.step(GENES, "G29", 1) == "G29"
    assert flipbook.step(GENES, "absent", 1) == "G00"


def test_strip_stays_put_while_one_leafs_within_it() -> None:
    pages = [flipbook.page_of(GENES, gene) for gene in ("G12", "G17", "G23")]
    assert pages[0] == pages[1] == pages[2] == GENES[12:24]
    assert flipbook.page_of(GENES, "G24") == GENES[24:]
    assert flipbook.page_of(GENES, "absent") == GENES[:12]


def test_each_selection_becomes_a_region_of_its_own() -> None:
    def script() -> None:
        from stentrans.app import regions, view

        regions.take_selection([5, 3, 3, 9])
        regions.take_selection([1])
        regions.take_selection([])
        import streamlit as st

        st.session_state["found"] = (view.regions(), view.region())

    app = AppTest.from_function(script)
    app.session_state[state.SECTION] = "a" * 32
    app.run()
    assert not app.exception
    found, looked_at = app.session_state["found"]
    assert [one.spots for one in found.values()] == [(3, 5, 9), (1,)]
    assert list(found) == ["region 1", "region 2"]
    assert looked_at == found["region 2"]


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (MoranCheck(0.02, 0.05, 0.9, 0.4), "The measured spots show no pattern"),
        (MoranCheck(0.3, 0.05, 0.7, 0.9), "smoothing alone does that"),
        (MoranCheck(0.6, 0.05, 0.9, 0.4), "more pattern than smoothing alone"),
    ],
)
def test_smoother_is_never_called_better_without_its_null(check: MoranCheck, words: str) -> None:
    sentence = map_text.moran_sentence(check)
    assert words in sentence
    assert f"{check.after_null:.2f}" in sentence


def test_strongest_rival_is_told() -> None:
    scores = {"pearson_linear": 0.4, "pearson_nearest": 0.2, "pearson_lowrank_kriging": 0.9}
    assert map_text.strongest_rival(scores, "stentrans") == ("linear", 0.4)
    assert map_text.strongest_rival(scores, "linear") == ("nearest", 0.2)
    name, value = map_text.strongest_rival({}, "stentrans")
    assert (name, map_text.signed(0.5 - value)) == ("cubic", "–")
    assert map_text.signed(-0.034) == "−0.03"
