"""Libraries are fetched once, on request; without a network one sentence says so."""

from __future__ import annotations

import io
from urllib.error import URLError

import pytest

from stentrans.errors import ParameterError, SectionFormatError, StentransError
from stentrans.patterns import enrichr

NAME = "MSigDB_Hallmark_2020"


class Enrichr:
    """Stands in for the server."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def __call__(self, address, timeout):
        self.asked.append(address)
        if isinstance(self.answer, Exception):
            raise self.answer
        return io.BytesIO(self.answer)


@pytest.fixture
def server(monkeypatch):
    def put(answer):
        made = Enrichr(answer)
        monkeypatch.setattr(enrichr, "urlopen", made)
        return made

    return put


def test_library_is_fetched_once_and_its_day_kept(server, tmp_path):
    asked = server(b"Hypoxia\t\tVEGFA\tCA9\n").asked
    assert not enrichr.is_kept(NAME, tmp_path)
    first = enrichr.library(NAME, tmp_path)
    again = enrichr.library(NAME, tmp_path)
    assert len(asked) == 1
    assert asked[0].endswith(f"libraryName={NAME}")
    assert dict(again.sets) == dict(first.sets) == {"Hypoxia": ("VEGFA", "CA9")}
    assert again.source == first.source
    assert NAME in first.source
    assert "fetched 20" in first.source
    assert enrichr.is_kept(NAME, tmp_path)


@pytest.mark.parametrize("failure", [URLError("no route to host"), TimeoutError("timed out")])
def test_without_a_network_one_sentence_says_so(server, tmp_path, failure):
    server(failure)
    with pytest.raises(StentransError, match=r"Enrichr must be reachable.*or give a GMT file"):
        enrichr.library(NAME, tmp_path)
    assert not list(tmp_path.iterdir())


def test_answer_that_is_no_library_is_not_kept(server, tmp_path):
    server(b"<html>busy</html>")
    with pytest.raises(SectionFormatError, match="at least one gene set"):
        enrichr.library(NAME, tmp_path)
    assert not list(tmp_path.iterdir())


def test_answer_without_end_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(enrichr, "LARGEST_BYTES", 10)
    server(b"Hypoxia\t\tVEGFA\tCA9\n")
    with pytest.raises(StentransError, match="too large"):
        enrichr.library(NAME, tmp_path)


def test_unknown_library_is_refused_without_asking(server, tmp_path):
    asked = server(b"").asked
    with pytest.raises(ParameterError, match="library must be one of"):
        enrichr.library("../../etc/passwd", tmp_path)
    assert not asked
