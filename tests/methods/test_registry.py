"""The list of methods and loading by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stentrans.errors import MissingKeyError
from stentrans.methods.registry import ABOUT, METHODS, load


def test_baselines_and_default_are_listed():
    assert {"nearest", "linear", "cubic", "lowrank_kriging", "stentrans"} <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_entry_says_what_a_menu_needs(name):
    info = ABOUT[name]
    assert info.name == name
    assert info.summary == METHODS[name]
    for text in (info.summary, info.citation, info.limits):
        assert text.endswith(".")
        assert "\n" not in text


@pytest.mark.parametrize("name", METHODS)
def test_loaded_method_has_the_name_it_was_asked_by(name):
    assert load(name).name == name


def test_unknown_name_is_answered_with_the_options():
    with pytest.raises(MissingKeyError, match=r"must be one of .*nearest.*; got 'magic'"):
        load("magic")


def test_list_cannot_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        METHODS["mine"] = "the best of all"


def test_listing_methods_imports_no_torch():
    code = "import sys, stentrans.methods.registry; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
