"""Who may see what on a server that people share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from stentrans.app import access, cache
from stentrans.app.desks import Desks, Link, is_token, new_token
from stentrans.errors import ParameterError
from stentrans.passwords import hash_password, is_password
from stentrans.section import check_section

ILL = ["", "..", "../desks/x", "a" * 42, "a" * 44, "a" * 42 + "/", "\0" * 43, "a" * 42 + "\n", 7]


def link_of(owner: str = "me") -> Link:
    return Link("a" * 32, "", "mine", owner, 1.0)


@pytest.fixture
def desks(tmp_path: Path) -> Desks:
    return Desks(tmp_path)


def test_desk_is_found_by_its_key_alone(desks: Desks, tmp_path: Path) -> None:
    desks.put("mine", "a" * 32, "biopsy")
    assert desks.labels("mine") == {"a" * 32: "biopsy"}
    assert desks.labels("other") == {}
    assert not [path for path in tmp_path.rglob("*") if "mine" in path.name]


def test_link_opens_until_it_is_revoked(desks: Desks) -> None:
    token = desks.share(link_of())
    assert desks.link(token) == link_of()
    (name,) = desks.links_of("me")
    desks.revoke(name, "somebody else")
    assert desks.link(token) is not None
    desks.revoke(name, "me")
    assert desks.link(token) is None


def test_token_cannot_be_read_off_the_disk(desks: Desks, tmp_path: Path) -> None:
    token = desks.share(link_of())
    assert not [p for p in tmp_path.rglob("*.json") if token in p.read_text() + p.name]


@pytest.mark.parametrize("token", ILL, ids=repr)
def test_ill_token_opens_nothing_and_touches_no_file(desks: Desks, token: Any) -> None:
    assert not is_token(token)
    assert desks.link(token) is None


@pytest.mark.parametrize("name", ["..", "../x", "/etc/passwd", "\0", "x" * 5000])
def test_ill_key_never_becomes_a_path(desks: Desks, name: str, tmp_path: Path) -> None:
    desks.put(name, "a" * 32, "x")
    desks.revoke(name, name)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent.name for path in written] == ["desks"]


def test_tokens_differ_and_have_their_form() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(map(is_token, made))


def test_password_is_known_by_its_hash_alone() -> None:
    told = hash_password("correct horse")
    assert "horse" not in told
    assert is_password("correct horse", told)
    assert not is_password("correct Horse", told)
    assert hash_password("correct horse") != told


@pytest.mark.parametrize("told", ["", "plain", "scrypt:xyz:00", "md5:00:00"])
def test_hash_of_another_kind_is_refused_in_a_sentence(told: str) -> None:
    with pytest.raises(ParameterError, match="must hold what `python -m stentrans password`"):
        is_password("x", told)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that others reach."""
    asked = st.get_option
    monkeypatch.setattr(
        st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else asked(name)
    )


def visitor(app: AppTest, **query: str) -> AppTest:
    other = AppTest.from_file(app._script_path, default_timeout=60)
    other.query_params = query
    return other.run()


def text_of(app: AppTest) -> str:
    shown = [*app.markdown, *app.sidebar.markdown, *app.caption, *app.code, *app.selectbox]
    return "\n".join(str(getattr(one, "value", "")) + str(one) for one in shown)


def upload(app: AppTest, section: ad.AnnData, folder: Path) -> str:
    section.write_h5ad(folder / "secret.h5ad")
    content = (folder / "secret.h5ad").read_bytes()
    app.file_uploader[0].set_value([("secret.h5ad", content, "application/octet-stream")])
    app.run()
    return str(app.session_state["stentrans_section"])


@pytest.mark.usefixtures("shared")
def test_upload_of_one_session_is_neither_listed_nor_opened_by_another(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    section = upload(app.run(), hexagonal_section, tmp_path)
    assert "secret" in text_of(app)
    # Even with the very id, which only somebody with the same file can compute.
    other = visitor(app, section=section)
    assert not other.exception
    assert "secret" not in text_of(other)
    assert other.session_state["stentrans_section"] != section
    assert section not in other.session_state["stentrans_labels"]


@pytest.mark.usefixtures("shared")
def test_link_shows_the_section_until_it_is_revoked(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path
) -> None:
    section = upload(app.run(), hexagonal_section, tmp_path)
    owner = f"browser {app.session_state['stentrans_token']}"
    token = cache.desks().share(Link(section, "", "secret.h5ad", owner, 1.0))
    other = visitor(app, link=token)
    assert other.session_state["stentrans_section"] == section
    # What a link gave is not kept as one's own.
    mine = cache.desks().labels(f"browser {other.session_state['stentrans_token']}")
    assert section not in mine
    (name,) = cache.desks().links_of(owner)
    cache.desks().revoke(name, owner)
    again = visitor(app, link=token)
    assert not again.exception
    assert section not in again.session_state["stentrans_labels"]
    # A session that was there already loses it at the next thing it does.
    other.run()
    assert not other.exception
    assert section not in other.session_state["stentrans_labels"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("name", ["../x", "a" * 32, "/etc/passwd", "%2e%2e", "\0"])
def test_ill_names_in_the_address_open_nothing(app: AppTest, name: str) -> None:
    for query in ({"section": name}, {"link": name}, {"section": name, "run": name}):
        seen = visitor(app, **query)
        assert not seen.exception
        assert "imulated" in text_of(seen)


@pytest.mark.usefixtures("shared")
def test_own_section_is_found_again_by_the_same_browser(
    app: AppTest,
    hexagonal_section: ad.AnnData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section = upload(app.run(), hexagonal_section, tmp_path)
    token = app.session_state["stentrans_token"]
    monkeypatch.setattr(access, "_token", lambda: token)
    again = visitor(app, section=section)
    assert again.session_state["stentrans_section"] == section


def test_nothing_is_drawn_before_the_password(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = hash_password("correct horse")
    monkeypatch.setenv("STENTRANS_PASSWORD_HASH", told)
    app.run()
    assert len(app.text_input) == 1
    assert not app.sidebar.markdown
    assert not app.get("plotly_chart")
    assert not app.get("file_uploader")
    inside = AppTest.from_file(app._script_path, default_timeout=60)
    inside.session_state["stentrans_is_in"] = told
    inside.run()
    assert not inside.exception
    assert "imulated" in text_of(inside)


def test_private_server_tells_nobody_apart(
    app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path, finish: Callable[[], None]
) -> None:
    section = cache.store().put_section(check_section(hexagonal_section), about={"label": "x"})
    assert visitor(app, section=section).session_state["stentrans_section"] == section
    assert not (cache.store().folder / "desks").exists()
    finish()
