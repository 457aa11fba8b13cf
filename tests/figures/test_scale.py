"""Round lengths and short numbers."""

from __future__ import annotations

import pytest

from stentrans.figures.scale import length_text, round_length, tick_text


@pytest.mark.parametrize(("about", "length"), [(0.3, 1), (7.0, 5), (20.0, 20), (999.0, 500)])
def test_round_length_is_not_above_what_was_asked(about: float, length: float) -> None:
    assert round_length(about) == length


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (1.234, "1.2"), (1234.4, "1,234")])
def test_tick_text_is_short_and_never_in_powers(value: float, text: str) -> None:
    assert tick_text(value) == text


@pytest.mark.parametrize(("length", "text"), [(500, "500 µm"), (1000, "1 mm"), (2500, "2.5 mm")])
def test_long_lengths_are_told_in_millimetres(length: float, text: str) -> None:
    assert length_text(length) == text
